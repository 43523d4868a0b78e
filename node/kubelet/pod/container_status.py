"""The status of one container, computed from its runs. Pure; states as in
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states."""

from __future__ import annotations

from collections.abc import Iterable

from node.kubelet.cri.runtime import Container, ContainerState, ObservedPod
from node.kubelet.pod import pod_outcome, podspec, restart_backoff, unknown_status
from node.kubelet.pod.pod_notes import PodNotes
from podlab.api.pods.podphase import is_terminal
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

CRASH_LOOP = "CrashLoopBackOff"


def container_status(
    pod: pod_pb2.Pod, spec: pod_pb2.Container, observed: ObservedPod, notes: PodNotes, now: float
) -> pod_pb2.ContainerStatus:
    """What the runtime has forgotten is taken from the pod's present status."""
    before = next((each for each in all_statuses(pod.status) if each.name == spec.name), None)
    runs = observed.runs(spec.name)
    if not runs and before is not None and _is_final(pod, spec, before):
        return before
    run = runs[0] if runs else None
    status = pod_pb2.ContainerStatus(name=spec.name, image=spec.image, started=False)
    if spec.lifecycle.HasField("stopSignal"):
        status.stopSignal = spec.lifecycle.stopSignal
    if run is not None:
        status.restartCount = run.attempt
        status.containerID = f"containerd://{run.id}"
        status.imageID = run.image_id
        _tell_user(status, run)
    elif before is not None:
        status.restartCount = before.restartCount
    _tell_resources(status, pod, spec, before if run is not None and run.id in notes.resizing else None)
    waiting = _waiting(pod, spec, run, observed, notes=notes, now=now)
    ended = [each for each in runs if each.state is ContainerState.EXITED]
    if waiting is not None:
        status.state.waiting.CopyFrom(waiting)
    elif run is not None and run.state is ContainerState.EXITED:
        status.state.terminated.CopyFrom(_terminated(run, notes))
        status.ready = run.exit_code == 0 and not podspec.is_sidecar(spec) and podspec.is_init(pod, spec.name)
        ended = ended[1:]
    elif run is not None:
        status.state.running.startedAt.CopyFrom(time_of(run.started_ns / 1e9))
        status.started = run.id in notes.started
        status.ready = status.started and notes.ready.get(run.id, False) and _may_be_ready(pod, spec)
    if ended:
        status.lastState.terminated.CopyFrom(_terminated(ended[0], notes))
    elif before is not None and before.lastState.HasField("terminated"):
        status.lastState.CopyFrom(before.lastState)
    elif run is None and before is not None and before.state.HasField("running"):
        status.lastState.terminated.CopyFrom(unknown_status.RUNNING)
    return status


def _tell_user(status: pod_pb2.ContainerStatus, run: Container) -> None:
    """As whom the container's first process was started, where the runtime says so."""
    if run.user is not None:
        linux = status.user.linux
        linux.uid, linux.gid = run.user.uid, run.user.gid
        linux.supplementalGroups.extend(run.user.groups)


def _tell_resources(
    status: pod_pb2.ContainerStatus,
    pod: pod_pb2.Pod,
    spec: pod_pb2.Container,
    before: pod_pb2.ContainerStatus | None,
) -> None:
    """What the node has set aside for the container, and what it runs with: what was told `before` while that is not
    what it is to be."""
    if podspec.is_ephemeral(pod, spec.name):
        return
    for name, amount in spec.resources.requests.items():
        status.allocatedResources[name].CopyFrom(amount)
    told = before.resources if before is not None and before.HasField("resources") else spec.resources
    status.resources.SetInParent()
    status.resources.MergeFrom(told)


def all_statuses(status: pod_pb2.PodStatus) -> list[pod_pb2.ContainerStatus]:
    """Of init, main and ephemeral containers."""
    return [*status.initContainerStatuses, *status.containerStatuses, *status.ephemeralContainerStatuses]


def newly_backing_off(before: pod_pb2.PodStatus, after: pod_pb2.PodStatus) -> list[str]:
    """The names of the containers whose restart back-off began between the two statuses."""
    known = {each.name for each in all_statuses(before) if each.state.waiting.reason == CRASH_LOOP}
    backing_off = [each.name for each in all_statuses(after) if each.state.waiting.reason == CRASH_LOOP]
    return [name for name in backing_off if name not in known]


