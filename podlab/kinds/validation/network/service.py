"""Services."""

from podlab.core.v1 import service_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_labels
from podlab.kinds.validation.network.servicefamilies import check_families, check_families_update
from podlab.kinds.validation.pods.containers import PROTOCOLS

NODE_PORTS = range(30000, 32768)

# Nodes answer for these, on ports of their own. A load balancer is for somebody else to bring.
EXTERNAL_TYPES = ("LoadBalancer", "NodePort")
_EXTERNAL_NAME = "ExternalName"
_TYPES = ("ClusterIP", _EXTERNAL_NAME, *EXTERNAL_TYPES)
_AFFINITY_SECONDS_MAX = 86400
_DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
_NODE_PORT_RULE = (
    f"provided port is not in the valid range. The range of valid ports is {NODE_PORTS[0]}-{NODE_PORTS[-1]}"
)


def check_service(found: Findings, service: service_pb2.Service) -> None:
    """A Service, defaults applied. Whether its address and node ports are free is the allocator's to say."""
    spec = service.spec
    found.one_of("spec.type", spec.type, _TYPES)
    check_labels(found, "spec.selector", spec.selector)
    headless = spec.clusterIP == "None"
    if not spec.ports and not headless and spec.type != _EXTERNAL_NAME:
        found.required("spec.ports")
    _check_ports(found, spec)
    if headless and spec.type in EXTERNAL_TYPES:
        found.invalid("spec.clusterIP", spec.clusterIP, f"may not be set to 'None' for {spec.type} services")
    if spec.type == _EXTERNAL_NAME:
        _check_external_name(found, spec)
    else:
        check_families(found, spec)
        found.one_of("spec.internalTrafficPolicy", spec.internalTrafficPolicy, ("Cluster", "Local"))
    _check_affinity(found, spec)
    if spec.HasField("trafficDistribution"):
        found.one_of("spec.trafficDistribution", spec.trafficDistribution, _DISTRIBUTIONS)
    for index, address in enumerate(spec.externalIPs):
        found.invalid(f"spec.externalIPs[{index}]", address, *syntax.endpoint_address(address))
    if _is_external(spec):
        found.one_of("spec.externalTrafficPolicy", spec.externalTrafficPolicy, ("Cluster", "Local"))
    elif spec.externalTrafficPolicy:
        rule = "may only be set for externally-accessible services"
        found.invalid("spec.externalTrafficPolicy", spec.externalTrafficPolicy, rule)
    _check_load_balancer(found, spec)


def _check_external_name(found: Findings, spec: service_pb2.ServiceSpec) -> None:
    """It has a name, which may end with a dot, and no address."""
    alone = f"may not be set for {_EXTERNAL_NAME} services"
    if spec.clusterIP or spec.clusterIPs:
        found.forbidden("spec.clusterIPs", alone)
    if spec.ipFamilies:
        found.forbidden("spec.ipFamilies", alone)
    if spec.HasField("ipFamilyPolicy"):
        found.forbidden("spec.ipFamilyPolicy", alone)
    name = spec.externalName.removesuffix(".")
    if name:
        found.invalid("spec.externalName", name, *syntax.subdomain(name))
    else:
        found.required("spec.externalName")


def _is_external(spec: service_pb2.ServiceSpec) -> bool:
    """Whether clients outside the cluster can reach it."""
    return spec.type in EXTERNAL_TYPES or (spec.type == "ClusterIP" and bool(spec.externalIPs))


def _check_load_balancer(found: Findings, spec: service_pb2.ServiceSpec) -> None:
    if spec.HasField("loadBalancerClass"):
        field, of_balancers = "spec.loadBalancerClass", spec.type == "LoadBalancer"
        if of_balancers:
            found.invalid(field, spec.loadBalancerClass, *syntax.qualified_name(spec.loadBalancerClass))
        else:
            found.forbidden(field, "may only be used when `type` is 'LoadBalancer'")
    if spec.type != "LoadBalancer" and spec.HasField("allocateLoadBalancerNodePorts"):
        found.forbidden("spec.allocateLoadBalancerNodePorts", "may only be used when `type` is 'LoadBalancer'")
    if spec.type != "LoadBalancer" and spec.loadBalancerSourceRanges:
        found.forbidden("spec.LoadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'")
    for index, block in enumerate(spec.loadBalancerSourceRanges):
        found.invalid(f"spec.LoadBalancerSourceRanges[{index}]", block, *syntax.cidr(block.strip()))
    _check_health_port(found, spec)


def needs_health_port(spec: service_pb2.ServiceSpec) -> bool:
    """Whether nodes say at a port of their own if they have endpoints."""
    return spec.type == "LoadBalancer" and spec.externalTrafficPolicy == "Local"


