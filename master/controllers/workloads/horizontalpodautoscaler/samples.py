"""What pods were measured to use, and which of the measurements say something about the load.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from master.controllers.objects.podstate import is_being_deleted
from podlab.api.objects import condition
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2
from podlab.metrics.v1beta1.metrics_pb2 import PodMetrics

# A pod that starts uses more of the CPU than it will.
CPU_INITIALIZATION_S = 300
INITIAL_READINESS_S = 30


@dataclass(frozen=True)
class PodSample:
    """Thousandths of the resource's unit, measured over the window that ended at the time (Unix, seconds)."""

    amount: int
    time: int
    window_s: float


@dataclass
class PodGroups:
    """Pods by name: those that count, and those of which nothing is known, or not yet."""

    ready: dict[str, int] = field(default_factory=dict)
    unready: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def of(metrics: Iterable[PodMetrics], resource: str, container: str = "") -> dict[str, PodSample]:
    """By pod, what all of its containers use, or the one of that name; pods with incomplete figures are left out."""
    found = {}
    for pod in metrics:
        wanted = [one for one in pod.containers if not container or one.name == container]
        if wanted and all(resource in one.usage for one in wanted):
            amount = sum(quantity.millis(one.usage[resource]) for one in wanted)
            found[pod.metadata.name] = PodSample(amount, pod.timestamp.seconds, pod.window.duration / 1e9)
    return found


def grouped(pods: Iterable[pod_pb2.Pod], samples: Mapping[str, PodSample], resource: str, now: float) -> PodGroups:
    """Pods that go or have failed are in no group."""
    groups = PodGroups()
    for pod in pods:
        name = pod.metadata.name
        if is_being_deleted(pod) or pod.status.phase == "Failed":
            continue
        if pod.status.phase == "Pending":
            groups.unready.append(name)
        elif name not in samples:
            groups.missing.append(name)
        elif resource == "cpu" and not _is_telling(pod, samples[name], now):
            groups.unready.append(name)
        else:
            groups.ready[name] = samples[name].amount
    return groups


def _is_telling(pod: pod_pb2.Pod, sample: PodSample, now: float) -> bool:
    """False of the CPU that a pod uses to become ready."""
    ready = condition(pod.status.conditions, "Ready")
    if ready is None or not pod.status.HasField("startTime"):
        return False
    started, since = pod.status.startTime.seconds, ready.lastTransitionTime.seconds
    if started + CPU_INITIALIZATION_S > now:
        return ready.status != "False" and sample.time >= since + sample.window_s
    return ready.status != "False" or started + INITIAL_READINESS_S <= since