def time_of(seconds: float) -> meta_pb2.Time:
    return meta_pb2.Time(seconds=int(seconds))


def _is_final(pod: pod_pb2.Pod, spec: pod_pb2.Container, before: pod_pb2.ContainerStatus) -> bool:
    """Whether the present status of a container stays true when the runtime has forgotten the container."""
    if is_terminal(pod):
        return True
    if podspec.is_ephemeral(pod, spec.name):
        return bool(before.containerID)
    ended = before.state.HasField("terminated") and not podspec.is_init(pod, spec.name)
    is_deleted = pod.metadata.HasField("deletionTimestamp")
    return ended and (is_deleted or not podspec.restarts(pod, spec, before.state.terminated.exitCode))


def _waiting(
    pod: pod_pb2.Pod,
    spec: pod_pb2.Container,
    run: Container | None,
    observed: ObservedPod,
    *,
    notes: PodNotes,
    now: float,
) -> pod_pb2.ContainerStateWaiting | None:
    """Why the container does not run; None when it runs, or when it ended and no next run is waited for.

    A container runs once its postStart hook is done:
    https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/.
    """
    blocked = notes.blocked_starts.get(spec.name)
    if run is None or run.state in (ContainerState.CREATED, ContainerState.UNKNOWN):
        if blocked is not None:
            return pod_pb2.ContainerStateWaiting(reason=blocked.reason, message=blocked.message)
        return pod_pb2.ContainerStateWaiting(reason=_first_reason(pod))
    if run.alive and not notes.post_start_finished(spec, run):
        failure = notes.post_start_failures.get(run.id, "")
        reason = "PostStartHookError" if failure else _first_reason(pod)
        return pod_pb2.ContainerStateWaiting(reason=reason, message=failure)
    if run.state is not ContainerState.EXITED or not podspec.restarts(pod, spec, run.exit_code):
        return None
    if pod.metadata.HasField("deletionTimestamp") or pod_outcome.outcome(pod, observed, now) is not None:
        return None
    if blocked is not None and blocked.until > now:
        return pod_pb2.ContainerStateWaiting(reason=blocked.reason, message=blocked.message)
    if restart_backoff.due(run) > now:
        delay_s, name = restart_backoff.delay_s(run), podspec.full_name(pod)
        message = f"back-off {delay_s}s restarting failed container={spec.name} pod={name}"
        return pod_pb2.ContainerStateWaiting(reason=CRASH_LOOP, message=message)
    return None


def _first_reason(pod: pod_pb2.Pod) -> str:
    """Kubernetes' reason for a container that has not run yet; it depends on whether the pod has init containers."""
    return "PodInitializing" if pod.spec.initContainers else "ContainerCreating"


def _terminated(run: Container, notes: PodNotes) -> pod_pb2.ContainerStateTerminated:
    state = pod_pb2.ContainerStateTerminated(
        exitCode=run.exit_code,
        reason=run.reason or ("Completed" if run.exit_code == 0 else "Error"),
        message=notes.termination_messages.get(run.id, "") or run.message,
        containerID=f"containerd://{run.id}",
    )
    if run.started_ns:
        state.startedAt.CopyFrom(time_of(run.started_ns / 1e9))
    state.finishedAt.CopyFrom(time_of(run.finished_ns / 1e9))
    return state


def _may_be_ready(pod: pod_pb2.Pod, spec: pod_pb2.Container) -> bool:
    """Whether a running container can be ready. Init containers are when they are done, ephemeral ones never."""
    return podspec.is_sidecar(spec) or not (podspec.is_init(pod, spec.name) or podspec.is_ephemeral(pod, spec.name))


def has_run(statuses: Iterable[pod_pb2.ContainerStatus]) -> bool:
    """Whether each of the containers has run once. The first run counts when its postStart hook is done."""
    return all(
        not each.state.HasField("waiting") or each.lastState.HasField("terminated") or each.restartCount > 0
        for each in statuses
    )
