"""Services and EndpointSlices."""

from podlab.cli.describe import layout
from podlab.cli.describe.basics import Related, events, heading
from podlab.cli.describe.layout import Fields
from podlab.core.v1.service_pb2 import LoadBalancerIngress, Service, ServicePort
from podlab.discovery.v1.endpointslice_pb2 import Endpoint, EndpointSlice


def service(found: Service, related: Related) -> Fields:
    spec = found.spec
    fields = [
        *heading(found.metadata),
        layout.field("Selector", layout.pairs(spec.selector)),
        layout.field("Type", spec.type),
        layout.field("IP Families", ", ".join(spec.ipFamilies) or layout.NONE),
        layout.field("IP", spec.clusterIP or layout.NONE),
    ]
    if spec.externalName:
        fields.append(layout.field("External Name", spec.externalName))
    if points := found.status.loadBalancer.ingress:
        fields.append(layout.field("LoadBalancer Ingress", ", ".join(map(_point, points))))
    for port in spec.ports:
        target = port.targetPort.strVal if port.targetPort.type == 1 else str(port.targetPort.intVal)
        fields += [
            layout.field("Port", f"{port.name or '<unset>'} {port.port}/{port.protocol}"),
            layout.field("TargetPort", f"{target}/{port.protocol}"),
        ]
        fields += [layout.field("NodePort", f"{port.nodePort}/{port.protocol}")] if port.nodePort else []
        fields.append(layout.field("Endpoints", ", ".join(_endpoints(port, related)) or layout.NONE))
    fields.append(layout.field("Session Affinity", spec.sessionAffinity or "None"))
    if spec.externalTrafficPolicy:
        fields.append(layout.field("External Traffic Policy", spec.externalTrafficPolicy))
    if spec.internalTrafficPolicy:
        fields.append(layout.field("Internal Traffic Policy", spec.internalTrafficPolicy))
    if spec.HasField("trafficDistribution"):
        fields.append(layout.field("Traffic Distribution", spec.trafficDistribution))
    return [*fields, events(related)]


def _point(point: LoadBalancerIngress) -> str:
    """The address, and how what is sent there comes to the nodes; or the name."""
    return f"{point.ip} ({point.ipMode})" if point.ip else point.hostname


def _endpoints(port: ServicePort, related: Related) -> list[str]:
    """address:port of the ready endpoints."""
    return [
        f"{address}:{offered.port}"
        for found in related.slices
        for offered in found.ports
        if offered.name == port.name
        for endpoint in found.endpoints
        if endpoint.conditions.ready or not endpoint.conditions.HasField("ready")
        for address in endpoint.addresses
    ]


def endpoint_slice(found: EndpointSlice, related: Related) -> Fields:
    ports = [[port.name or "<unset>", str(port.port), port.protocol] for port in found.ports]
    return [
        *heading(found.metadata),
        layout.field("AddressType", found.addressType),
        layout.table("Ports", ["Name", "Port", "Protocol"], ports),
        layout.table(
            "Endpoints",
            ["Addresses", "Ready", "Serving", "Terminating", "Target", "Node"],
            [_endpoint(one) for one in found.endpoints],
        ),
        events(related),
    ]


def _endpoint(found: Endpoint) -> list[str]:
    target = f"{found.targetRef.kind}/{found.targetRef.name}" if found.HasField("targetRef") else layout.NONE
    told = found.conditions
    # Kubernetes reads what is not told so: ready, serving as it is ready, not terminating.
    ready = told.ready or not told.HasField("ready")
    flags = [
        str(state).lower() for state in (ready, told.serving if told.HasField("serving") else ready, told.terminating)
    ]
    return [", ".join(found.addresses), *flags, target, found.nodeName or layout.NONE]
