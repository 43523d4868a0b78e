"""Whether a very event can undo a plugin's refusal of a pod: it is judged again only then. Pure.

As closely as Kubernetes' plugins look, and closer where what is left on a node is known. When in doubt it can.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from master.scheduler.cache.affinity_terms import PodSelector, Wish
from master.scheduler.cache.pod_info import PodInfo, Shape
from master.scheduler.cache.spread_constraints import DO_NOT_SCHEDULE, constraints_of
from master.scheduler.queue.cluster_events import Event, What
from podlab.api.tolerations import tolerates

_POD_EVENTS = frozenset({What.POD_PLACED, What.POD_LABELS, What.POD_GONE})


def may_help(plugin: str, info: PodInfo, event: Event) -> bool:
    """Whether the event can make the plugin accept the pod. True where that is not told without asking it."""
    check = _CHECKS.get(plugin)
    return check is None or check(info, event)


def _is_schedulable(_: PodInfo, event: Event) -> bool:
    return event.node is None or not event.node.spec.unschedulable


def _is_tolerated(info: PodInfo, event: Event) -> bool:
    if event.node is None:
        return True
    hard = (taint for taint in event.node.spec.taints if taint.effect in ("NoSchedule", "NoExecute"))
    return all(any(tolerates(toleration, taint) for toleration in info.pod.spec.tolerations) for taint in hard)


def _frees_ports(info: PodInfo, event: Event) -> bool:
    if event.pod is None:
        return True
    return any(mine.collides(theirs) for mine in info.shape.host_ports for theirs in event.pod.shape.host_ports)


def _has_room(info: PodInfo, event: Event) -> bool:
    """Or whether there may be room now once others are preempted: they could be before, unless the one that has gone
    was as important. A profile may ignore extended resources, which have a slash in their names: these tell nothing."""
    room, gone = event.room, event.pod
    if room is None:
        return True
    for name, amount in info.shape.demands.requested.items():
        if amount > room.get(name, 0) and "/" not in name:
            return gone is not None and event.least_priority < info.pod.spec.priority <= gone.pod.spec.priority
    return True


def _is_accepted(info: PodInfo, event: Event) -> bool:
    """What the profile asks besides is not known here."""
    return event.node is None or info.shape.nodes.matches(event.node)


def _changes_spread(info: PodInfo, event: Event) -> bool:
    """Pods that are counted, or nodes that are places of all constraints."""
    hard = [each for each in constraints_of(info.shape) if each.when_unsatisfiable == DO_NOT_SCHEDULE]
    if not hard:
        return True  # it is spread by the profile's constraints
    if event.what in _POD_EVENTS:
        pods = [pod for pod in (event.pod, event.pod_before) if pod is not None]
        return not pods or any(_may_mean(each.pods, pod.shape) for each in hard for pod in pods)
    if event.what is What.NODE_TAINTS:
        return any(each.honors_taints for each in hard)
    nodes = [node for node in (event.node, event.node_before) if node is not None]
    return not nodes or any(all(each.topology_key in node.metadata.labels for each in hard) for node in nodes)


def _changes_neighbours(info: PodInfo, event: Event) -> bool:
    """Pods that it wants to be with, pods that either wants apart, or nodes in places that it can be with others."""
    together = [term for term in info.shape.terms if term.wish is Wish.TOGETHER]
    if event.what in _POD_EVENTS:
        pods = [pod for pod in (event.pod, event.pod_before) if pod is not None]
        wants = any(_may_mean(term.pods, pod.shape) for term in together for pod in pods)
        return not pods or wants or (event.what is not What.POD_PLACED and _were_apart(info, pods))
    if event.what is What.NAMESPACES or event.node is None:
        return True
    return all(term.topology_key in event.node.metadata.labels for term in together)


def _were_apart(info: PodInfo, pods: list[PodInfo]) -> bool:
    """Whether the pod is to be apart from one of these, by a term of either."""
    own = (_may_mean(term.pods, pod.shape) for pod in pods for term in info.shape.terms if term.wish is Wish.APART)
    theirs = (_may_mean(term.pods, info.shape) for pod in pods for term in pod.shape.terms if term.wish is Wish.APART)
    return any(own) or any(theirs)


def _may_mean(pods: PodSelector, shape: Shape) -> bool:
    """Which labels namespaces have is not known here: a selector of namespaces may mean any."""
    if pods.namespace_selector is not None:
        return pods.labels is not None and pods.labels.matches(shape.labels)
    return pods.matches(shape.namespace, shape.labels, {})


def _has_claim(info: PodInfo, event: Event) -> bool:
    return event.claim is None or (event.claim[0] == info.shape.namespace and event.claim[1] in info.shape.claims)


_CHECKS: Mapping[str, Callable[[PodInfo, Event], bool]] = {
    "NodeUnschedulable": _is_schedulable,
    "TaintToleration": _is_tolerated,
    "NodeAffinity": _is_accepted,
    "NodePorts": _frees_ports,
    "NodeResourcesFit": _has_room,
    "PodTopologySpread": _changes_spread,
    "InterPodAffinity": _changes_neighbours,
    "VolumeBinding": _has_claim,
    "VolumeZone": _has_claim,
}
