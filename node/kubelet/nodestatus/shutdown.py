"""Ends pods in order when their host shuts down: which, when, and in which words. Pure.

https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from node.kubelet.pod.pod_outcome import PodOutcome
from node.kubelet.settings import ShutdownPriority, ShutdownSettings
from podlab.core.v1 import pod_pb2
from podlab.settings import SettingsError

CRITICAL_PRIORITY: Final = 2_000_000_000
TERMINATED: Final = PodOutcome(
    "Failed", "Terminated", "Pod was terminated in response to imminent node shutdown.", disrupts=True
)
NOT_ADMITTED: Final = PodOutcome("Failed", "NodeShutdown", "Pod was rejected as the node is shutting down.")
NOT_READY: Final = "node is shutting down"
BEGUN: Final = ("Normal", "Shutdown", "Shutdown manager detected shutdown event")
CANCELLED: Final = ("Normal", "Shutdown", "Shutdown manager detected shutdown cancellation")


@dataclass(frozen=True)
class ShutdownGroup:
    """Pods that are ended together, and after which time the next ones are."""

    grace_period_s: int
    pods: tuple[pod_pb2.Pod, ...]


def classes(settings: ShutdownSettings) -> tuple[ShutdownPriority, ...]:
    """By rising priority; none when nothing is to be waited for. Raises SettingsError."""
    if settings.by_priority:
        if settings.grace_period_s or settings.critical_grace_period_s:
            raise SettingsError("shutdown: by_priority stands in place of grace_period_s and critical_grace_period_s")
        return tuple(sorted(settings.by_priority, key=lambda each: each.priority))
    critical_s, whole_s = settings.critical_grace_period_s, settings.grace_period_s
    if critical_s > whole_s:
        raise SettingsError(
            f"shutdown.critical_grace_period_s: {critical_s} is a part of grace_period_s, and that is {whole_s}"
        )
    if not whole_s:
        return ()
    return ShutdownPriority(0, whole_s - critical_s), ShutdownPriority(CRITICAL_PRIORITY, critical_s)


def groups(pods: Iterable[pod_pb2.Pod], wanted: Iterable[ShutdownPriority]) -> list[ShutdownGroup]:
    """In the order in which they are ended. A pod belongs to the highest class that it reaches, or to the lowest."""
    by_class: dict[ShutdownPriority, list[pod_pb2.Pod]] = {each: [] for each in wanted}
    ordered = list(by_class)
    for pod in pods:
        reached = [each for each in ordered if each.priority <= pod.spec.priority]
        by_class[reached[-1] if reached else ordered[0]].append(pod)
    return [ShutdownGroup(each.grace_period_s, tuple(found)) for each, found in by_class.items() if found]


def grace_s(group: ShutdownGroup, pod: pod_pb2.Pod) -> int:
    """The group's time, or less if the pod asked for less."""
    if pod.spec.HasField("terminationGracePeriodSeconds"):
        return min(group.grace_period_s, pod.spec.terminationGracePeriodSeconds)
    return group.grace_period_s
