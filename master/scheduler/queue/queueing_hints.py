"""Queueing hints: whether an event can make a pod schedulable that a plugin refused.

EVENTS_TO_REGISTER gives the kinds of events that can help a plugin's pods. QUEUEING_HINTS look at the event itself, as
closely as Kubernetes' plugins do, and closer where it is known what is free on a node. When in doubt, the event can
help.

https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/4247-queueinghint
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from master.scheduler.cache.affinity_terms import AffinityTerm, PodSelector, TermKind
from master.scheduler.cache.pod_info import PodInfo, PodShape
from master.scheduler.cache.spread_constraints import DO_NOT_SCHEDULE, spread_constraints_of
from master.scheduler.queue.cluster_events import ClusterEvent, EventKind
from podlab.api.pods import resourceclaims
from podlab.api.pods.tolerations import tolerates

# Stands for the plugin of pods that no plugin refused: there was no node.
NO_PLUGIN = ""

_POD_EVENTS = frozenset({EventKind.ASSIGNED_POD_ADD, EventKind.ASSIGNED_POD_UPDATE, EventKind.ASSIGNED_POD_DELETE})
_STORAGE_EVENTS = frozenset({EventKind.NODE_ADD, EventKind.NODE_LABELS, EventKind.STORAGE})
# A plugin of the user's own is not named here: any event may help.
EVENTS_TO_REGISTER: Mapping[str, frozenset[EventKind]] = {
    "NodeUnschedulable": frozenset({EventKind.NODE_ADD, EventKind.NODE_TAINTS}),
    "NodeName": frozenset({EventKind.NODE_ADD}),
    "TaintToleration": frozenset({EventKind.NODE_ADD, EventKind.NODE_TAINTS}),
    "NodeAffinity": frozenset({EventKind.NODE_ADD, EventKind.NODE_LABELS}),
    "NodePorts": frozenset({EventKind.NODE_ADD, EventKind.ASSIGNED_POD_DELETE}),
    "NodeResourcesFit": frozenset(
        {
            *(EventKind.NODE_ADD, EventKind.NODE_ALLOCATABLE, EventKind.ASSIGNED_POD_DELETE),
            EventKind.ASSIGNED_POD_UPDATE,  # which may need less from now on
            EventKind.DEVICE_CLASS,  # which may stand for an extended resource
        }
    ),
    "VolumeRestrictions": frozenset({EventKind.NODE_ADD, EventKind.ASSIGNED_POD_DELETE, EventKind.STORAGE}),
    "NodeVolumeLimits": frozenset({EventKind.NODE_ADD, EventKind.ASSIGNED_POD_DELETE, EventKind.STORAGE}),
    "VolumeBinding": _STORAGE_EVENTS,
    "VolumeZone": _STORAGE_EVENTS,
    "PodTopologySpread": _POD_EVENTS
    | {EventKind.NODE_ADD, EventKind.NODE_LABELS, EventKind.NODE_TAINTS, EventKind.NODE_DELETE},
    "DynamicResources": frozenset(
        {
            *(EventKind.NODE_ADD, EventKind.NODE_LABELS, EventKind.NODE_ALLOCATABLE),
            *(EventKind.DEVICE_CLAIM, EventKind.DEVICE_CLASS, EventKind.RESOURCE_SLICE),
        }
    ),
    "InterPodAffinity": _POD_EVENTS | {EventKind.NODE_ADD, EventKind.NODE_LABELS, EventKind.NAMESPACE},
}
_ALL_KINDS = frozenset(EventKind)


def plugins_registered_for(event: ClusterEvent, plugins: Iterable[str]) -> list[str]:
    """Those of the plugins whose refusal an event of this kind can undo."""
    return [name for name in plugins if event.kind in EVENTS_TO_REGISTER.get(name, _ALL_KINDS)]


def is_worth_requeuing(plugin: str, info: PodInfo, event: ClusterEvent) -> bool:
    """Whether the event can make the plugin accept the pod. True where only the plugin itself can tell."""
    hint = QUEUEING_HINTS.get(plugin)
    return hint is None or hint(info, event)


def _is_schedulable(_: PodInfo, event: ClusterEvent) -> bool:
    return event.node is None or not event.node.spec.unschedulable


def _is_tolerated(info: PodInfo, event: ClusterEvent) -> bool:
    if event.node is None:
        return True
    hard = (taint for taint in event.node.spec.taints if taint.effect in ("NoSchedule", "NoExecute"))
    return all(any(tolerates(toleration, taint) for toleration in info.pod.spec.tolerations) for taint in hard)


def _frees_ports(info: PodInfo, event: ClusterEvent) -> bool:
    if event.pod is None:
        return True
    return any(mine.collides(theirs) for mine in info.shape.host_ports for theirs in event.pod.shape.host_ports)


def _offers_enough(info: PodInfo, event: ClusterEvent) -> bool:
    """Whether enough is available, now or once other pods are preempted.

    Preemption was possible before too, unless the deleted pod was as important. A profile may ignore extended
    resources, which have a slash in their names, so these do not decide.
    """
    if event.kind is EventKind.DEVICE_CLASS:
        return any("/" in name for name in info.shape.requests.requested)
    if event.kind is EventKind.ASSIGNED_POD_UPDATE:
        return _needs_less(event)
    if event.available is None:
        return True
    for name, amount in info.shape.requests.requested.items():
        if amount > event.available.get(name, 0) and "/" not in name:
            return (
                event.pod is not None and event.lowest_priority < info.pod.spec.priority <= event.pod.pod.spec.priority
            )
    return True


def _needs_less(event: ClusterEvent) -> bool:
    if event.pod is None or event.old_pod is None:
        return True
    after = event.pod.shape.requests.requested
    return any(amount > after.get(name, 0) for name, amount in event.old_pod.shape.requests.requested.items())


def _matches_affinity(info: PodInfo, event: ClusterEvent) -> bool:
    """By the pod's own affinity; `addedAffinity` of the profile is not known here."""
    return event.node is None or info.shape.nodes.matches(event.node)


