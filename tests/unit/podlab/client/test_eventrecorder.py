from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from podlab_testing.waiting import WITHIN_S

from podlab.client.client import Client
from podlab.client.eventrecorder import AT_ONCE, EventRecorder
from podlab.core.v1 import event_pb2, pod_pb2
from podlab.errors import ApiError, Conflict, Forbidden, NotFound, ServiceUnavailable


class Events:
    """The API, as far as a recorder needs it."""

    def __init__(self) -> None:
        self.held: dict[str, event_pb2.Event] = {}
        self.calls: list[str] = []
        self.batches: list[int] = []
        self.refusals: list[ApiError] = []
        """One for each call to come."""
        self.refused: dict[str, ApiError] = {}
        """By reason: what single events are refused for."""
        self.open = asyncio.Event()
        self.open.set()

    async def record_events(self, events: Sequence[event_pb2.Event]) -> list[ApiError | None]:
        self.batches.append(len(events))
        sent = [event_pb2.Event.FromString(event.SerializeToString()) for event in events]
        await asyncio.sleep(0)  # the network
        await self.open.wait()
        self.calls += [f"{event.involvedObject.name} {event.message} x{event.count}" for event in sent]
        if self.refusals:
            raise self.refusals.pop(0)
        self.held |= {event.metadata.name: event for event in sent if event.reason not in self.refused}
        return [self.refused.get(event.reason) for event in sent]

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not true():  # noqa: ASYNC110  # each turn of the loop takes the recorder further
                await asyncio.sleep(0)


@asynccontextmanager
async def recording(events: Events, **limits: Any) -> AsyncIterator[EventRecorder]:
    made = EventRecorder(cast(Client, cast(Any, events)), "test", "n1", **limits)
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def pod(name: str) -> pod_pb2.Pod:
    made = pod_pb2.Pod()
    made.metadata.name, made.metadata.namespace, made.metadata.uid = name, "default", f"uid-of-{name}"
    return made


async def test_an_event_says_who_saw_what_of_whom() -> None:
    events = Events()
    async with recording(events) as recorder:
        recorder.event(pod("web"), "Warning", "Failed", "no image", field_path="spec.containers{main}")
        await events.until(lambda: len(events.held) == 1)
    (event,) = events.held.values()
    assert (event.source.component, event.source.host, event.type, event.reason) == ("test", "n1", "Warning", "Failed")
    assert (event.involvedObject.uid, event.involvedObject.fieldPath) == ("uid-of-web", "spec.containers{main}")
    assert (event.metadata.namespace, event.count) == ("default", 1)


async def test_a_burst_of_thousands_is_written_in_a_few_calls_and_nothing_is_lost() -> None:
    events = Events()
    async with recording(events) as recorder:
        for number in range(3000):
            recorder.event(pod(f"p{number}"), "Normal", "Scheduled", "assigned")
        await events.until(lambda: len(events.held) == 3000)
    assert max(events.batches) == AT_ONCE
    assert len(events.batches) == math.ceil(3000 / AT_ONCE)


async def test_events_of_one_object_are_written_in_order() -> None:
    events = Events()
    async with recording(events) as recorder:
        for message in ("pulling", "created", "started"):
            for name in ("a", "b"):
                recorder.event(pod(name), "Normal", message, message)
        await events.until(lambda: len(events.calls) == 6)
    for name in ("a", "b"):
        mine = [call for call in events.calls if call.startswith(f"{name} ")]
        assert mine == [f"{name} {message} x1" for message in ("pulling", "created", "started")]


async def test_what_repeats_while_it_waits_is_written_once_and_later_repeats_are_counted_on_it() -> None:
    events = Events()
    events.open.clear()
    async with recording(events) as recorder:
        recorder.event(pod("web"), "Normal", "First", "is on its way")
        await events.until(lambda: events.batches == [1])
        for _ in range(4):
            recorder.event(pod("web"), "Warning", "BackOff", "again")
        events.open.set()
        await events.until(lambda: len(events.calls) == 2)
        recorder.event(pod("web"), "Warning", "BackOff", "again")
        await events.until(lambda: len(events.calls) == 3)
    assert events.calls[1:] == ["web again x4", "web again x5"]
    assert len(events.held) == 2


@pytest.mark.parametrize("refusal", [NotFound.of("namespaces", "default"), Forbidden("it is being terminated")])
async def test_events_of_a_namespace_that_goes_are_given_up_at_once(refusal: ApiError) -> None:
    events = Events()
    events.refused = {"Killing": refusal}
    async with recording(events) as recorder:
        recorder.event(pod("web"), "Normal", "Killing", "m")
        recorder.event(pod("web"), "Normal", "Next", "n")
        await events.until(lambda: len(events.held) == 1)
        recorder.event(pod("web"), "Normal", "Last", "o")
        await events.until(lambda: len(events.held) == 2)
    assert events.calls == ["web m x1", "web n x1", "web o x1"]


async def test_only_what_failed_is_written_again() -> None:
    events = Events()
    events.refused = {"Raced": Conflict("others changed it")}
    async with recording(events, backoff_limit_s=0.0) as recorder:
        recorder.event(pod("web"), "Normal", "Raced", "m")
        recorder.event(pod("web"), "Normal", "Next", "n")
        await events.until(lambda: len(events.batches) == 2)
        events.refused.clear()
        await events.until(lambda: len(events.held) == 2)
    assert events.batches == [2, *[1] * (len(events.batches) - 1)]


async def test_events_outlive_an_api_server_that_is_away() -> None:
    events = Events()
    events.refusals = [ServiceUnavailable("away")] * 3
    async with recording(events, backoff_limit_s=0.0) as recorder:
        recorder.event(pod("web"), "Normal", "Pulled", "m")
        await events.until(lambda: len(events.held) == 1)
    assert len(events.calls) == 4


async def test_when_too_many_wait_that_is_said_once_and_how_many_were_dropped(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    events = Events()
    async with recording(events, waiting_limit=5) as recorder:
        for number in range(9):
            recorder.event(pod(f"p{number}"), "Normal", "Scheduled", "m")
        await events.until(lambda: len(caplog.messages) == 2)
    assert caplog.messages == [
        "events are dropped, 5 wait to be written: Scheduled m",
        "4 events were dropped while too many waited to be written",
    ]
