"""The kind EndpointSlice."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.discovery.v1 import endpointslice_pb2
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy

_SHOWN_ENDPOINTS = 3


def _cells(item: EndpointSlice, now: datetime) -> Cells:
    ports = [str(port.port) for port in item.ports]
    addresses = [address for endpoint in item.endpoints for address in endpoint.addresses]
    return [item.metadata.name, item.addressType, _first_few(ports), _first_few(addresses), age(item, now)]


def _first_few(values: list[str]) -> str:
    more = f" + {len(values) - _SHOWN_ENDPOINTS} more..." if len(values) > _SHOWN_ENDPOINTS else ""
    return (",".join(values[:_SHOWN_ENDPOINTS]) or "<unset>") + more


def _set_defaults(endpoints: endpointslice_pb2.EndpointSlice) -> None:
    for port in endpoints.ports:
        if not port.HasField("name"):
            port.name = ""
        if not port.HasField("protocol"):
            port.protocol = "TCP"


def _strategy() -> Strategy:
    from podlab.kinds.validation.network import endpoints
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        set_defaults=_set_defaults,
        rules=Rules(endpoints.check_endpoint_slice, endpoints.check_endpoint_slice_update),
    )


RESOURCE = Resource(
    of(EndpointSlice),
    table=Table(_cells, ("NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE")),
    load_strategy=_strategy,
)
