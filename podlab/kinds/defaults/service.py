"""Defaults of Services. Addresses and node ports are allocated elsewhere."""

from podlab.core.v1 import service_pb2

_AFFINITY_S = 10_800


def apply_to_service(service: service_pb2.Service) -> None:
    """Everything but what is allocated."""
    spec = service.spec
    spec.type = spec.type or "ClusterIP"
    spec.sessionAffinity = spec.sessionAffinity or "None"
    if spec.sessionAffinity == "ClientIP" and not spec.sessionAffinityConfig.clientIP.HasField("timeoutSeconds"):
        spec.sessionAffinityConfig.clientIP.timeoutSeconds = _AFFINITY_S
    elif spec.sessionAffinity == "None":
        spec.ClearField("sessionAffinityConfig")
    if not spec.HasField("internalTrafficPolicy"):
        spec.internalTrafficPolicy = "Cluster"
    if spec.type in ("LoadBalancer", "NodePort"):
        spec.externalTrafficPolicy = spec.externalTrafficPolicy or "Cluster"
    if spec.type == "LoadBalancer" and not spec.HasField("allocateLoadBalancerNodePorts"):
        spec.allocateLoadBalancerNodePorts = True
    if not spec.HasField("ipFamilyPolicy"):
        spec.ipFamilyPolicy = "SingleStack"
    if not spec.ipFamilies:
        spec.ipFamilies.append("IPv4")
    if spec.clusterIP and not spec.clusterIPs:
        spec.clusterIPs.append(spec.clusterIP)
    for port in spec.ports:
        _port(port)


def _port(port: service_pb2.ServicePort) -> None:
    port.protocol = port.protocol or "TCP"
    target = port.targetPort
    if not (target.strVal if target.type else target.intVal):
        target.Clear()
        target.intVal = port.port
