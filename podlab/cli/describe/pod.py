"""Pods and pod templates."""

from podlab.api.objects import condition
from podlab.api.pods.podstate import pod_state
from podlab.cli.describe import layout
from podlab.cli.describe.basics import Related, conditions, events, heading, moment
from podlab.cli.describe.container import containers, volumes
from podlab.cli.describe.layout import Fields, LayoutField
from podlab.core.v1.pod_pb2 import NodeSelectorRequirement, Pod, PodSpec, PodTemplateSpec, Toleration


def describe(pod: Pod, related: Related) -> Fields:
    status = pod.status
    node = f"{pod.spec.nodeName}/{status.hostIP}".rstrip("/")
    fields = [
        *heading(pod.metadata),
        layout.field("Priority", str(pod.spec.priority)),
        layout.field("Node", node or layout.NONE),
        layout.field("Start Time", moment(status.startTime)),
        layout.field("Status", pod_state(pod).status),
        *([layout.field("Reason", status.reason)] if status.reason else []),
        *([layout.field("Message", status.message)] if status.message else []),
        layout.field("IP", status.podIP or layout.NONE),
        layout.field("QoS Class", status.qosClass or layout.NONE),
    ]
    if pod.spec.initContainers:
        fields.append(containers("Init Containers", pod.spec.initContainers, status.initContainerStatuses))
    return [
        *fields,
        containers("Containers", pod.spec.containers, status.containerStatuses),
        *([_readiness_gates(pod)] if pod.spec.readinessGates else []),
        *([_claims(pod)] if pod.spec.resourceClaims else []),
        conditions(status.conditions),
        volumes(pod.spec.volumes),
        *_placement(pod.spec),
        events(related),
    ]


def _readiness_gates(pod: Pod) -> LayoutField:
    names = [gate.conditionType for gate in pod.spec.readinessGates]
    found = [(name, condition(pod.status.conditions, name)) for name in names]
    rows = [[name, told.status if told is not None else layout.NONE] for name, told in found]
    return layout.table("Readiness Gates", ["Type", "Status"], rows)


def _claims(pod: Pod) -> LayoutField:
    """The ResourceClaims of devices, and what those are made from that are the pod's own."""
    made = {one.name: one.resourceClaimName for one in pod.status.resourceClaimStatuses}
    rows = [
        [one.name, one.resourceClaimName or made.get(one.name, layout.NONE), one.resourceClaimTemplateName]
        for one in pod.spec.resourceClaims
    ]
    return layout.table("Resource Claims", ["Name", "ResourceClaim", "Template"], rows)


def template(found: PodTemplateSpec) -> Fields:
    """What a workload's pods are made of."""
    spec = found.spec
    fields = [
        layout.field("Labels", layout.pairs(found.metadata.labels)),
        *(
            [layout.field("Annotations", layout.pairs(found.metadata.annotations))]
            if found.metadata.annotations
            else []
        ),
    ]
    if spec.initContainers:
        fields.append(containers("Init Containers", spec.initContainers, ()))
    return [*fields, containers("Containers", spec.containers, ()), volumes(spec.volumes), *_placement(spec)]


def _placement(spec: PodSpec) -> Fields:
    required = spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms
    terms = [" and ".join(map(_expression, [*term.matchExpressions, *term.matchFields])) for term in required]
    return [
        layout.field("Node-Selectors", layout.pairs(spec.nodeSelector)),
        *([layout.field("Node Affinity", terms)] if terms else []),
        layout.field("Tolerations", [_toleration(one) for one in spec.tolerations]),
    ]


def _expression(requirement: NodeSelectorRequirement) -> str:
    values = f" ({', '.join(requirement.values)})" if requirement.values else ""
    return f"{requirement.key} {requirement.operator}{values}"


def _toleration(toleration: Toleration) -> str:
    what = toleration.key + (f"={toleration.value}" if toleration.value else "")
    text = f"{what}:{toleration.effect}".rstrip(":")
    text += " op=Exists" if toleration.operator == "Exists" else ""
    return text + (f" for {toleration.tolerationSeconds}s" if toleration.HasField("tolerationSeconds") else "")
