"""What a DaemonSet needs: nodes that lack a pod, and pods that are where they should not be, or one too many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from master.controllers.objects.podstate import is_active, is_being_deleted, is_ready
from master.controllers.workloads.daemonset.placement import NodePlacement, node_of
from master.controllers.workloads.daemonset.rolling import DaemonSetUpdate, is_available, is_updated, roll
from podlab.api.pods.podphase import is_terminal
from podlab.core.v1 import pod_pb2

# More at once would starve the other DaemonSets.
BURST = 250


@dataclass(frozen=True)
class DaemonSetPlan:
    """Nodes to create pods for, pods to delete, and pods that `ended` by themselves: those go after a back-off."""

    create: list[str] = field(default_factory=list)
    delete: list[pod_pb2.Pod] = field(default_factory=list)
    ended: list[pod_pb2.Pod] = field(default_factory=list)


def decide(
    update: DaemonSetUpdate, placements: Mapping[str, NodePlacement], pods: Iterable[pod_pb2.Pod]
) -> DaemonSetPlan:
    """`placements` has all nodes there are."""
    here, plan = by_node(pods), DaemonSetPlan()
    running: dict[str, list[pod_pb2.Pod]] = {}
    for node, placement in placements.items():
        present = here.pop(node, [])
        if placement.run:
            running[node] = present
        if placement.run and not present:
            plan.create.append(node)
        elif placement.stay:
            plan.ended.extend(pod for pod in present if is_terminal(pod) and not is_being_deleted(pod))
            plan.delete.extend(_superfluous(update, present))
        else:
            plan.delete.extend(pod for pod in present if not is_being_deleted(pod))
    plan.delete.extend(_lost(here))
    if update.daemon_set.spec.updateStrategy.type != "OnDelete":
        step = roll(update, running)
        plan.create.extend(step.create)
        plan.delete.extend(pod for pod in step.delete if pod not in plan.delete)
    return DaemonSetPlan(plan.create[:BURST], plan.delete[:BURST], plan.ended)


def by_node(pods: Iterable[pod_pb2.Pod]) -> dict[str, list[pod_pb2.Pod]]:
    """The pods of each node, the oldest first."""
    found: defaultdict[str, list[pod_pb2.Pod]] = defaultdict(list)
    for pod in sorted(pods, key=lambda pod: (pod.metadata.creationTimestamp.seconds, pod.metadata.name)):
        found[node_of(pod)].append(pod)
    return found


def _superfluous(update: DaemonSetUpdate, present: Sequence[pod_pb2.Pod]) -> list[pod_pb2.Pod]:
    """All but one: the one that works, rather a new one, rather an old hand.

    With a surge a new pod may stand beside the old one until it can take over.
    """
    alive = [pod for pod in present if is_active(pod)]
    alive.sort(key=lambda pod: (not is_available(update, pod), not is_updated(update, pod)))
    if update.max_surge is None:
        return alive[1:]
    old = [pod for pod in alive if not is_updated(update, pod)]
    new = [pod for pod in alive if is_updated(update, pod)]
    done = bool(old and new) and (not is_ready(old[0]) or is_available(update, new[0]))
    return [*old[0 if done else 1 :], *new[1:]]


def _lost(elsewhere: Mapping[str, Iterable[pod_pb2.Pod]]) -> list[pod_pb2.Pod]:
    """Pods that wait for nodes that are gone; those that were bound there are pod garbage collection's."""
    return [pod for pods in elsewhere.values() for pod in pods if not pod.spec.nodeName and not is_being_deleted(pod)]
