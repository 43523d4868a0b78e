"""On which nodes a DaemonSet's pods belong, and how a pod is made for one of them.

The scheduler binds it: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#how-daemon-pods-are-scheduled
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from master.controllers.objects.podtemplate import new_pod
from master.controllers.workloads.controllerrevisions.decide import HASH_LABEL
from podlab.api.pods.tolerations import MEMORY_PRESSURE, NOT_READY, UNREACHABLE, UNSCHEDULABLE, tolerates
from podlab.api.selection import nodeselectors
from podlab.api.selection.labels import POD_TEMPLATE_GENERATION, TEMPLATE_GENERATION
from podlab.apps.v1 import daemonset_pb2
from podlab.core.v1 import node_pb2, pod_pb2

_TAINTS = (
    (NOT_READY, "NoExecute"),
    (UNREACHABLE, "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    (MEMORY_PRESSURE, "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    (UNSCHEDULABLE, "NoSchedule"),
)
_HOST_NETWORK_TAINT = ("node.kubernetes.io/network-unavailable", "NoSchedule")


@dataclass(frozen=True)
class NodePlacement:
    """Whether a pod should be on the node, and whether one that is there may stay."""

    run: bool
    stay: bool


def node_placements(template: pod_pb2.PodTemplateSpec, nodes: Iterable[node_pb2.Node]) -> dict[str, NodePlacement]:
    """For each node, by name, labels and taints; room on it is the scheduler's part."""
    spec, accepted, matcher = template.spec, tolerations(template.spec), nodeselectors.matcher(template.spec)
    placements = {}
    for node in nodes:
        name = node.metadata.name
        if spec.nodeName not in ("", name) or not matcher.matches(node):
            placements[name] = NodePlacement(run=False, stay=False)
            continue
        bad = {taint.effect for taint in node.spec.taints if not any(tolerates(one, taint) for one in accepted)}
        placements[name] = NodePlacement(run=not bad & {"NoSchedule", "NoExecute"}, stay="NoExecute" not in bad)
    return placements


def tolerations(spec: pod_pb2.PodSpec) -> list[pod_pb2.Toleration]:
    """The template's own, and those that every daemon has."""
    taints = (*_TAINTS, _HOST_NETWORK_TAINT) if spec.hostNetwork else _TAINTS
    given = [pod_pb2.Toleration(key=key, operator="Exists", effect=effect) for key, effect in taints]
    return [*spec.tolerations, *(one for one in given if one not in spec.tolerations)]


def pod_for(daemon_set: daemonset_pb2.DaemonSet, node: str, revision_hash: str) -> pod_pb2.Pod:
    """A new pod for that node alone. The node was found to match: its name takes the place of what else is required."""
    template = daemon_set.spec.template
    pod = new_pod(daemon_set, template)
    pod.metadata.labels[HASH_LABEL] = revision_hash
    if generation := daemon_set.metadata.annotations.get(TEMPLATE_GENERATION, ""):
        pod.metadata.labels[POD_TEMPLATE_GENERATION] = generation
    this_node = pod_pb2.NodeSelectorRequirement(key=nodeselectors.NAME_FIELD, operator="In", values=[node])
    terms = [pod_pb2.NodeSelectorTerm(matchFields=[this_node])]
    required = pod_pb2.NodeSelector(nodeSelectorTerms=terms)
    pod.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.CopyFrom(required)
    del pod.spec.tolerations[:]
    pod.spec.tolerations.extend(tolerations(template.spec))
    return pod


def node_of(pod: pod_pb2.Pod) -> str:
    """Where it is, or where it is meant to be; empty for a pod that was made for no node."""
    if pod.spec.nodeName:
        return pod.spec.nodeName
    required = pod.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution
    for term in required.nodeSelectorTerms:
        for field in term.matchFields:
            if field.key == nodeselectors.NAME_FIELD and field.operator == "In" and len(field.values) == 1:
                return field.values[0]
    return ""
