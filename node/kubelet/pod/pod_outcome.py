"""Whether a pod is over, and how it ended. Pure.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase
"""

from __future__ import annotations

from dataclasses import dataclass

from node.kubelet.cri.runtime import ContainerState, ObservedPod
from node.kubelet.pod import podspec
from node.kubelet.pod.pod_notes import FOREVER
from podlab.api.pods.podphase import is_terminal
from podlab.core.v1 import pod_pb2


@dataclass(frozen=True)
class PodOutcome:
    """How a pod ended: its last phase, with reason and message.

    `disrupts`: it was ended for its node's sake, which its condition DisruptionTarget says.
    """

    phase: str
    reason: str = ""
    message: str = ""
    disrupts: bool = False


DEADLINE_EXCEEDED = PodOutcome(
    "Failed", "DeadlineExceeded", "Pod was active on the node longer than the specified deadline"
)


def is_past_deadline(pod: pod_pb2.Pod, now: float) -> bool:
    """Whether the pod has to end because its activeDeadlineSeconds are over."""
    return not is_terminal(pod) and now >= deadline(pod)


def outcome(pod: pod_pb2.Pod, observed: ObservedPod, now: float) -> PodOutcome | None:
    """How the pod ended; None while it has not. A phase that is Succeeded or Failed never changes."""
    if is_terminal(pod):
        return PodOutcome(pod.status.phase, pod.status.reason, pod.status.message)
    if is_past_deadline(pod, now):
        return DEADLINE_EXCEEDED
    for init in pod.spec.initContainers:
        run = observed.latest(init.name)
        failed = run is not None and run.state is ContainerState.EXITED and run.exit_code != 0
        if failed and run is not None and not podspec.restarts(pod, init, run.exit_code):
            return PodOutcome("Failed")
    codes = [exit_code(pod, observed, container.name) for container in pod.spec.containers]
    # A pod that is being deleted restarts nothing, whatever its policy: it ended as its containers did.
    is_over = pod.metadata.HasField("deletionTimestamp") and not observed.alive
    for container, code in zip(pod.spec.containers, codes, strict=True):
        if not is_over and (code is None or podspec.restarts(pod, container, code)):
            return None
    return PodOutcome("Succeeded" if all(code == 0 for code in codes) else "Failed")


def exit_code(pod: pod_pb2.Pod, observed: ObservedPod, name: str) -> int | None:
    """The exit code of a main container; None while it runs. The pod's status has what the runtime forgot."""
    run = observed.latest(name)
    if run is not None:
        return run.exit_code if run.state is ContainerState.EXITED else None
    known = (each.state for each in pod.status.containerStatuses if each.name == name)
    return next((state.terminated.exitCode for state in known if state.HasField("terminated")), None)


def deadline(pod: pod_pb2.Pod) -> float:
    """When the pod's activeDeadlineSeconds are over, in seconds since 1970."""
    if not pod.spec.HasField("activeDeadlineSeconds") or not pod.status.HasField("startTime"):
        return FOREVER
    return pod.status.startTime.seconds + pod.spec.activeDeadlineSeconds


def is_done(pod: pod_pb2.Pod, container: pod_pb2.Container, observed: ObservedPod) -> bool:
    """Whether a main container ended for good by the pod's status, which the runtime may have forgotten."""
    code = exit_code(pod, observed, container.name)
    is_main = any(each.name == container.name for each in pod.spec.containers)
    return is_main and code is not None and not podspec.restarts(pod, container, code)
