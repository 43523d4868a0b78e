"""Columns of what says how traffic reaches pods."""

from collections.abc import Iterable
from datetime import datetime

from podlab.api.cells import NONE, Cells, Table, age, joined, selector
from podlab.core.v1.endpoints_pb2 import Endpoints
from podlab.networking.v1.ingress_pb2 import Ingress, IngressClass, IngressClassParametersReference
from podlab.networking.v1.networkpolicy_pb2 import NetworkPolicy

_SHOWN = 3


def _endpoints(item: Endpoints, now: datetime) -> Cells:
    places: list[str] = []
    for subset in item.subsets:
        if not subset.ports:
            places += [address.ip for address in subset.addresses]
        for port in subset.ports:
            places += [f"{address.ip}:{port.port}" for address in subset.addresses]
    more = f" + {len(places) - _SHOWN} more..." if len(places) > _SHOWN else ""
    return [item.metadata.name, joined(places[:_SHOWN]) + more, age(item, now)]


def _ingress(item: Ingress, now: datetime) -> Cells:
    return [
        item.metadata.name,
        item.spec.ingressClassName or NONE,
        hosts(rule.host for rule in item.spec.rules),
        addresses(item),
        "80, 443" if item.spec.tls else "80",
        age(item, now),
    ]


def hosts(found: Iterable[str]) -> str:
    """The first few; all are meant where none is named."""
    named = [host for host in found if host]
    more = f" + {len(named) - _SHOWN} more..." if len(named) > _SHOWN else ""
    return (",".join(named[:_SHOWN]) or "*") + more


def addresses(item: Ingress) -> str:
    """Where it is served."""
    return ",".join(one.ip or one.hostname for one in item.status.loadBalancer.ingress)


def _ingress_class(item: IngressClass, now: datetime) -> Cells:
    told = parameters(item.spec.parameters) if item.spec.HasField("parameters") else NONE
    return [item.metadata.name, item.spec.controller, told, age(item, now)]


def parameters(found: IngressClassParametersReference) -> str:
    """Kind.group/name."""
    kind = f"{found.kind}.{found.apiGroup}" if found.apiGroup else found.kind
    return f"{kind}/{found.name}"


def _network_policy(item: NetworkPolicy, now: datetime) -> Cells:
    return [item.metadata.name, selector(item.spec.podSelector), age(item, now)]


TABLES: dict[str, Table] = {
    "Endpoints": Table(_endpoints, ("NAME", "ENDPOINTS", "AGE")),
    "Ingress": Table(_ingress, ("NAME", "CLASS", "HOSTS", "ADDRESS", "PORTS", "AGE")),
    "IngressClass": Table(_ingress_class, ("NAME", "CONTROLLER", "PARAMETERS", "AGE")),
    "NetworkPolicy": Table(_network_policy, ("NAME", "POD-SELECTOR", "AGE")),
}
