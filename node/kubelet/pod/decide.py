"""What to do next for one pod. Pure: the worker does the one action, looks again, and asks again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from node.kubelet.cri.runtime import CONTAINER_HASH, Container, ContainerState, ObservedPod
from node.kubelet.pod import pod_outcome, podspec, restart_backoff
from node.kubelet.pod.actions import (
    Action,
    Finish,
    RemoveContainer,
    RemoveSandbox,
    RunSandbox,
    StartContainer,
    StopContainer,
    StopSandbox,
    Wait,
)
from node.kubelet.pod.pod_notes import KillReason, PodNotes
from podlab.api.pods import containers
from podlab.core.v1 import pod_pb2

# For a pod that the API no longer knows.
ORPHAN_GRACE_S = 2
# For sidecars, when the main containers used up the pod's grace period.
SIDECAR_GRACE_S = 2


def next_action(pod: pod_pb2.Pod | None, observed: ObservedPod, notes: PodNotes, now: float) -> Action:
    """`pod` is None when the API does not know it. Blocked starts and deadlines are compared with `now`."""
    if pod is None:
        return _terminate(
            observed, notes, now, grace_s=ORPHAN_GRACE_S, sidecars=(), message="Pod is gone from the API"
        ) or _remove(observed)
    sidecars = [init.name for init in pod.spec.initContainers if podspec.is_sidecar(init)]
    if pod.metadata.HasField("deletionTimestamp"):
        grace_s = podspec.grace_s(pod)
        return _terminate(observed, notes, now, grace_s=grace_s, sidecars=sidecars) or _remove(observed)
    if pod_outcome.outcome(pod, observed, now) is not None:
        grace_s = podspec.grace_s(pod) if notes.grace_s is None else notes.grace_s
        stop = _terminate(observed, notes, now, grace_s=grace_s, sidecars=sidecars)
        return stop or _collect_garbage(observed) or _remove_ended(observed, notes) or Wait()
    return _keep_running(pod, observed, notes, now)


def initialized(pod: pod_pb2.Pod, observed: ObservedPod, notes: PodNotes) -> bool:
    """Whether the main containers may start, or have started already, in the present sandbox."""
    return _next_init(pod, observed, notes) is None


def _keep_running(pod: pod_pb2.Pod, observed: ObservedPod, notes: PodNotes, now: float) -> Action:
    sandbox = observed.sandbox
    if sandbox is None or not sandbox.ready:
        return _new_sandbox(pod, observed, notes, now)
    waits = [Wait(pod_outcome.deadline(pod))]
    for action in _starts_and_stops(pod, observed, notes, now):
        if not isinstance(action, Wait):
            return action
        waits.append(action)
    return _collect_garbage(observed) or min(waits, key=lambda wait: wait.until)


def _new_sandbox(pod: pod_pb2.Pod, observed: ObservedPod, notes: PodNotes, now: float) -> Action:
    sandbox = observed.sandbox
    stop = _stop_containers(
        observed.alive, notes, now, podspec.grace_s(pod), "Pod sandbox changed, it will be re-created"
    )
    if stop is not None:
        return stop
    if sandbox is not None and sandbox.id not in notes.stopped_sandboxes:
        return StopSandbox(sandbox.id)
    blocked = notes.blocked_starts.get("")
    if blocked is not None and blocked.until > now:
        return Wait(min(blocked.until, pod_outcome.deadline(pod)))
    return RunSandbox(sandbox.attempt + 1 if sandbox is not None else 0)


def _starts_and_stops(pod: pod_pb2.Pod, observed: ObservedPod, notes: PodNotes, now: float) -> Iterator[Action]:
    """The action of each container that needs one; a Wait for a container that may not start yet."""
    for container in podspec.all_containers(pod):
        run = observed.latest(container.name)
        if run is not None and run.alive:
            reason = _kill_reason(pod.spec, container, run, notes)
            if reason is not None and run.id not in notes.stopping:
                grace_s = reason.grace_s if reason.grace_s is not None else podspec.grace_s(pod)
                yield StopContainer(run.id, container.name, grace_s, reason.message)
    for ephemeral in containers.ephemeral(pod.spec):
        if not _has_run(pod, ephemeral, observed):
            yield from _start(pod, ephemeral, observed, notes, now)
    pending = _next_init(pod, observed, notes)
    for init in pod.spec.initContainers:
        if init.name == pending or (podspec.is_sidecar(init) and observed.latest(init.name) is not None):
            yield from _start(pod, init, observed, notes, now)
        if init.name == pending:
            return
    for container in pod.spec.containers:
        yield from _start(pod, container, observed, notes, now)
        run = observed.latest(container.name)
        if run is not None and run.alive and not notes.post_start_finished(container, run):
            return  # later containers wait for its postStart hook, as in Kubernetes


def _start(
    pod: pod_pb2.Pod, container: pod_pb2.Container, observed: ObservedPod, notes: PodNotes, now: float
) -> Iterator[Action]:
    run = observed.latest(container.name)
    if run is not None and run.alive:
        return
    if run is not None and run.state in (ContainerState.CREATED, ContainerState.UNKNOWN):
        yield RemoveContainer(run.id)
        return
    if run is not None and not _runs_again(pod, container, run, observed):
        return
    if run is None and pod_outcome.is_done(pod, container, observed):
        return
    # Whoever asked for another image or size need not wait.
    earliest = restart_backoff.due(run) if run is not None and not is_outdated(pod.spec, container, run) else 0.0
    blocked = notes.blocked_starts.get(container.name)
    earliest = max(earliest, blocked.until if blocked is not None else 0.0)
    if earliest > now:
        yield Wait(earliest)
        return
    yield StartContainer(container.name, _attempt(pod, container, run), restart_backoff.following_s(run))


def _has_run(pod: pod_pb2.Pod, ephemeral: pod_pb2.Container, observed: ObservedPod) -> bool:
    """Whether an ephemeral container was started, in this sandbox or in one that is gone."""
    run = observed.latest(ephemeral.name)
    if run is not None:
        return run.state is not ContainerState.CREATED
    return any(status.containerID for status in pod.status.ephemeralContainerStatuses if status.name == ephemeral.name)


def _runs_again(pod: pod_pb2.Pod, container: pod_pb2.Container, run: Container, observed: ObservedPod) -> bool:
    if podspec.restarts(pod, container, run.exit_code) or is_outdated(pod.spec, container, run):
        return True
    # A new sandbox begins with all init containers.
    return (
        podspec.is_init(pod, container.name) and observed.sandbox is not None and run.sandbox_id != observed.sandbox.id
    )


def _next_init(pod: pod_pb2.Pod, observed: ObservedPod, notes: PodNotes) -> str | None:
    """The name of the init container that the later containers wait for; None when there is none."""
    sandbox_id = observed.sandbox.id if observed.sandbox is not None else ""
    names = {container.name for container in pod.spec.containers}
    if any(run.name in names and run.sandbox_id == sandbox_id for run in observed.containers):
        return None
    for init in pod.spec.initContainers:
        run = observed.latest(init.name)
        in_sandbox = run is not None and run.sandbox_id == sandbox_id
        if podspec.is_sidecar(init):
            done = in_sandbox and run is not None and run.alive and run.id in notes.started
        else:
            done = in_sandbox and run is not None and run.state is ContainerState.EXITED and run.exit_code == 0
        if not done:
            return init.name
    return None


def _kill_reason(
    spec: pod_pb2.PodSpec, container: pod_pb2.Container, run: Container, notes: PodNotes
) -> KillReason | None:
    reason = notes.to_kill.get(run.id)
    if reason is not None or not is_outdated(spec, container, run):
        return reason
    image, wanted = run.annotations[CONTAINER_HASH].partition("-")[0], podspec.container_hash(spec, container)
    if image == wanted.partition("-")[0]:
        return KillReason(f"Container {container.name} resize requires restart")
    return KillReason(f"Container {container.name} definition changed, will be restarted")


def is_outdated(spec: pod_pb2.PodSpec, container: pod_pb2.Container, run: Container) -> bool:
    """Whether the run is of another image, or another size, and another one is to take its place."""
    run_hash = run.annotations.get(CONTAINER_HASH)
    return run_hash is not None and run_hash != podspec.container_hash(spec, container)


def _attempt(pod: pod_pb2.Pod, container: pod_pb2.Container, run: Container | None) -> int:
    if run is not None:
        return run.attempt + 1
    # The runtime has lost the earlier runs. The API knows how many there were.
    for status in (*pod.status.initContainerStatuses, *pod.status.containerStatuses):
        if status.name == container.name and (status.containerID or status.lastState.HasField("terminated")):
            return status.restartCount + 1
    return 0


def _terminate(
    observed: ObservedPod,
    notes: PodNotes,
    now: float,
    *,
    grace_s: int,
    sidecars: Iterable[str],
    message: str = "Stopping container {name}",
) -> Action | None:
    """Stops main containers, then sidecars in reverse order, then the sandbox. None when all of them are stopped."""
    since = notes.terminating_since if notes.terminating_since is not None else now
    sidecar_names = list(sidecars)
    mains = [run for run in observed.alive if run.name not in sidecar_names]
    stop = _stop_containers(mains, notes, now, grace_s, message)
    if stop is not None:
        return stop
    left_s = max(SIDECAR_GRACE_S, int(since + grace_s - now))
    for name in reversed(sidecar_names):
        stop = _stop_containers([run for run in observed.alive if run.name == name], notes, now, left_s, message)
        if stop is not None:
            return stop
    for sandbox in observed.sandboxes:
        if sandbox.ready and sandbox.id not in notes.stopped_sandboxes:
            return StopSandbox(sandbox.id)
    return None


def _stop_containers(
    runs: Iterable[Container], notes: PodNotes, now: float, grace_s: int, message: str
) -> Action | None:
    waiting = False
    for run in runs:
        killed_at = notes.stopping.get(run.id)
        # A stop with a shorter grace period replaces the one that runs. A difference of one second does not count.
        if killed_at is None or killed_at > now + grace_s + 1:
            return StopContainer(run.id, run.name, grace_s, message.format(name=run.name))
        waiting = True
    return Wait() if waiting else None


def _remove(observed: ObservedPod) -> Action:
    """Removing a sandbox removes its containers. A container without sandbox is removed by itself."""
    if observed.sandboxes:
        return RemoveSandbox(observed.sandboxes[-1].id)
    if observed.containers:
        return RemoveContainer(observed.containers[-1].id)
    return Finish()


def _remove_ended(observed: ObservedPod, notes: PodNotes) -> Action | None:
    """Of a pod that is over, when the disk is short. The pod itself stays."""
    if notes.keeps_ended or not (observed.sandboxes or observed.containers):
        return None
    return _remove(observed)


def _collect_garbage(observed: ObservedPod) -> Action | None:
    """Keeps the newest dead run of each container, for `logs --previous`, and the sandboxes of runs that are kept."""
    kept: set[str] = set()
    for run in observed.containers:
        if run.state is ContainerState.EXITED:
            if run.name in kept:
                return RemoveContainer(run.id)
            kept.add(run.name)
    used = {run.sandbox_id for run in observed.containers}
    for sandbox in observed.sandboxes[1:]:
        if sandbox.id not in used:
            return RemoveSandbox(sandbox.id)
    return None
