"""What a pod is doing, in the one word and the few counts that kubectl prints for it."""

from dataclasses import dataclass

from podlab.api.objects import condition, is_true
from podlab.api.pods.podphase import is_terminal
from podlab.api.values import times
from podlab.core.v1 import pod_pb2
from podlab.meta.v1.meta_pb2 import Time


@dataclass(frozen=True)
class PodState:
    """`restarted` is when a container last ended, absent (zero) when none was restarted."""

    status: str
    ready: int
    total: int
    restarts: int
    restarted: Time


def pod_state(pod: pod_pb2.Pod) -> PodState:
    sidecars = {one.name for one in pod.spec.initContainers if one.restartPolicy == "Always"}
    side_statuses = [one for one in pod.status.initContainerStatuses if one.name in sidecars]
    # Once initialized, a pod is not called by an init container: a sidecar may end badly after all others are done.
    initializing = "" if is_true(pod.status.conditions, "Initialized") else _init_word(pod, sidecars)
    counted = (
        list(pod.status.initContainerStatuses) if initializing else [*side_statuses, *pod.status.containerStatuses]
    )
    return PodState(
        status=_status(pod, initializing),
        ready=sum(one.ready for one in (*side_statuses, *pod.status.containerStatuses)),
        total=len(pod.spec.containers) + len(sidecars),
        restarts=sum(one.restartCount for one in counted),
        restarted=max(
            (one.lastState.terminated.finishedAt for one in counted), key=lambda t: t.seconds, default=Time()
        ),
    )


def _status(pod: pod_pb2.Pod, initializing: str) -> str:
    if pod.metadata.HasField("deletionTimestamp"):
        if pod.status.reason == "NodeLost":
            return "Unknown"
        if not is_terminal(pod):
            return "Terminating"
    word = initializing or _containers_word(pod)
    if word:
        return word
    scheduled = condition(pod.status.conditions, "PodScheduled")
    if scheduled is not None and scheduled.reason == "SchedulingGated":
        return scheduled.reason
    return pod.status.reason or pod.status.phase or "Unknown"


def _init_word(pod: pod_pb2.Pod, sidecars: set[str]) -> str:
    """Init:... for the first init container that is not done; empty when all are."""
    total = len(pod.spec.initContainers)
    for index, one in enumerate(pod.status.initContainerStatuses):
        ended = one.state.HasField("terminated")
        if ended and one.state.terminated.exitCode == 0:
            continue
        if one.name in sidecars and one.started:
            continue
        if ended:
            return "Init:" + _ended_word(one.state.terminated)
        waiting = one.state.waiting.reason
        return f"Init:{waiting if waiting and waiting != 'PodInitializing' else f'{index}/{total}'}"
    return ""


def _containers_word(pod: pod_pb2.Pod) -> str:
    """The first container's trouble, or Running beside Completed when some still run; empty when there is none."""
    word, running = "", False
    for one in reversed(pod.status.containerStatuses):
        if one.state.waiting.reason:
            word = one.state.waiting.reason
        elif one.state.HasField("terminated"):
            word = _ended_word(one.state.terminated)
        elif one.ready and one.state.HasField("running"):
            running = True
    if word == "Completed" and running:
        return "Running" if is_true(pod.status.conditions, "Ready") else "NotReady"
    return word


def _ended_word(ended: pod_pb2.ContainerStateTerminated) -> str:
    if ended.reason:
        return ended.reason
    return f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exitCode}"


def last_restart(state: PodState) -> Time | None:
    return None if times.is_zero(state.restarted) else state.restarted
