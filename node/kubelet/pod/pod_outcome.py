"""Whether a pod is over, and how it ended. Pure.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase
"""

from __future__ import annotations

from dataclasses import dataclass

from node.kubelet.cri.runtime import ObservedPod, State
from node.kubelet.pod import podspec
from node.kubelet.pod.pod_notes import FOREVER
from podlab.core.v1 import pod_pb2


@dataclass(frozen=True)
class Outcome:
    """How a pod ended for good."""

    phase: str
    reason: str = ""
    message: str = ""


LATE = Outcome("Failed", "DeadlineExceeded", "Pod was active on the node longer than the specified deadline")


def is_late(pod: pod_pb2.Pod, now: float) -> bool:
    """Whether the pod has to end because its time is over."""
    return pod.status.phase not in ("Succeeded", "Failed") and now >= deadline(pod)


def outcome(pod: pod_pb2.Pod, observed: ObservedPod, now: float) -> Outcome | None:
    """How the pod ended; None while it has not. What has ended stays so."""
    if pod.status.phase in ("Succeeded", "Failed"):
        return Outcome(pod.status.phase, pod.status.reason, pod.status.message)
    if is_late(pod, now):
        return LATE
    for init in pod.spec.initContainers:
        run = observed.latest(init.name)
        failed = run is not None and run.state is State.EXITED and run.exit_code != 0
        if failed and run is not None and not podspec.restarts(pod, init, run.exit_code):
            return Outcome("Failed")
    codes = [exit_code(pod, observed, container.name) for container in pod.spec.containers]
    # Nothing of a pod that is being deleted starts again, whatever its policy: it ended as its containers did.
    is_over = pod.metadata.HasField("deletionTimestamp") and not observed.alive
    for container, code in zip(pod.spec.containers, codes, strict=True):
        if not is_over and (code is None or podspec.restarts(pod, container, code)):
            return None
    return Outcome("Succeeded" if all(code == 0 for code in codes) else "Failed")


def exit_code(pod: pod_pb2.Pod, observed: ObservedPod, name: str) -> int | None:
    """What a main container ended with; None while it has not. What was told stands when the runtime has forgotten."""
    run = observed.latest(name)
    if run is not None:
        return run.exit_code if run.state is State.EXITED else None
    told = (each for each in pod.status.containerStatuses if each.name == name)
    return next((each.state.terminated.exitCode for each in told if each.state.HasField("terminated")), None)


def deadline(pod: pod_pb2.Pod) -> float:
    """When the pod has been active for too long, in seconds since 1970."""
    if not pod.spec.HasField("activeDeadlineSeconds") or not pod.status.HasField("startTime"):
        return FOREVER
    return pod.status.startTime.seconds + pod.spec.activeDeadlineSeconds


def is_done(pod: pod_pb2.Pod, container: pod_pb2.Container, observed: ObservedPod) -> bool:
    """Whether a main container that the runtime has forgotten was told to have ended for good."""
    code = exit_code(pod, observed, container.name)
    is_main = any(each.name == container.name for each in pod.spec.containers)
    return is_main and code is not None and not podspec.restarts(pod, container, code)
