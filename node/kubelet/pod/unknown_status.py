"""The status of containers whose end nobody knows: they never ran, or the runtime has lost them.

Reason and exit code are Kubernetes'. A container that is not known to have succeeded has failed.
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
    """Makes the containers of a pod that is over terminated. Those that would have started later keep waiting."""
    mains = status.containerStatuses if _was_initialized(pod, status) else ()
    for each in (*_begun(status.initContainerStatuses), *mains):
        _terminate(each)


def _terminate(status: pod_pb2.ContainerStatus) -> None:
    if not status.state.HasField("terminated"):
        status.ClearField("state")  # no oneof, as in Kubernetes: it would wait too
        status.state.terminated.CopyFrom(ENDED)
        status.ready = status.started = False


def _begun(inits: Sequence[pod_pb2.ContainerStatus]) -> Sequence[pod_pb2.ContainerStatus]:
    """All up to the last init container that ever ran; the first one counts in any case."""
    begun = [index for index, status in enumerate(inits) if _ever_ran(status)]
    return inits[: (begun[-1] if begun else 0) + 1]


def _was_initialized(pod: pod_pb2.Pod, status: pod_pb2.PodStatus) -> bool:
    """Whether the init containers were done, so that the main containers could start."""
    inits = pod.spec.initContainers
    if not inits or any(_ever_ran(each) for each in status.containerStatuses):
        return True
    last = status.initContainerStatuses[-1]
    if podspec.is_sidecar(inits[-1]):
        return last.state.HasField("running") and last.started
    states = (last.state, last.lastState)
    return any(each.HasField("terminated") and each.terminated.exitCode == 0 for each in states)


def _ever_ran(status: pod_pb2.ContainerStatus) -> bool:
    return not status.state.HasField("waiting") or status.lastState.HasField("terminated")
