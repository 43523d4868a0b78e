"""One step of a rolling update: which old pods make place for new ones, or get new ones beside them.

https://kubernetes.io/docs/tasks/manage-daemon/update-daemon-set/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil

from master.controllers.objects.intorpercent import scaled_value
from master.controllers.objects.podstate import available_in_s, is_active
from master.controllers.workloads.controllerrevisions.decide import HASH_LABEL
from podlab.apps.v1 import daemonset_pb2
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2


@dataclass(frozen=True)
class DaemonSetUpdate:
    """What is rolled out, and when it is judged."""

    daemon_set: daemonset_pb2.DaemonSet
    revision_hash: str
    now: float

    @cached_property
    def max_surge(self) -> meta_pb2.IntOrString | None:
        """None where no node may have two pods."""
        strategy = self.daemon_set.spec.updateStrategy
        rolling = strategy.rollingUpdate.maxSurge
        return rolling if strategy.type != "OnDelete" and scaled_value(rolling, 100) else None


@dataclass(frozen=True)
class RollingStep:
    """Nodes that get a new pod beside the old one, or old pods that make place."""

    create: list[str] = field(default_factory=list)
    delete: list[pod_pb2.Pod] = field(default_factory=list)


def is_updated(update: DaemonSetUpdate, pod: pod_pb2.Pod) -> bool:
    return pod.metadata.labels.get(HASH_LABEL) == update.revision_hash


def is_available(update: DaemonSetUpdate, pod: pod_pb2.Pod) -> bool:
    """It has been ready for minReadySeconds, and is neither going nor at its end."""
    return is_active(pod) and available_in_s(pod, update.daemon_set.spec.minReadySeconds, update.now) == 0


def roll(update: DaemonSetUpdate, running: Mapping[str, Sequence[pod_pb2.Pod]]) -> RollingStep:
    """`running` has the pods of every node that should have one. Shares are of these nodes, rounded up."""
    if update.max_surge is not None:
        return RollingStep(create=_beside(update, running, ceil(scaled_value(update.max_surge, len(running)))))
    rolling = update.daemon_set.spec.updateStrategy.rollingUpdate
    limit = ceil(scaled_value(rolling.maxUnavailable, len(running))) if rolling.HasField("maxUnavailable") else 1
    return RollingStep(delete=_making_place(update, running, limit))


def _making_place(
    update: DaemonSetUpdate, running: Mapping[str, Sequence[pod_pb2.Pod]], limit: int
) -> list[pod_pb2.Pod]:
    """Old pods that serve nobody, all; of those that work as many as may be missing."""
    unavailable = 0
    idle: list[pod_pb2.Pod] = []
    working: list[pod_pb2.Pod] = []
    for pods in running.values():
        up = any(is_available(update, pod) for pod in pods)
        unavailable += not up
        old = [pod for pod in pods if is_active(pod) and not is_updated(update, pod)]
        (working if up else idle).extend(old[:1])
    return [*idle, *working[: max(0, limit - unavailable)]]


def _beside(update: DaemonSetUpdate, running: Mapping[str, Sequence[pod_pb2.Pod]], limit: int) -> list[str]:
    """Nodes whose old pod serves nobody, all; of those where it works as many as may have two."""
    surging = 0
    idle: list[str] = []
    working: list[str] = []
    for node, pods in running.items():
        alive = [pod for pod in pods if is_active(pod)]
        new = [pod for pod in alive if is_updated(update, pod)]
        if len(new) == len(alive):
            continue
        if new:
            surging += not is_available(update, new[0])
        else:
            (working if is_available(update, alive[0]) else idle).append(node)
    return [*idle, *working[: max(0, limit - surging)]]
