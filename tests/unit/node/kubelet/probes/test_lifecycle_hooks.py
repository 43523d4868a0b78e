"""postStart hooks: when they begin, what their end means, and what silence of the runtime does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from node.kubelet.cri.runtime import ExecResult, RuntimeFailure, RuntimeUnavailable
from node.kubelet.pod.callbacks import Voice
from node.kubelet.pod.pod_notes import Memory
from node.kubelet.probes import lifecycle_hooks
from node.kubelet.probes.lifecycle_hooks import PostStart
from podlab.core.v1 import pod_pb2

Make = Callable[..., Any]


class Commands:
    """A runtime whose command answers in turn what the test gave it; None waits for ever."""

    def __init__(self, *answers: int | Exception | None) -> None:
        self.answers = list(answers)
        self.limits: list[int] = []

    async def exec_sync(self, container_id: str, command: list[str], timeout_s: int) -> ExecResult:
        self.limits.append(timeout_s)
        answer = self.answers.pop(0)
        if answer is None:
            await asyncio.get_running_loop().create_future()
        if isinstance(answer, Exception):
            raise answer
        return ExecResult(answer or 0, b"what it said")


class Hooked:
    """The hooks of a pod whose container `web` runs."""

    def __init__(self, commands: Commands, memory: Memory, pod: pod_pb2.Pod, observed: Any) -> None:
        self.events: list[tuple[str, str]] = []
        self.changed = asyncio.Event()
        self._pod, self._observed = pod, observed
        runtime: Any = commands
        self.hooks = PostStart(runtime, memory, Voice(self._event, self.changed.set))

    def _event(self, event_type: str, reason: str, message: str, container: str) -> None:
        self.events.append((reason, message))

    def look(self) -> None:
        self.hooks.sync(self._pod, self._observed, "10.0.0.1")

    async def settled(self) -> None:
        async with asyncio.timeout(10):
            await self.changed.wait()


@pytest.fixture
async def start(pod: Make, observed: Make, run: Make, memory: Memory) -> AsyncIterator[Callable[..., Hooked]]:
    begun: list[Hooked] = []

    def begin(commands: Commands, **handler: Any) -> Hooked:
        handler = handler or {"exec": {"command": ["hook"]}}
        container = {"name": "web", "image": "i", "lifecycle": {"postStart": handler}}
        begun.append(Hooked(commands, memory, pod(containers=[container]), observed(run())))
        begun[-1].look()
        return begun[-1]

    yield begin
    for each in begun:
        each.hooks.stop()


async def test_a_hook_that_succeeds_runs_once_and_without_a_limit(start: Make, memory: Memory) -> None:
    commands = Commands(0)
    hooked = start(commands)
    await hooked.settled()
    hooked.look()
    assert memory.hooked == {"web-0"}
    assert commands.limits == [lifecycle_hooks.NO_LIMIT]


@pytest.mark.parametrize("answer", [1, RuntimeFailure("no such executable")])
async def test_a_hook_that_fails_dooms_its_container_and_the_event_keeps_what_it_said(
    start: Make, memory: Memory, answer: int | Exception
) -> None:
    hooked = start(Commands(answer))
    await hooked.settled()
    hooked.look()
    assert not memory.hooked
    assert memory.doomed.keys() == memory.hook_failures.keys() == {"web-0"}
    assert hooked.events == [("FailedPostStartHook", "PostStartHook failed")]


async def test_a_hook_waits_for_a_runtime_that_does_not_answer(
    start: Make, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle_hooks, "RETRY_S", 0.01)
    hooked = start(Commands(RuntimeUnavailable("connection refused"), RuntimeUnavailable("connection refused"), 0))
    await hooked.settled()
    assert (memory.hooked, memory.doomed, hooked.events) == ({"web-0"}, {}, [])


async def test_a_hook_that_hangs_leaves_its_container_not_up(start: Make, memory: Memory) -> None:
    commands = Commands(None)
    hooked = start(commands)
    await asyncio.sleep(0)
    hooked.look()
    assert len(commands.limits) == 1
    assert not memory.hooked | memory.doomed.keys()


async def test_a_pod_that_ends_begins_no_hook(start: Make, memory: Memory) -> None:
    commands = Commands(0)
    memory.ending_since = 1.0
    start(commands)
    await asyncio.sleep(0)
    assert not commands.limits


async def test_a_sleep_is_a_hook_too(start: Make, memory: Memory) -> None:
    hooked = start(Commands(), sleep={"seconds": 0})
    await hooked.settled()
    assert memory.hooked == {"web-0"}
