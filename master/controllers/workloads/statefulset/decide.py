"""What a StatefulSet needs next: pods to create and to delete, in the order that it promises.

https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#deployment-and-scaling-guarantees
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor

from master.controllers.objects.intorpercent import scaled_value
from master.controllers.objects.podstate import available_in_s, is_being_deleted, replacement_delay_s
from master.controllers.workloads.controllerrevisions.decide import HASH_LABEL, Revision, template_of
from master.controllers.workloads.statefulset.identity import ordinal_of, ordinals, pod_for, pod_name
from podlab.api.pods.podphase import is_terminal
from podlab.apps.v1 import statefulset_pb2
from podlab.core.v1 import pod_pb2


@dataclass(frozen=True)
class RolloutRevisions:
    """The template that pods had before the roll-out, and the one that it brings; the same when there is none."""

    current: Revision
    update: Revision


@dataclass(frozen=True)
class StatefulSetPlan:
    """Nothing to do: both are empty. `ended` are those among `delete` whose containers ended by themselves."""

    create: list[pod_pb2.Pod] = field(default_factory=list)
    delete: list[pod_pb2.Pod] = field(default_factory=list)
    ended: list[pod_pb2.Pod] = field(default_factory=list)


def decide(
    stateful_set: statefulset_pb2.StatefulSet,
    revisions: RolloutRevisions,
    pods: Sequence[pod_pb2.Pod],
    *,
    blocked: Callable[[str], bool],
    now: float,
) -> StatefulSetPlan:
    """`blocked` tells of a pod's name that it cannot be created yet."""
    present = {ordinal: pod for pod in pods if (ordinal := ordinal_of(stateful_set, pod)) is not None}
    wanted = {ordinal: present.get(ordinal) for ordinal in ordinals(stateful_set)}
    surplus = [present[ordinal] for ordinal in sorted(present.keys() - wanted.keys(), reverse=True)]
    in_order = stateful_set.spec.podManagementPolicy != "Parallel"

    def is_up(pod: pod_pb2.Pod) -> bool:
        return is_available(stateful_set, pod, now)

    plan = StatefulSetPlan()
    for ordinal, pod in wanted.items():
        if pod is None and not blocked(pod_name(stateful_set, ordinal)):
            plan.create.append(_new_pod(stateful_set, revisions, ordinal))
        elif pod is not None and is_terminal(pod) and not is_being_deleted(pod) and not replacement_delay_s(pod, now):
            plan.delete.append(pod)
            plan.ended.append(pod)
        if in_order and (pod is None or not is_up(pod)):
            return plan
    plan.delete.extend(_doomed(surplus, is_up, in_order=in_order))
    if (in_order and surplus) or stateful_set.spec.updateStrategy.type == "OnDelete":
        return plan
    begun = {pod.metadata.uid for pod in plan.delete}
    plan.delete.extend(
        pod for pod in _outdated(stateful_set, revisions, wanted, is_up) if pod.metadata.uid not in begun
    )
    return plan


def is_available(stateful_set: statefulset_pb2.StatefulSet, pod: pod_pb2.Pod, now: float) -> bool:
    """It runs, is not going, and has been ready for minReadySeconds."""
    return (
        pod.status.phase == "Running"
        and not is_being_deleted(pod)
        and available_in_s(pod, stateful_set.spec.minReadySeconds, now) == 0
    )


def _new_pod(stateful_set: statefulset_pb2.StatefulSet, revisions: RolloutRevisions, ordinal: int) -> pod_pb2.Pod:
    """Below the partition a pod comes back as it was."""
    revision = revisions.current if ordinal < _partition(stateful_set) else revisions.update
    return pod_for(stateful_set, ordinal, template_of(revision), revision.metadata.name)


def _doomed(
    surplus: Sequence[pod_pb2.Pod], is_up: Callable[[pod_pb2.Pod], bool], *, in_order: bool
) -> list[pod_pb2.Pod]:
    """Of `surplus`, highest ordinals first, all; in order one, after whose going the next goes.

    In order, one that does not work goes only when all below it do. What has ended holds up nothing.
    """
    staying = [pod for pod in surplus if not is_being_deleted(pod)]
    if not in_order:
        return staying
    if len(staying) < len(surplus) or not staying:
        return []
    first, *below = staying
    return [first] if is_up(first) or all(is_up(pod) or is_terminal(pod) for pod in below) else []


def _outdated(
    stateful_set: statefulset_pb2.StatefulSet,
    revisions: RolloutRevisions,
    wanted: Mapping[int, pod_pb2.Pod | None],
    is_up: Callable[[pod_pb2.Pod], bool],
) -> list[pod_pb2.Pod]:
    """The next pods to replace, highest ordinals first.

    At most maxUnavailable are being replaced at once, and one that works goes only while no more than that are down.
    """
    limit = _max_unavailable(stateful_set)
    down = sum(pod is None or not is_up(pod) for pod in wanted.values())
    replacing, chosen = 0, []
    for ordinal in sorted(wanted, reverse=True):
        pod = wanted[ordinal]
        if replacing >= limit or ordinal < _partition(stateful_set):
            break
        if pod is None or is_being_deleted(pod):
            replacing += 1
        elif pod.metadata.labels.get(HASH_LABEL) == revisions.update.metadata.name:
            replacing += not is_up(pod)
        elif not is_up(pod) or down < limit:
            chosen.append(pod)
            replacing += 1
            down += is_up(pod)
    return chosen


def _partition(stateful_set: statefulset_pb2.StatefulSet) -> int:
    """The first ordinal that gets the new template; without a rolling update every pod does once it is created."""
    strategy = stateful_set.spec.updateStrategy
    if strategy.type == "OnDelete":
        return 0
    return stateful_set.spec.ordinals.start + strategy.rollingUpdate.partition


def _max_unavailable(stateful_set: statefulset_pb2.StatefulSet) -> int:
    rolling = stateful_set.spec.updateStrategy.rollingUpdate
    if not rolling.HasField("maxUnavailable"):
        return 1
    return max(1, floor(scaled_value(rolling.maxUnavailable, stateful_set.spec.replicas)))