def _changes_spread(info: PodInfo, event: ClusterEvent) -> bool:
    """Whether it is about pods that are counted, or about a node that has all topology keys."""
    hard = [each for each in spread_constraints_of(info.shape) if each.when_unsatisfiable == DO_NOT_SCHEDULE]
    if not hard:
        return True  # the pod is spread by the constraints of its profile
    if event.kind in _POD_EVENTS:
        pods = _pods_of(event)
        return not pods or any(_may_select(each.pods, pod.shape) for each in hard for pod in pods)
    if event.kind is EventKind.NODE_TAINTS:
        return any(each.honors_taints for each in hard)
    nodes = [node for node in (event.node, event.old_node) if node is not None]
    return not nodes or any(all(each.topology_key in node.metadata.labels for each in hard) for node in nodes)


def _changes_affinity(info: PodInfo, event: ClusterEvent) -> bool:
    """Whether it is about pods that a term of either selects, or a node that has the keys of all affinity terms."""
    affinity = [term for term in info.shape.affinity_terms if term.kind is TermKind.AFFINITY]
    if event.kind in _POD_EVENTS:
        pods = _pods_of(event)
        attracted = any(_may_select(term.pods, pod.shape) for term in affinity for pod in pods)
        is_add = event.kind is EventKind.ASSIGNED_POD_ADD
        return not pods or attracted or (not is_add and _repelled(info, pods))
    if event.kind is EventKind.NAMESPACE or event.node is None:
        return True
    return all(term.topology_key in event.node.metadata.labels for term in affinity)


def _pods_of(event: ClusterEvent) -> list[PodInfo]:
    return [pod for pod in (event.pod, event.old_pod) if pod is not None]


def _repelled(info: PodInfo, pods: list[PodInfo]) -> bool:
    """Whether an anti-affinity term of the pod selects one of these, or one of theirs selects the pod."""
    own = (_may_select(term.pods, pod.shape) for pod in pods for term in _anti_affinity(info))
    theirs = (_may_select(term.pods, info.shape) for pod in pods for term in _anti_affinity(pod))
    return any(own) or any(theirs)


def _anti_affinity(info: PodInfo) -> list[AffinityTerm]:
    return [term for term in info.shape.affinity_terms if term.kind is TermKind.ANTI_AFFINITY]


def _may_select(pods: PodSelector, shape: PodShape) -> bool:
    """The labels of namespaces are not known here: a namespace selector may select any namespace."""
    if pods.namespace_selector is not None:
        return pods.labels is not None and pods.labels.matches(shape.labels)
    return pods.matches(shape.namespace, shape.labels, {})


def _is_of_pod(info: PodInfo, event: ClusterEvent) -> bool:
    """Whether the claim is one of the pod's."""
    return event.claim is None or (event.claim[0] == info.shape.namespace and event.claim[1] in info.shape.claims)


def _offers_devices(info: PodInfo, event: ClusterEvent) -> bool:
    """Whether a claim has given back its devices, or one of the pod's own is another now."""
    if event.kind is not EventKind.DEVICE_CLAIM:
        return True
    new, old = event.device_claim, event.old_device_claim
    had = old is None or old.status.HasField("allocation")
    if new is None or (old is not None and had and not new.status.HasField("allocation")):
        return had
    of_pod = {named.name for named in resourceclaims.known(info.pod)}
    if new.metadata.namespace != info.shape.namespace or new.metadata.name not in of_pod:
        return False
    return old is None or old.status != new.status


QUEUEING_HINTS: Mapping[str, Callable[[PodInfo, ClusterEvent], bool]] = {
    "NodeUnschedulable": _is_schedulable,
    "TaintToleration": _is_tolerated,
    "NodeAffinity": _matches_affinity,
    "NodePorts": _frees_ports,
    "NodeResourcesFit": _offers_enough,
    "PodTopologySpread": _changes_spread,
    "InterPodAffinity": _changes_affinity,
    "VolumeBinding": _is_of_pod,
    "VolumeZone": _is_of_pod,
    "DynamicResources": _offers_devices,
}
