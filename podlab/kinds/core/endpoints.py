"""The kind Endpoints."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age, joined
from podlab.api.kinds import of
from podlab.core.v1 import endpoints_pb2
from podlab.core.v1.endpoints_pb2 import Endpoints
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy

_SHOWN = 3
_PROTOCOL = "TCP"


def _cells(item: Endpoints, now: datetime) -> Cells:
    places: list[str] = []
    for subset in item.subsets:
        if not subset.ports:
            places += [address.ip for address in subset.addresses]
        for port in subset.ports:
            places += [f"{address.ip}:{port.port}" for address in subset.addresses]
    more = f" + {len(places) - _SHOWN} more..." if len(places) > _SHOWN else ""
    return [item.metadata.name, joined(places[:_SHOWN]) + more, age(item, now)]


def _set_defaults(endpoints: endpoints_pb2.Endpoints) -> None:
    """TCP is meant."""
    for subset in endpoints.subsets:
        for port in subset.ports:
            port.protocol = port.protocol or _PROTOCOL


def _strategy() -> Strategy:
    from podlab.kinds.validation.network import endpoints
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        set_defaults=_set_defaults,
        rules=Rules(endpoints.check_endpoints),
    )


RESOURCE = Resource(
    of(Endpoints),
    table=Table(_cells, ("NAME", "ENDPOINTS", "AGE")),
    load_strategy=_strategy,
    warnings=("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",),
)
