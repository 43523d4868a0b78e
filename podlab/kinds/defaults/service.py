"""What Services keep when they are sent again: addresses and node ports. Defaults of their status."""

from podlab.core.v1 import service_pb2
from podlab.meta.v1.meta_pb2 import Time

_ON_NODES = ("LoadBalancer", "NodePort")


def keep_allocated(service: service_pb2.Service, before: service_pb2.Service) -> None:
    """A client that sends a manifest again says nothing about addresses and node ports."""
    new, old = service.spec, before.spec
    if new.type == "ExternalName":
        _leave_address(new, old)
    else:
        _keep_addresses(new, old)
    if old.type == "ExternalName" and new.type != old.type and new.externalName == old.externalName:
        new.externalName = ""
    _health_port(new, old)
    if new.type in _ON_NODES:
        _node_ports(new, old)
    elif old.type in _ON_NODES:
        _leave_nodes(new, old)
    if _is_external(old) and not _is_external(new) and new.externalTrafficPolicy == old.externalTrafficPolicy:
        new.externalTrafficPolicy = ""
    if new.type != "LoadBalancer" and old.type == "LoadBalancer":
        new.ClearField("allocateLoadBalancerNodePorts")
        if new.loadBalancerClass == old.loadBalancerClass:
            new.ClearField("loadBalancerClass")


def _is_external(spec: service_pb2.ServiceSpec) -> bool:
    return spec.type in _ON_NODES or (spec.type == "ClusterIP" and bool(spec.externalIPs))


def _keep_addresses(new: service_pb2.ServiceSpec, old: service_pb2.ServiceSpec) -> None:
    """Clients may know of one address alone, or leave both out. As Kubernetes' normalizeClusterIPs."""
    same = new.clusterIPs == old.clusterIPs
    if not new.clusterIPs and new.clusterIP == old.clusterIP:
        new.clusterIPs[:] = old.clusterIPs
    elif same and new.clusterIP != old.clusterIP:
        new.clusterIPs[:] = [new.clusterIP] if new.clusterIP else []
    if old.type == "ExternalName":
        return
    if not new.clusterIP:
        new.clusterIP = old.clusterIP
    if not new.clusterIPs:
        new.clusterIPs[:] = old.clusterIPs


def _leave_address(new: service_pb2.ServiceSpec, old: service_pb2.ServiceSpec) -> None:
    """Whoever makes an ExternalName of a Service and says nothing of its address does not mean to keep it."""
    if old.type == "ExternalName":
        return
    if new.clusterIP in ("", old.clusterIP) and list(new.clusterIPs) in ([], list(old.clusterIPs)):
        new.clusterIP = ""
        del new.clusterIPs[:]
    if new.ipFamilies == old.ipFamilies:
        del new.ipFamilies[:]
    if new.ipFamilyPolicy == old.ipFamilyPolicy:
        new.ClearField("ipFamilyPolicy")


def set_status_defaults(service: service_pb2.Service, before: service_pb2.Service, now: Time) -> None:
    """Where a load balancer does not say it, what is sent to its address reaches nodes as it is."""
    for point in service.status.loadBalancer.ingress:
        if point.ip and not point.HasField("ipMode"):
            point.ipMode = "VIP"


def _leave_nodes(new: service_pb2.ServiceSpec, old: service_pb2.ServiceSpec) -> None:
    """Whoever changes only the type does not mean to keep what belonged to the old one."""
    given = {port.nodePort for port in old.ports}
    for port in new.ports:
        if port.nodePort in given:
            port.nodePort = 0


def _health_port(new: service_pb2.ServiceSpec, old: service_pb2.ServiceSpec) -> None:
    """It stays as long as nodes are asked there, and goes with the policy or the type that need it."""
    needed = new.type == "LoadBalancer" and new.externalTrafficPolicy == "Local"
    if needed:
        new.healthCheckNodePort = new.healthCheckNodePort or old.healthCheckNodePort
    elif new.healthCheckNodePort == old.healthCheckNodePort:
        new.healthCheckNodePort = 0


def _node_ports(new: service_pb2.ServiceSpec, old: service_pb2.ServiceSpec) -> None:
    """A port that stays keeps its node port."""
    taken = {(port.protocol or "TCP", port.nodePort) for port in new.ports if port.nodePort}
    before = {(port.protocol or "TCP", port.port): port.nodePort for port in old.ports}
    for port in new.ports:
        protocol = port.protocol or "TCP"
        kept = before.get((protocol, port.port), 0)
        if not port.nodePort and kept and (protocol, kept) not in taken:
            port.nodePort = kept
            taken.add((protocol, kept))
