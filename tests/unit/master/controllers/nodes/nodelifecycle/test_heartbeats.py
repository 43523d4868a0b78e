"""Silence, by the listener's own clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from podlab_testing.waiting import WITHIN_S

from master.controllers.nodes.nodelifecycle.heartbeats import ApiServerReachability, Heartbeats
from podlab.coordination.v1 import lease_pb2
from podlab.errors import ServiceUnavailable

Builder = Callable[..., Any]


def lease(seconds: int) -> lease_pb2.Lease:
    made = lease_pb2.Lease()
    made.spec.renewTime.seconds = seconds
    return made


def test_silence_begins_when_a_heartbeat_was_seen_whatever_the_nodes_clock_says(node: Builder) -> None:
    heartbeats, one = Heartbeats(), node()
    heartbeats.observe(one, lease(9_999_999), now=100)
    heartbeats.observe(one, lease(9_999_999), now=130)
    assert heartbeats.silence_s(one, 0, now=130) == 30
    heartbeats.observe(one, lease(1), now=131)
    assert heartbeats.silence_s(one, 0, now=132) == 1


def test_a_status_that_was_posted_is_a_heartbeat_too(node: Builder) -> None:
    heartbeats, one = Heartbeats(), node()
    heartbeats.observe(one, None, now=100)
    one.status.conditions[0].lastHeartbeatTime.seconds = 5
    heartbeats.observe(one, None, now=120)
    assert heartbeats.silence_s(one, 0, now=121) == 1


def test_silence_counts_only_while_the_api_server_can_be_heard(node: Builder) -> None:
    heartbeats, one = Heartbeats(), node()
    heartbeats.observe(one, lease(1), now=100)
    assert heartbeats.silence_s(one, connected_since=190, now=200) == 10
    assert heartbeats.silence_s(one, connected_since=float("inf"), now=200) < 0


def test_a_node_that_comes_again_starts_anew(node: Builder) -> None:
    heartbeats, one = Heartbeats(), node()
    heartbeats.observe(one, lease(1), now=100)
    heartbeats.forget(one)
    heartbeats.observe(one, lease(1), now=150)
    assert heartbeats.silence_s(one, 0, now=151) == 1


class Server:
    """An API server as its client meets it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.away = False
        self.answering = asyncio.Event()
        self.answering.set()
        self.asked = asyncio.Event()

    async def answer(self) -> None:
        self.asked.set()
        if self.away:
            raise ServiceUnavailable("no")
        await self.answering.wait()

    async def next(self) -> None:
        """It has been asked once more, and whoever asked has taken the answer."""
        self.asked.clear()
        await asyncio.wait_for(self.asked.wait(), WITHIN_S)
        await asyncio.sleep(0)


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
async def hearing(server: Server) -> AsyncIterator[ApiServerReachability]:
    made = ApiServerReachability(server.answer, lambda: server.now, grace_s=0.04)
    following = asyncio.create_task(made.run())
    await server.next()
    yield made
    following.cancel()


async def test_what_is_heard_without_a_break_counts_from_the_first_answer(
    server: Server, hearing: ApiServerReachability
) -> None:
    assert hearing.since() == 100
    for _ in range(3):
        server.now += 0.03
        await server.next()
    assert hearing.since() == 100


async def test_a_process_that_was_stopped_counts_from_its_next_answer(
    server: Server, hearing: ApiServerReachability
) -> None:
    server.now = 135.0  # no turn of the loop in between
    assert hearing.since() == float("inf")
    await server.next()
    assert hearing.since() == 135


async def test_a_server_that_hangs_or_is_away_is_not_heard(server: Server, hearing: ApiServerReachability) -> None:
    server.answering.clear()
    await server.next()
    server.now = 120.0
    assert hearing.since() == float("inf")
    server.answering.set()
    await server.next()
    assert hearing.since() == 120
    server.away = True
    await server.next()
    assert hearing.since() == float("inf")
