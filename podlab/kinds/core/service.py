"""The kind Service."""

from datetime import datetime

from podlab.api.cells import NONE, Cells, Table, age, joined, labels
from podlab.api.kinds import of
from podlab.core.v1 import service_pb2
from podlab.core.v1.service_pb2 import Service
from podlab.kinds.defaults.service import keep_allocated, set_status_defaults
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import SERVICE_PROXY, STATUS

_AFFINITY_S = 10_800


def _cells(item: Service, now: datetime) -> Cells:
    ports = (
        f"{port.port}:{port.nodePort}/{port.protocol}" if port.nodePort else f"{port.port}/{port.protocol}"
        for port in item.spec.ports
    )
    return [
        item.metadata.name,
        item.spec.type,
        item.spec.clusterIP or NONE,
        _outside(item),
        joined(ports),
        age(item, now),
        labels(item.spec.selector),
    ]


def _outside(item: Service) -> str:
    """The name elsewhere that it stands for, or where a load balancer takes what is for it, and external addresses."""
    if item.spec.type == "ExternalName":
        return item.spec.externalName
    if item.spec.type != "LoadBalancer":
        return ",".join(item.spec.externalIPs) or NONE
    balancers = sorted({one.ip or one.hostname for one in item.status.loadBalancer.ingress})
    return ",".join([*balancers, *item.spec.externalIPs]) or "<pending>"


def _set_defaults(service: service_pb2.Service) -> None:
    """Everything but what is allocated."""
    spec = service.spec
    spec.type = spec.type or "ClusterIP"
    spec.sessionAffinity = spec.sessionAffinity or "None"
    if spec.sessionAffinity == "ClientIP" and not spec.sessionAffinityConfig.clientIP.HasField("timeoutSeconds"):
        spec.sessionAffinityConfig.clientIP.timeoutSeconds = _AFFINITY_S
    elif spec.sessionAffinity == "None":
        spec.ClearField("sessionAffinityConfig")
    if spec.type != "ExternalName":
        _set_address_defaults(spec)
    for port in spec.ports:
        _port(port)


def _set_address_defaults(spec: service_pb2.ServiceSpec) -> None:
    """Of those that have an address. Of which families is for the allocator to decide, which knows the cluster's."""
    if not spec.HasField("internalTrafficPolicy"):
        spec.internalTrafficPolicy = "Cluster"
    if spec.type in ("LoadBalancer", "NodePort") or (spec.type == "ClusterIP" and spec.externalIPs):
        spec.externalTrafficPolicy = spec.externalTrafficPolicy or "Cluster"
    if spec.type == "LoadBalancer" and not spec.HasField("allocateLoadBalancerNodePorts"):
        spec.allocateLoadBalancerNodePorts = True
    if spec.clusterIP and not spec.clusterIPs:
        spec.clusterIPs.append(spec.clusterIP)


def _port(port: service_pb2.ServicePort) -> None:
    port.protocol = port.protocol or "TCP"
    target = port.targetPort
    if not (target.strVal if target.type else target.intVal):
        target.Clear()
        target.intVal = port.port


def _strategy() -> Strategy:
    from podlab.kinds.validation import syntax
    from podlab.kinds.validation.network import service
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.warnings import moments
    from podlab.kinds.warnings.network import of_service

    return Strategy(
        set_defaults=_set_defaults,
        inherit=keep_allocated,
        prepare_for_status_update=set_status_defaults,
        rules=Rules(
            service.check_service,
            service.check_service_update,
            status=service.check_service_status,
            name=syntax.label_1035,
        ),
        warn=moments.always(of_service),
    )


RESOURCE = Resource(
    of(Service),
    subresources=(
        STATUS,
        SERVICE_PROXY,
    ),
    table=Table(
        _cells, ("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE", "SELECTOR"), frozenset({"SELECTOR"})
    ),
    selectable_fields=("spec.clusterIP", "spec.type"),
    load_strategy=_strategy,
)
