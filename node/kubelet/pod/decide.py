"""What to do next for one pod. Pure: the worker does the one action, looks again, and asks again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from node.kubelet.cri.runtime import CONTAINER_HASH, Container, ObservedPod, State
from node.kubelet.pod import pod_outcome, podspec, restart_backoff
from node.kubelet.pod.pod_notes import FOREVER, Memory
from podlab.api import containers
from podlab.core.v1 import pod_pb2

# A pod that the API no longer knows: nobody waits for it to end well.
ORPHAN_GRACE_S = 2
# What remains for sidecars when the main containers used up the pod's grace.
SIDECAR_GRACE_S = 2


@dataclass(frozen=True)
class RunSandbox:
    attempt: int


@dataclass(frozen=True)
class StopSandbox:
    id: str


@dataclass(frozen=True)
class RemoveSandbox:
    id: str


@dataclass(frozen=True)
class StartContainer:
    """`next_backoff_s` is what the new run carries for its own successor."""

    name: str
    attempt: int
    next_backoff_s: int


@dataclass(frozen=True)
class StopContainer:
    id: str
    name: str
    grace_s: int
    message: str


@dataclass(frozen=True)
class RemoveContainer:
    id: str


@dataclass(frozen=True)
class Finish:
    """The runtime has nothing of the pod any more: free its volumes and let the API forget it."""


@dataclass(frozen=True)
class Wait:
    """Nothing to do before that time (seconds since 1970), unless something changes."""

    until: float = FOREVER


Action = RunSandbox | StopSandbox | RemoveSandbox | StartContainer | StopContainer | RemoveContainer | Finish | Wait


def next_action(pod: pod_pb2.Pod | None, observed: ObservedPod, memory: Memory, now: float) -> Action:
    """`pod` is None when the API does not know it. Holds and deadlines are compared with `now`."""
    if pod is None:
        return _end(observed, memory, now, ORPHAN_GRACE_S, (), "Pod is gone from the API") or _erase(observed)
    sidecars = [init.name for init in pod.spec.initContainers if podspec.is_sidecar(init)]
    if pod.metadata.HasField("deletionTimestamp"):
        ending = _end(observed, memory, now, podspec.grace_s(pod), sidecars, "Stopping container {name}")
        return ending or _erase(observed)
    if pod_outcome.outcome(pod, observed, now) is not None:
        grace_s = podspec.grace_s(pod) if memory.grace_s is None else memory.grace_s
        ending = _end(observed, memory, now, grace_s, sidecars, "Stopping container {name}")
        return ending or _tidy(observed) or Wait()
    return _keep_running(pod, observed, memory, now)


def initialized(pod: pod_pb2.Pod, observed: ObservedPod, memory: Memory) -> bool:
    """Whether the main containers may start, or have started already, in the present sandbox."""
    return _next_init(pod, observed, memory) is None


def _keep_running(pod: pod_pb2.Pod, observed: ObservedPod, memory: Memory, now: float) -> Action:
    sandbox = observed.sandbox
    if sandbox is None or not sandbox.ready:
        return _new_sandbox(pod, observed, memory, now)
    waits = [Wait(pod_outcome.deadline(pod))]
    for action in _starts_and_stops(pod, observed, memory, now):
        if not isinstance(action, Wait):
            return action
        waits.append(action)
    return _tidy(observed) or min(waits, key=lambda wait: wait.until)


def _new_sandbox(pod: pod_pb2.Pod, observed: ObservedPod, memory: Memory, now: float) -> Action:
    sandbox = observed.sandbox
    ending = _stop(observed.alive, memory, now, podspec.grace_s(pod), "Pod sandbox changed, it will be re-created")
    if ending is not None:
        return ending
    if sandbox is not None and sandbox.id not in memory.released:
        return StopSandbox(sandbox.id)
    hold = memory.holds.get("")
    if hold is not None and hold.until > now:
        return Wait(min(hold.until, pod_outcome.deadline(pod)))
    return RunSandbox(sandbox.attempt + 1 if sandbox is not None else 0)


def _starts_and_stops(pod: pod_pb2.Pod, observed: ObservedPod, memory: Memory, now: float) -> Iterator[Action]:
    """For each container that needs something, what; a Wait when it must wait for its turn."""
    for container in podspec.all_containers(pod):
        run = observed.latest(container.name)
        if run is not None and run.alive:
            doom = _doom(container, run, memory)
            if doom is not None and run.id not in memory.stopping:
                grace_s = doom[1] if doom[1] is not None else podspec.grace_s(pod)
                yield StopContainer(run.id, container.name, grace_s, doom[0])
    for joined in containers.ephemeral(pod.spec):
        if not _has_run(pod, joined, observed):
            yield from _start(pod, joined, observed, memory, now)
    pending = _next_init(pod, observed, memory)
    for init in pod.spec.initContainers:
        if init.name == pending or (podspec.is_sidecar(init) and observed.latest(init.name) is not None):
            yield from _start(pod, init, observed, memory, now)
        if init.name == pending:
            return
    for container in pod.spec.containers:
        yield from _start(pod, container, observed, memory, now)
        run = observed.latest(container.name)
        if run is not None and run.alive and not memory.is_up(container, run):
            return  # the later ones wait for its postStart hook, as Kubernetes starts one after the other


def _start(
    pod: pod_pb2.Pod, container: pod_pb2.Container, observed: ObservedPod, memory: Memory, now: float
) -> Iterator[Action]:
    run = observed.latest(container.name)
    if run is not None and run.alive:
        return
    if run is not None and run.state in (State.CREATED, State.UNKNOWN):
        yield RemoveContainer(run.id)
        return
    if run is not None and not _runs_again(pod, container, run, observed):
        return
    if run is None and pod_outcome.is_done(pod, container, observed):
        return
    earliest = restart_backoff.due(run) if run is not None else 0.0
    hold = memory.holds.get(container.name)
    earliest = max(earliest, hold.until if hold is not None else 0.0)
    if earliest > now:
        yield Wait(earliest)
        return
    yield StartContainer(container.name, _attempt(pod, container, run), restart_backoff.following_s(run))


def _has_run(pod: pod_pb2.Pod, joined: pod_pb2.Container, observed: ObservedPod) -> bool:
    """Whether an ephemeral container was started, in this sandbox or in one that is gone."""
    run = observed.latest(joined.name)
    if run is not None:
        return run.state is not State.CREATED
    return any(status.containerID for status in pod.status.ephemeralContainerStatuses if status.name == joined.name)


def _runs_again(pod: pod_pb2.Pod, container: pod_pb2.Container, run: Container, observed: ObservedPod) -> bool:
    if podspec.restarts(pod, container, run.exit_code) or _outdated(container, run):
        return True
    # A new sandbox begins with all init containers.
    is_init = any(init.name == container.name for init in pod.spec.initContainers)
    return is_init and observed.sandbox is not None and run.sandbox_id != observed.sandbox.id


def _next_init(pod: pod_pb2.Pod, observed: ObservedPod, memory: Memory) -> str | None:
    """The name of the init container that the later containers wait for; None when there is none."""
    sandbox_id = observed.sandbox.id if observed.sandbox is not None else ""
    names = {container.name for container in pod.spec.containers}
    if any(run.name in names and run.sandbox_id == sandbox_id for run in observed.containers):
        return None
    for init in pod.spec.initContainers:
        run = observed.latest(init.name)
        here = run is not None and run.sandbox_id == sandbox_id
        if podspec.is_sidecar(init):
            done = here and run is not None and run.alive and run.id in memory.started
        else:
            done = here and run is not None and run.state is State.EXITED and run.exit_code == 0
        if not done:
            return init.name
    return None


def _doom(container: pod_pb2.Container, run: Container, memory: Memory) -> tuple[str, int | None] | None:
    doom = memory.doomed.get(run.id)
    if doom is not None:
        return doom.message, doom.grace_s
    if _outdated(container, run):
        return f"Container {container.name} definition changed, will be restarted", None
    return None


def _outdated(container: pod_pb2.Container, run: Container) -> bool:
    made_of = run.annotations.get(CONTAINER_HASH)
    return made_of is not None and made_of != podspec.container_hash(container)


def _attempt(pod: pod_pb2.Pod, container: pod_pb2.Container, run: Container | None) -> int:
    if run is not None:
        return run.attempt + 1
    # The runtime has lost the earlier runs; the API remembers how many there were.
    for status in (*pod.status.initContainerStatuses, *pod.status.containerStatuses):
        if status.name == container.name and (status.containerID or status.lastState.HasField("terminated")):
            return status.restartCount + 1
    return 0


def _end(
    observed: ObservedPod, memory: Memory, now: float, grace_s: int, sidecars: Iterable[str], message: str
) -> Action | None:
    """Stops the main containers, then the sidecars in reverse order, then the sandbox. None when all is stopped."""
    since = memory.ending_since if memory.ending_since is not None else now
    order = list(sidecars)
    mains = [run for run in observed.alive if run.name not in order]
    ending = _stop(mains, memory, now, grace_s, message)
    if ending is not None:
        return ending
    left_s = max(SIDECAR_GRACE_S, int(since + grace_s - now))
    for name in reversed(order):
        ending = _stop([run for run in observed.alive if run.name == name], memory, now, left_s, message)
        if ending is not None:
            return ending
    for sandbox in observed.sandboxes:
        if sandbox.ready and sandbox.id not in memory.released:
            return StopSandbox(sandbox.id)
    return None


def _stop(runs: Iterable[Container], memory: Memory, now: float, grace_s: int, message: str) -> Action | None:
    waiting = False
    for run in runs:
        killed_at = memory.stopping.get(run.id)
        # A shorter grace than the one that runs already counts; one second apart is the same.
        if killed_at is None or killed_at > now + grace_s + 1:
            return StopContainer(run.id, run.name, grace_s, message.format(name=run.name))
        waiting = True
    return Wait() if waiting else None


def _erase(observed: ObservedPod) -> Action:
    """Containers go with their sandbox; one whose sandbox is gone goes by itself."""
    if observed.sandboxes:
        return RemoveSandbox(observed.sandboxes[-1].id)
    if observed.containers:
        return RemoveContainer(observed.containers[-1].id)
    return Finish()


def _tidy(observed: ObservedPod) -> Action | None:
    """Of each container the newest dead run is kept, for `logs --previous`; of sandboxes those that hold something."""
    kept: set[str] = set()
    for run in observed.containers:
        if run.state is State.EXITED:
            if run.name in kept:
                return RemoveContainer(run.id)
            kept.add(run.name)
    used = {run.sandbox_id for run in observed.containers}
    for sandbox in observed.sandboxes[1:]:
        if sandbox.id not in used:
            return RemoveSandbox(sandbox.id)
    return None
