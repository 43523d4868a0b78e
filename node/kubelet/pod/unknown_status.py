"""What is said of containers of which nobody can say how they ended: they never ran, or the runtime has lost them.

As Kubernetes says it, and with its exit code: what is not known to have succeeded has failed.
"""

from __future__ import annotations

from collections.abc import Sequence

from node.kubelet.pod import podspec
from podlab.core.v1 import pod_pb2

_REASON, _EXIT_CODE = "ContainerStatusUnknown", 137
RUNNING = pod_pb2.ContainerStateTerminated(
    reason=_REASON,
    exitCode=_EXIT_CODE,
    message="The container could not be located when the pod was deleted.  The container used to be Running",
)
"""Of a container that ran, is gone, and is to be started again."""
ENDED = pod_pb2.ContainerStateTerminated(
    reason=_REASON,
    exitCode=_EXIT_CODE,
    message="The container could not be located when the pod was terminated",
)


def settle(pod: pod_pb2.Pod, status: pod_pb2.PodStatus) -> None:
    """Gives each container of a pod that is over its end. Those whose turn had not come keep waiting."""
    mains = status.containerStatuses if _was_initialized(pod, status) else ()
    for told in (*_begun(status.initContainerStatuses), *mains):
        _end(told)


def _end(told: pod_pb2.ContainerStatus) -> None:
    if not told.state.HasField("terminated"):
        told.ClearField("state")  # no oneof, as in Kubernetes: it would wait too
        told.state.terminated.CopyFrom(ENDED)
        told.ready = told.started = False


def _begun(inits: Sequence[pod_pb2.ContainerStatus]) -> Sequence[pod_pb2.ContainerStatus]:
    """All up to the last one that ever began; the first began in any case."""
    begun = [at for at, told in enumerate(inits) if _ever_ran(told)]
    return inits[: (begun[-1] if begun else 0) + 1]


def _was_initialized(pod: pod_pb2.Pod, status: pod_pb2.PodStatus) -> bool:
    """Whether the turn of the main containers had come."""
    inits = pod.spec.initContainers
    if not inits or any(_ever_ran(told) for told in status.containerStatuses):
        return True
    last = status.initContainerStatuses[-1]
    if podspec.is_sidecar(inits[-1]):
        return last.state.HasField("running") and last.started
    states = (last.state, last.lastState)
    return any(each.HasField("terminated") and each.terminated.exitCode == 0 for each in states)


def _ever_ran(told: pod_pb2.ContainerStatus) -> bool:
    return not told.state.HasField("waiting") or told.lastState.HasField("terminated")
