"""What probes do to the containers that they ask: against real servers, and in their order."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from podlab_testing.kubelet_pods import Json, MakeObserved, MakePod, MakeRun
from podlab_testing.waiting import WITHIN_S

from node.kubelet.cri.runtime import (
    Container,
    ExecResult,
    ExecTimeout,
    ObservedPod,
    RuntimeFailure,
    RuntimeUnavailable,
)
from node.kubelet.pod.callbacks import PodCallbacks
from node.kubelet.pod.pod_notes import PodNotes
from node.kubelet.probes import handlers
from node.kubelet.probes.handlers import HandlerTarget
from node.kubelet.probes.probe_manager import ProbeManager, ProbeType
from podlab.core.v1 import pod_pb2

NOW_NS = time.time_ns()


class Commands:
    """A runtime whose commands end with the codes that the test sets, or raise; when each was asked for is kept."""

    def __init__(self, **codes: int | Exception) -> None:
        self.codes = codes
        self.asked: list[str] = []
        self.times: list[float] = []

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout_s: int) -> ExecResult:
        self.asked.append(command[0])
        self.times.append(time.monotonic())
        if command[0] not in self.codes:
            raise ExecTimeout(f'command "{" ".join(command)}" timed out')
        code = self.codes[command[0]]
        if isinstance(code, Exception):
            raise code
        return ExecResult(code, b"")


class Probed:
    """The loops for one pod, which is looked at again whenever they say so; `until` waits for what they bring about."""

    def __init__(self, commands: Commands, notes: PodNotes, pod: pod_pb2.Pod, observed: ObservedPod) -> None:
        self.notes = notes
        self.warnings: list[str] = []
        self.pod, self._observed = pod, observed
        self._changed = asyncio.Event()
        self.probes = ProbeManager(commands, notes, PodCallbacks(self._event, self.look))
        self.look()

    def look(self) -> None:
        self.probes.sync(self.pod, self._observed, "10.0.0.1")
        self._changed.set()

    def _event(self, event_type: str, reason: str, message: str, *, container: str = "") -> None:
        assert (event_type, reason, container) == ("Warning", "Unhealthy", "web")
        self.warnings.append(message)
        self._changed.set()

    async def until(self, check: Callable[[], object]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not check():
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await self._changed.wait()


def _exec(command: str, **more: int) -> Json:
    return {"exec": {"command": [command]}, "periodSeconds": 1, "failureThreshold": 1, **more}


class Start(Protocol):
    def __call__(self, commands: Commands, run: Container, **probes: Json) -> Probed: ...


@pytest.fixture
async def start(pod: MakePod, observed: MakeObserved, notes: PodNotes) -> AsyncIterator[Start]:
    """Begins to probe the one running container `web`."""
    begun: list[Probed] = []

    def begin(commands: Commands, run: Container, **probes: Json) -> Probed:
        container = {"name": "web", "image": "podlab.local/hello:1.0", **probes}
        begun.append(Probed(commands, notes, pod(containers=[container]), observed(run)))
        return begun[-1]

    yield begin
    for each in begun:
        each.probes.stop()


async def test_liveness_and_readiness_wait_for_the_startup_probe(start: Start, run: MakeRun, notes: PodNotes) -> None:
    commands = Commands(up=1, alive=0, ready=0)
    probed = start(
        commands,
        run(),
        startupProbe=_exec("up", failureThreshold=30),
        livenessProbe=_exec("alive"),
        readinessProbe=_exec("ready"),
    )
    await probed.until(lambda: probed.warnings)
    assert set(commands.asked) == {"up"}
    assert not notes.started
    commands.codes["up"] = 0
    await probed.until(lambda: notes.ready.get("web-0"))
    assert notes.started == {"web-0"}
    assert probed.warnings == ["Startup probe failed: command ended with exit code 1"]


async def test_a_container_that_does_not_start_up_is_ended(start: Start, run: MakeRun, notes: PodNotes) -> None:
    probed = start(Commands(), run(), startupProbe=_exec("hangs"))
    await probed.until(lambda: notes.to_kill)
    assert notes.to_kill["web-0"].message == "Container web failed startup probe, will be restarted"
    assert probed.warnings == ['Startup probe failed: command "hangs" timed out']
    assert not notes.started


async def test_a_probes_own_grace_goes_with_the_reason_to_kill(start: Start, run: MakeRun, notes: PodNotes) -> None:
    probed = start(Commands(alive=1), run(), livenessProbe=_exec("alive", terminationGracePeriodSeconds=7))
    await probed.until(lambda: notes.to_kill)
    assert notes.to_kill["web-0"].grace_s == 7


async def test_an_initial_delay_counts_from_the_start_of_the_container(
    start: Start, run: MakeRun, notes: PodNotes
) -> None:
    long_ago = run(started_ns=NOW_NS - 3600 * 10**9)
    probed = start(Commands(ready=0), long_ago, readinessProbe=_exec("ready", initialDelaySeconds=600))
    await probed.until(lambda: notes.ready.get("web-0"))


async def test_nothing_is_probed_before_the_post_start_hook_is_done(
    start: Start, run: MakeRun, notes: PodNotes
) -> None:
    commands = Commands(ready=0)
    hook = {"postStart": {"exec": {"command": ["hook"]}}}
    probed = start(commands, run(), readinessProbe=_exec("ready"), lifecycle=hook)
    assert not notes.started
    await asyncio.sleep(0)
    assert not commands.asked
    notes.post_start_done.add("web-0")
    probed.look()
    await probed.until(lambda: notes.ready.get("web-0"))


@pytest.mark.parametrize("kind", ["startupProbe", "livenessProbe", "readinessProbe"])
@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (RuntimeUnavailable("connection refused"), []),
        (RuntimeFailure("no such executable"), ["command cannot be run: no such executable"]),
    ],
)
async def test_a_question_that_cannot_be_put_is_no_result(
    start: Start, run: MakeRun, notes: PodNotes, kind: str, failure: Exception, told: list[str]
) -> None:
    notes.ready["web-0"] = True
    commands = Commands(ask=failure)
    probed = start(commands, run(), **{kind: _exec("ask")})
    await probed.until(lambda: len(commands.asked) >= 2)
    assert not notes.to_kill
    assert notes.ready["web-0"]
    name = kind.removesuffix("Probe").title()
    assert probed.warnings[:1] == [f"{name} probe errored and resulted in unknown state: {each}" for each in told]
    commands.codes["ask"] = 1
    await probed.until(lambda: notes.to_kill or not notes.ready["web-0"])


async def test_while_a_pod_ends_only_its_readiness_is_asked_for(start: Start, run: MakeRun, notes: PodNotes) -> None:
    commands = Commands(ready=0, alive=0)
    probed = start(commands, run(), readinessProbe=_exec("ready"), livenessProbe=_exec("alive"))
    await probed.until(lambda: notes.ready.get("web-0"))
    notes.terminating_since = 0.0
    probed.look()
    commands.codes.update(ready=1, alive=1)
    commands.asked.clear()
    await probed.until(lambda: not notes.ready["web-0"])
    assert set(commands.asked) == {"ready"}
    assert not notes.to_kill


async def test_a_pod_that_ends_before_it_started_up_is_not_asked_any_more(
    start: Start, run: MakeRun, notes: PodNotes
) -> None:
    commands = Commands(up=1)
    probed = start(commands, run(), startupProbe=_exec("up", failureThreshold=2))
    await probed.until(lambda: commands.asked)
    assert probed.probes.running == {("web-0", ProbeType.STARTUP)}
    notes.stopping["web-0"] = 0.0
    probed.look()
    assert probed.probes.running == frozenset()
    assert (commands.asked, notes.to_kill) == (["up"], {})


async def test_only_the_first_success_of_readiness_is_asked_for_eagerly(
    start: Start, run: MakeRun, notes: PodNotes
) -> None:
    commands = Commands(ready=1)
    probed = start(commands, run(), readinessProbe=_exec("ready", successThreshold=2))
    await probed.until(lambda: len(commands.asked) >= 2)
    commands.codes["ready"] = 0
    await probed.until(lambda: notes.ready.get("web-0"))
    gaps = [later - earlier for earlier, later in itertools.pairwise(commands.times)]
    assert gaps[0] < 0.5, "the first success is asked for soon"
    assert gaps[-1] >= 0.9, "the second one comes after the period"


async def test_grpc_health_is_asked_for_the_service_that_the_probe_names() -> None:
    servicer = health.aio.HealthServicer()
    await servicer.set("app", health_pb2.HealthCheckResponse.SERVING)
    await servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    target = HandlerTarget("c", pod_pb2.Container(name="web"), "127.0.0.1")
    try:
        success = await handlers.grpc_health(target, pod_pb2.GRPCAction(port=port, service="app"), 5.0)
        bad = await handlers.grpc_health(target, pod_pb2.GRPCAction(port=port), 5.0)
        unknown = await handlers.grpc_health(target, pod_pb2.GRPCAction(port=port, service="other"), 5.0)
    finally:
        await server.stop(None)
    assert (success.success, bad.success, unknown.success) == (True, False, False)
    assert "NOT_FOUND" in unknown.output
