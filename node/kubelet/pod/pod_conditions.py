"""The conditions of a pod that are the kubelet's to write. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from node.kubelet.cri.runtime import ObservedPod
from node.kubelet.pod import decide, podspec
from node.kubelet.pod.container_status import time_of
from node.kubelet.pod.pod_notes import PodNotes
from podlab.api.objects import condition
from podlab.api.pods.allocated import ERROR, IN_PROGRESS, PENDING
from podlab.api.pods.podphase import TERMINAL
from podlab.core.v1 import pod_pb2

OWN_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", PENDING, IN_PROGRESS)
_DISRUPTION, _BY_KUBELET = "DisruptionTarget", "TerminationByKubelet"


@dataclass(frozen=True)
class _Finding:
    """A condition without its times."""

    type: str
    is_true: bool
    reason: str = ""
    message: str = ""
    always_told: bool = False
    """Whether there is a reason while it is True, too."""


def pod_conditions(
    pod: pod_pb2.Pod, observed: ObservedPod, notes: PodNotes, status: pod_pb2.PodStatus, now: float
) -> list[pod_pb2.PodCondition]:
    """The kubelet's own conditions for a pod with this status, then the present ones of others."""
    own = [_condition(pod.status.conditions, each, now) for each in _findings(pod, observed, notes, status)]
    own += [_condition(pod.status.conditions, each, now) for each in _of_resize(notes, status)]
    own += [_kept(each) for each in pod.status.conditions if is_own_disruption(each)]
    for each in own:
        each.observedGeneration = pod.metadata.generation
    return [*own, *conditions_of_others(pod.status)]


def disruption(message: str, now: float) -> pod_pb2.PodCondition:
    """That of a pod which its node ends for its own sake.

    https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
    """
    made = pod_pb2.PodCondition(type=_DISRUPTION, status="True", reason=_BY_KUBELET, message=message)
    made.lastTransitionTime.CopyFrom(time_of(now))
    return made


def is_own_disruption(found: pod_pb2.PodCondition) -> bool:
    """Others, too, say of a pod that it is to go; this is the kubelet's word."""
    return found.type == _DISRUPTION and found.reason == _BY_KUBELET


def own_conditions(status: pod_pb2.PodStatus) -> list[pod_pb2.PodCondition]:
    return [each for each in status.conditions if each.type in OWN_CONDITIONS or is_own_disruption(each)]


def conditions_of_others(status: pod_pb2.PodStatus) -> list[pod_pb2.PodCondition]:
    return [each for each in status.conditions if each.type not in OWN_CONDITIONS and not is_own_disruption(each)]


def _kept(found: pod_pb2.PodCondition) -> pod_pb2.PodCondition:
    copy = pod_pb2.PodCondition()
    copy.CopyFrom(found)
    return copy


def _findings(
    pod: pod_pb2.Pod, observed: ObservedPod, notes: PodNotes, status: pod_pb2.PodStatus
) -> tuple[_Finding, ...]:
    has_sandbox = observed.sandbox is not None and observed.sandbox.ready
    initialized = decide.initialized(pod, observed, notes) or status.phase == "Succeeded"
    sidecars = {init.name for init in pod.spec.initContainers if podspec.is_sidecar(init)}
    inits = status.initContainerStatuses
    incomplete = [init.name for init in inits if not (init.started if init.name in sidecars else init.ready)]
    counted = [*(init for init in inits if init.name in sidecars), *status.containerStatuses]
    unready = [each.name for each in counted if not each.ready]
    reason, message = "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    if status.phase in TERMINAL:
        reason, message = ("PodCompleted" if status.phase == "Succeeded" else "PodFailed"), ""
    incomplete_message = f"containers with incomplete status: [{' '.join(incomplete)}]"
    is_ready = not unready and initialized and status.phase == "Running"
    closed_gates = _closed_gates(pod)
    ready = _Finding("Ready", is_ready, reason, message)
    if is_ready and closed_gates:
        ready = _Finding("Ready", False, "ReadinessGatesNotReady", ", ".join(closed_gates))
    return (
        _Finding("PodReadyToStartContainers", has_sandbox),
        _Finding("Initialized", initialized, "ContainersNotInitialized", incomplete_message),
        ready,
        _Finding("ContainersReady", is_ready, reason, message),
    )


def _of_resize(notes: PodNotes, status: pod_pb2.PodStatus) -> Iterator[_Finding]:
    """They are there only while the pod has other resources than it asks for."""
    if status.phase in TERMINAL:
        return
    if notes.pending_resize is not None:
        yield _Finding(PENDING, True, notes.pending_resize.reason, notes.pending_resize.message, always_told=True)
    if notes.resizing:
        yield _Finding(IN_PROGRESS, True, ERROR if notes.resize_error else "", notes.resize_error, always_told=True)


def _closed_gates(pod: pod_pb2.Pod) -> list[str]:
    """The message about each readiness gate whose condition is not True."""
    found = [
        (gate.conditionType, condition(pod.status.conditions, gate.conditionType)) for gate in pod.spec.readinessGates
    ]
    missing = 'corresponding condition of pod readiness gate "{}" does not exist.'
    untrue = 'the status of pod readiness gate "{}" is not "True", but {}'
    return [
        missing.format(name) if present is None else untrue.format(name, present.status)
        for name, present in found
        if present is None or present.status != "True"
    ]


def _condition(before: Iterable[pod_pb2.PodCondition], finding: _Finding, now: float) -> pod_pb2.PodCondition:
    made = pod_pb2.PodCondition(type=finding.type, status="True" if finding.is_true else "False")
    # Kubernetes gives no reason for a condition that is True, but for that of a completed pod and of a resize.
    if not finding.is_true or finding.reason == "PodCompleted" or finding.always_told:
        made.reason, made.message = finding.reason, finding.message
    old = condition(before, finding.type)
    unchanged = old is not None and old.status == made.status and old.HasField("lastTransitionTime")
    made.lastTransitionTime.CopyFrom(old.lastTransitionTime if old is not None and unchanged else time_of(now))
    return made
