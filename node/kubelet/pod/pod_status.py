"""A pod's status, computed from what is observed. Pure; rules as in
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/."""

from __future__ import annotations

from collections.abc import Sequence

from node.kubelet.cri.runtime import ObservedPod
from node.kubelet.pod import pod_outcome, unknown_status
from node.kubelet.pod.container_status import container_status, has_run, time_of
from node.kubelet.pod.pod_conditions import conditions_of_others, pod_conditions
from node.kubelet.pod.pod_notes import WHOLE_POD, PodNotes
from podlab.api.pods import containers
from podlab.api.pods.podphase import RUNNING, TERMINAL
from podlab.api.pods.qos import qos_class
from podlab.core.v1 import pod_pb2


def pod_status(
    pod: pod_pb2.Pod, observed: ObservedPod, notes: PodNotes, *, now: float, host_ips: Sequence[str]
) -> pod_pb2.PodStatus:
    """The whole status. Conditions of others, and what the runtime has forgotten, stay as the pod has them now."""
    before = pod.status
    if _was_refused(pod, observed):
        return before
    outcome = pod_outcome.outcome(pod, observed, now)
    status = pod_pb2.PodStatus(
        qosClass=before.qosClass or qos_class(pod.spec),
        hostIP=host_ips[0],
        hostIPs=[pod_pb2.HostIP(ip=each) for each in host_ips],
        observedGeneration=pod.metadata.generation,
    )
    keep_claims(status, before)
    for specs, statuses in (
        (pod.spec.initContainers, status.initContainerStatuses),
        (pod.spec.containers, status.containerStatuses),
        (containers.ephemeral(pod.spec), status.ephemeralContainerStatuses),
    ):
        statuses.extend(container_status(pod, spec, observed, notes, now) for spec in specs)
    status.startTime.CopyFrom(before.startTime if before.HasField("startTime") else time_of(notes.accepted_at))
    _tell_resources(status, pod, before if WHOLE_POD in notes.resizing else None)
    for ip in _pod_ips(pod, observed, host_ips):
        status.podIPs.add(ip=ip)
    status.podIP = status.podIPs[0].ip if status.podIPs else ""
    if outcome is not None and not observed.alive:
        status.phase, status.reason, status.message = outcome.phase, outcome.reason, outcome.message
        unknown_status.settle(pod, status)
    else:
        status.phase = "Running" if has_run(status.containerStatuses) else "Pending"
    status.conditions.extend(pod_conditions(pod, observed, notes, status, now))
    return status


def refused_status(pod: pod_pb2.Pod, outcome: pod_outcome.PodOutcome, now: float) -> pod_pb2.PodStatus:
    """The status of a pod that the node did not admit: it says nothing of containers."""
    status = pod_pb2.PodStatus(
        phase=outcome.phase,
        reason=outcome.reason,
        message=f"Pod was rejected: {outcome.message}",
        qosClass=pod.status.qosClass or qos_class(pod.spec),
        startTime=time_of(now),
        observedGeneration=pod.metadata.generation,
    )
    status.conditions.extend(conditions_of_others(pod.status))
    keep_claims(status, pod.status)
    return status


def keep_claims(status: pod_pb2.PodStatus, before: pod_pb2.PodStatus) -> None:
    """The claims that were made for the pod are for the control plane to say."""
    del status.resourceClaimStatuses[:]
    status.resourceClaimStatuses.extend(before.resourceClaimStatuses)
    status.ClearField("extendedResourceClaimStatus")
    if before.HasField("extendedResourceClaimStatus"):
        status.extendedResourceClaimStatus.CopyFrom(before.extendedResourceClaimStatus)


def _tell_resources(status: pod_pb2.PodStatus, pod: pod_pb2.Pod, before: pod_pb2.PodStatus | None) -> None:
    """What the node has set aside for the pod as a whole, and what it runs with: what was told `before` while that is
    not what it is to be. Nothing of pods that ask for nothing as a whole."""
    if not pod.spec.HasField("resources"):
        return
    for name, amount in pod.spec.resources.requests.items():
        status.allocatedResources[name].CopyFrom(amount)
    told = before.resources if before is not None and before.HasField("resources") else pod.spec.resources
    status.resources.CopyFrom(told)


def _was_refused(pod: pod_pb2.Pod, observed: ObservedPod) -> bool:
    """Whether the node did not admit the pod, whose status is final then."""
    had_containers = pod.status.containerStatuses or observed.containers or observed.sandboxes
    return pod.status.phase == "Failed" and not had_containers


def _pod_ips(pod: pod_pb2.Pod, observed: ObservedPod, host_ips: Sequence[str]) -> list[str]:
    if pod.spec.hostNetwork:
        return list(host_ips)
    if observed.sandbox is not None and observed.sandbox.ips:
        return list(observed.sandbox.ips)
    # A pod that has ended keeps the address that it had.
    return [ip.ip for ip in pod.status.podIPs] if pod.status.phase in (*TERMINAL, RUNNING) else []