def _check_health_port(found: Findings, spec: service_pb2.ServiceSpec) -> None:
    field, port = "spec.healthCheckNodePort", spec.healthCheckNodePort
    if port and not needs_health_port(spec):
        found.invalid(
            field, port, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        )
    elif port and port not in NODE_PORTS:
        found.invalid(field, port, _NODE_PORT_RULE)


def takes_node_ports(spec: service_pb2.ServiceSpec) -> bool:
    """Whether each port that names no node port is given one, defaults applied."""
    return spec.type == "NodePort" or (spec.type == "LoadBalancer" and spec.allocateLoadBalancerNodePorts)


def check_service_update(found: Findings, new: service_pb2.Service, old: service_pb2.Service) -> None:
    """What stays for the life of the Service."""
    check_families_update(found, new.spec, old.spec)
    before, now = (each.spec.loadBalancerClass for each in (old, new))
    if old.spec.type == new.spec.type == "LoadBalancer" and now != before:
        found.invalid("spec.loadBalancerClass", now, "may not change once set")
    kept = needs_health_port(old.spec) and needs_health_port(new.spec)
    if kept and new.spec.healthCheckNodePort != old.spec.healthCheckNodePort:
        found.forbidden("spec.healthCheckNodePort", "field is immutable")


def check_service_status(found: Findings, service: service_pb2.Service) -> None:
    """Where somebody's load balancer takes what is for the Service."""
    points = service.status.loadBalancer.ingress
    if points and service.spec.type != "LoadBalancer":
        found.forbidden("status.loadBalancer.ingress", 'may only be used when `spec.type` is "LoadBalancer"')
        return
    for index, point in enumerate(points):
        _check_point(found, f"status.loadBalancer.ingress[{index}]", point)


def _check_point(found: Findings, where: str, point: service_pb2.LoadBalancerIngress) -> None:
    if point.ip:
        found.invalid(f"{where}.ip", point.ip, *syntax.ip_address(point.ip))
        found.one_of(f"{where}.ipMode", point.ipMode, ("Proxy", "VIP"))
    elif point.HasField("ipMode"):
        found.forbidden(f"{where}.ipMode", "may not be specified when `ip` is not set")
    if point.hostname:
        found.invalid(f"{where}.hostname", point.hostname, *syntax.dns_name(point.hostname))


def _check_ports(found: Findings, spec: service_pb2.ServiceSpec) -> None:
    names: set[str] = set()
    places: set[tuple[str, int]] = set()
    node_ports: set[tuple[str, int]] = set()
    for index, port in enumerate(spec.ports):
        where = f"spec.ports[{index}]"
        if port.name:
            found.invalid(f"{where}.name", port.name, *syntax.label(port.name))
            if port.name in names:
                found.duplicate(f"{where}.name", port.name)
            names.add(port.name)
        elif len(spec.ports) > 1:
            found.required(f"{where}.name")
        found.port(f"{where}.port", port.port)
        found.one_of(f"{where}.protocol", port.protocol, PROTOCOLS)
        if port.targetPort.type == 0:
            found.port(f"{where}.targetPort", port.targetPort.intVal)
        else:
            found.invalid(f"{where}.targetPort", port.targetPort.strVal, *syntax.port_name(port.targetPort.strVal))
        if (port.protocol, port.port) in places:
            found.duplicate(where, f"{port.protocol}/{port.port}")
        places.add((port.protocol, port.port))
        if port.HasField("appProtocol"):
            found.invalid(f"{where}.appProtocol", port.appProtocol, *syntax.qualified_name(port.appProtocol))
        _check_node_port(found, f"{where}.nodePort", spec.type, port, node_ports)


def _check_node_port(
    found: Findings, field: str, kind: str, port: service_pb2.ServicePort, taken: set[tuple[str, int]]
) -> None:
    if not port.nodePort:
        return
    if kind == "ClusterIP":
        found.forbidden(field, "may not be used when `type` is 'ClusterIP'")
    elif port.nodePort not in NODE_PORTS:
        found.invalid(field, port.nodePort, _NODE_PORT_RULE)
    if (port.protocol, port.nodePort) in taken:
        found.duplicate(field, port.nodePort)
    taken.add((port.protocol, port.nodePort))


def _check_affinity(found: Findings, spec: service_pb2.ServiceSpec) -> None:
    found.one_of("spec.sessionAffinity", spec.sessionAffinity, ("ClientIP", "None"))
    if spec.sessionAffinity == "ClientIP":
        seconds = spec.sessionAffinityConfig.clientIP.timeoutSeconds
        if not 0 < seconds <= _AFFINITY_SECONDS_MAX:
            rule = f"must be greater than 0 and less than {_AFFINITY_SECONDS_MAX}"
            found.invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, rule)
