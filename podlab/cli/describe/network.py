"""Endpoints, Ingresses, their classes, and NetworkPolicies."""

from collections.abc import Sequence

from podlab.api.cells import selector
from podlab.api.ingresses import addresses, parameters
from podlab.cli.describe import layout
from podlab.cli.describe.basics import Related, events, heading
from podlab.cli.describe.layout import Fields, LayoutField
from podlab.core.v1.endpoints_pb2 import Endpoints, EndpointSubset
from podlab.networking.v1.ingress_pb2 import Ingress, IngressBackend, IngressClass, IngressRule
from podlab.networking.v1.networkpolicy_pb2 import NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort

_ANY = "<any>"


def endpoints(found: Endpoints, related: Related) -> Fields:
    return [
        *heading(found.metadata),
        *(_subset(index, subset) for index, subset in enumerate(found.subsets)),
        events(related),
    ]


def _subset(index: int, subset: EndpointSubset) -> LayoutField:
    targets = [
        f"{one.ip} {one.hostname} {one.targetRef.kind}/{one.targetRef.name} on {one.nodeName or '<unknown>'}"
        for one in (*subset.addresses, *subset.notReadyAddresses)
        if one.HasField("targetRef")
    ]
    ports = [[port.name or "<unset>", str(port.port), port.protocol, port.appProtocol] for port in subset.ports]
    return layout.group(
        f"Subset {index + 1}",
        [
            layout.field("Addresses", ",".join(one.ip for one in subset.addresses) or layout.NONE),
            layout.field("NotReadyAddresses", ",".join(one.ip for one in subset.notReadyAddresses) or layout.NONE),
            layout.field("Targets", targets),
            layout.table("Ports", ["Name", "Port", "Protocol", "Application"], ports),
        ],
    )


def ingress(found: Ingress, related: Related) -> Fields:
    spec = found.spec
    default = _backend(spec.defaultBackend) if spec.HasField("defaultBackend") else "<default>"
    tls = [f"{one.secretName or '<none>'} terminates {','.join(one.hosts) or '*'}" for one in spec.tls]
    rows = [row for rule in spec.rules for row in _rule(rule)]
    return [
        *heading(found.metadata),
        layout.field("Address", addresses(found) or layout.NONE),
        layout.field("Ingress Class", spec.ingressClassName or layout.NONE),
        layout.field("Default backend", default),
        *([layout.field("TLS", tls)] if tls else []),
        layout.table("Rules", ["Host", "Path", "Type", "Backends"], rows),
        events(related),
    ]


def _rule(rule: IngressRule) -> list[list[str]]:
    return [
        [rule.host or "*", path.path or "/", path.pathType, _backend(path.backend)]
        for path in rule.ingressRuleValue.http.paths
    ]


def _backend(backend: IngressBackend) -> str:
    if backend.HasField("resource"):
        return f"{backend.resource.apiGroup}/{backend.resource.kind}/{backend.resource.name}".lstrip("/")
    port = backend.service.port
    return f"{backend.service.name}:{port.name or port.number}"


def ingress_class(found: IngressClass, related: Related) -> Fields:
    told, spec = [], found.spec
    if spec.HasField("parameters"):
        told = [f"{parameters(spec.parameters)} ({spec.parameters.scope} {spec.parameters.namespace}".rstrip() + ")"]
    return [
        *heading(found.metadata, namespaced=False),
        layout.field("Controller", spec.controller),
        layout.field("Parameters", told),
        events(related),
    ]


def network_policy(found: NetworkPolicy, related: Related) -> Fields:
    spec = found.spec
    fields = [*heading(found.metadata), layout.field("PodSelector", selector(spec.podSelector))]
    for index, coming in enumerate(spec.ingress):
        fields.append(_traffic(f"Ingress {index + 1}", "From", coming.ports, getattr(coming, "from")))
    for index, going in enumerate(spec.egress):
        fields.append(_traffic(f"Egress {index + 1}", "To", going.ports, going.to))
    return [*fields, layout.field("Policy Types", ", ".join(spec.policyTypes)), events(related)]


def _traffic(
    name: str, side: str, ports: Sequence[NetworkPolicyPort], peers: Sequence[NetworkPolicyPeer]
) -> LayoutField:
    shown = [_port(port) for port in ports] or [_ANY]
    return layout.group(
        name, [layout.field("Ports", shown), layout.field(side, [_peer(peer) for peer in peers] or [_ANY])]
    )


def _port(port: NetworkPolicyPort) -> str:
    number = port.port.strVal if port.port.type else str(port.port.intVal or _ANY)
    until = f"-{port.endPort}" if port.HasField("endPort") else ""
    return f"{number}{until}/{port.protocol}"


def _peer(peer: NetworkPolicyPeer) -> str:
    if peer.HasField("ipBlock"):
        left_out: list[str] = list(getattr(peer.ipBlock, "except"))
        return f"network {peer.ipBlock.cidr}" + (f" except {', '.join(left_out)}" if left_out else "")
    told = []
    if peer.HasField("namespaceSelector"):
        told.append(f"namespaces {selector(peer.namespaceSelector)}")
    if peer.HasField("podSelector"):
        told.append(f"pods {selector(peer.podSelector)}")
    return ", ".join(told)
