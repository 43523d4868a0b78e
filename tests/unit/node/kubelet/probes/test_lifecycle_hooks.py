"""postStart hooks: when they begin, what their end means, and what silence of the runtime does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import pytest
from podlab_testing.kubelet_pods import MakeObserved, MakePod, MakeRun
from podlab_testing.waiting import WITHIN_S

from node.kubelet.cri.runtime import ExecResult, ObservedPod, RuntimeFailure, RuntimeUnavailable
from node.kubelet.pod.callbacks import PodCallbacks
from node.kubelet.pod.pod_notes import PodNotes
from node.kubelet.probes.lifecycle_hooks import NO_LIMIT, PostStartHooks
from podlab.core.v1 import pod_pb2


class Commands:
    """A runtime whose command answers in turn what the test gave it; None waits for ever."""

    def __init__(self, *answers: int | Exception | None) -> None:
        self.answers = list(answers)
        self.limits: list[int] = []

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout_s: int) -> ExecResult:
        self.limits.append(timeout_s)
        result = self.answers.pop(0)
        if result is None:
            await asyncio.get_running_loop().create_future()
        if isinstance(result, Exception):
            raise result
        return ExecResult(result or 0, b"what it said")


class Hooked:
    """The hooks of a pod whose container `web` runs."""

    def __init__(self, commands: Commands, notes: PodNotes, pod: pod_pb2.Pod, observed: ObservedPod) -> None:
        self.events: list[tuple[str, str]] = []
        self.changed = asyncio.Event()
        self._pod, self._observed = pod, observed
        self.hooks = PostStartHooks(commands, notes, PodCallbacks(self._event, self.changed.set), retry_s=0.01)

    def _event(self, event_type: str, reason: str, message: str, *, container: str = "") -> None:
        self.events.append((reason, message))

    def look(self) -> None:
        self.hooks.sync(self._pod, self._observed, "10.0.0.1")

    async def settled(self) -> None:
        async with asyncio.timeout(WITHIN_S):
            await self.changed.wait()


class Start(Protocol):
    def __call__(self, commands: Commands, **handler: object) -> Hooked: ...


@pytest.fixture
async def start(pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes) -> AsyncIterator[Start]:
    begun: list[Hooked] = []

    def begin(commands: Commands, **handler: object) -> Hooked:
        handler = handler or {"exec": {"command": ["hook"]}}
        container = {"name": "web", "image": "i", "lifecycle": {"postStart": handler}}
        begun.append(Hooked(commands, notes, pod(containers=[container]), observed(run())))
        begun[-1].look()
        return begun[-1]

    yield begin
    for each in begun:
        each.hooks.stop()


async def test_a_hook_that_succeeds_runs_once_and_without_a_limit(start: Start, notes: PodNotes) -> None:
    commands = Commands(0)
    hooks = start(commands)
    await hooks.settled()
    hooks.look()
    assert notes.post_start_done == {"web-0"}
    assert commands.limits == [NO_LIMIT]


@pytest.mark.parametrize("result", [1, RuntimeFailure("no such executable")])
async def test_a_hook_that_fails_ends_its_container_and_the_event_keeps_what_it_said(
    start: Start, notes: PodNotes, result: int | Exception
) -> None:
    hooks = start(Commands(result))
    await hooks.settled()
    hooks.look()
    assert not notes.post_start_done
    assert notes.to_kill.keys() == notes.post_start_failures.keys() == {"web-0"}
    assert hooks.events == [("FailedPostStartHook", "PostStartHook failed")]


async def test_a_hook_waits_for_a_runtime_that_does_not_answer(start: Start, notes: PodNotes) -> None:
    hooks = start(Commands(RuntimeUnavailable("connection refused"), RuntimeUnavailable("connection refused"), 0))
    await hooks.settled()
    assert (notes.post_start_done, notes.to_kill, hooks.events) == ({"web-0"}, {}, [])


async def test_a_hook_that_hangs_leaves_its_container_not_up(start: Start, notes: PodNotes) -> None:
    commands = Commands(None)
    hooks = start(commands)
    await asyncio.sleep(0)
    hooks.look()
    assert len(commands.limits) == 1
    assert not notes.post_start_done | notes.to_kill.keys()


async def test_a_pod_that_ends_begins_no_hook(start: Start, notes: PodNotes) -> None:
    commands = Commands(0)
    notes.terminating_since = 1.0
    start(commands)
    await asyncio.sleep(0)
    assert not commands.limits


async def test_a_sleep_is_a_hook_too(start: Start, notes: PodNotes) -> None:
    hooks = start(Commands(), sleep={"seconds": 0})
    await hooks.settled()
    assert notes.post_start_done == {"web-0"}
