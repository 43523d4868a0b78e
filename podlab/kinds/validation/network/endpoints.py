"""EndpointSlices and Endpoints."""

from collections.abc import Callable, Iterable

from podlab.api.values.ipfamilies import FAMILIES, family_of
from podlab.core.v1 import endpoints_pb2
from podlab.discovery.v1 import endpointslice_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.pods.containers import PROTOCOLS

_ENDPOINTS_MAX = 1000
_NAMES = "FQDN"
"""Of slices whose addresses are names; nothing here leads to them."""
_ADDRESSES_MAX = 100
_PORTS_MAX = 100
_HINTS_MAX = 8


def check_endpoint_slice(found: Findings, endpoints: endpointslice_pb2.EndpointSlice) -> None:
    """An EndpointSlice, whichever way it comes."""
    found.one_of("addressType", endpoints.addressType, (_NAMES, *FAMILIES))
    if len(endpoints.endpoints) > _ENDPOINTS_MAX:
        found.invalid("endpoints", len(endpoints.endpoints), f"must have at most {_ENDPOINTS_MAX} items")
    for index, endpoint in enumerate(endpoints.endpoints):
        _check_endpoint(found, f"endpoints[{index}]", endpoint, endpoints.addressType)
    if len(endpoints.ports) > _PORTS_MAX:
        found.invalid("ports", len(endpoints.ports), f"must have at most {_PORTS_MAX} items")
    names: set[str] = set()
    for index, port in enumerate(endpoints.ports):
        where = f"ports[{index}]"
        if port.name in names:
            found.duplicate(f"{where}.name", port.name)
        names.add(port.name)
        if port.name:
            found.invalid(f"{where}.name", port.name, *syntax.label(port.name))
        found.one_of(f"{where}.protocol", port.protocol, PROTOCOLS)
        if port.HasField("port"):
            found.port(f"{where}.port", port.port)


def check_endpoint_slice_update(
    found: Findings, new: endpointslice_pb2.EndpointSlice, old: endpointslice_pb2.EndpointSlice
) -> None:
    """Addresses of a slice are of one type for ever."""
    found.immutable("addressType", new.addressType, old.addressType, new.addressType)


def check_endpoints(found: Findings, endpoints: endpoints_pb2.Endpoints) -> None:
    """Endpoints, whichever way they come."""
    for index, subset in enumerate(endpoints.subsets):
        where = f"subsets[{index}]"
        if not subset.addresses and not subset.notReadyAddresses:
            found.required(where, "must specify `addresses` or `notReadyAddresses`")
        for field in ("addresses", "notReadyAddresses"):
            for place, address in enumerate(getattr(subset, field)):
                _check_address(found, f"{where}.{field}[{place}]", address)
        for place, port in enumerate(subset.ports):
            _check_subset_port(found, f"{where}.ports[{place}]", port, named=len(subset.ports) > 1)


def _check_address(found: Findings, field: str, address: endpoints_pb2.EndpointAddress) -> None:
    found.invalid(f"{field}.ip", address.ip, *syntax.endpoint_address(address.ip))
    if address.hostname:
        found.invalid(f"{field}.hostname", address.hostname, *syntax.label(address.hostname))
    if address.HasField("nodeName"):
        found.invalid(f"{field}.nodeName", address.nodeName, *syntax.subdomain(address.nodeName))


def _check_subset_port(found: Findings, field: str, port: endpoints_pb2.EndpointPort, *, named: bool) -> None:
    if port.name:
        found.invalid(f"{field}.name", port.name, *syntax.label(port.name))
    elif named:
        found.required(f"{field}.name")
    found.port(f"{field}.port", port.port)
    found.one_of(f"{field}.protocol", port.protocol, PROTOCOLS)
    if port.HasField("appProtocol"):
        found.invalid(f"{field}.appProtocol", port.appProtocol, *syntax.qualified_name(port.appProtocol))


def _check_endpoint(found: Findings, field: str, endpoint: endpointslice_pb2.Endpoint, kind: str) -> None:
    if not endpoint.addresses:
        found.required(f"{field}.addresses", "must contain at least 1 address")
    if len(endpoint.addresses) > _ADDRESSES_MAX:
        found.invalid(f"{field}.addresses", len(endpoint.addresses), f"must have at most {_ADDRESSES_MAX} items")
    for index, address in enumerate(endpoint.addresses):
        found.invalid(f"{field}.addresses[{index}]", address, *_address_faults(address, kind))
    if endpoint.HasField("hostname"):
        found.invalid(f"{field}.hostname", endpoint.hostname, *syntax.label(endpoint.hostname))
    if endpoint.HasField("nodeName"):
        found.invalid(f"{field}.nodeName", endpoint.nodeName, *syntax.subdomain(endpoint.nodeName))
    _check_hints(found, f"{field}.hints.forZones", endpoint.hints.forZones, syntax.label_value)
    _check_hints(found, f"{field}.hints.forNodes", endpoint.hints.forNodes, syntax.subdomain)


def _address_faults(address: str, kind: str) -> syntax.Faults:
    if kind == _NAMES:
        return syntax.subdomain(address)
    if kind in FAMILIES and (syntax.ip_address(address) or family_of(address) != kind):
        return (f"must be a valid {kind} address",)
    return syntax.endpoint_address(address)


def _check_hints(
    found: Findings,
    field: str,
    hints: Iterable[endpointslice_pb2.ForZone | endpointslice_pb2.ForNode],
    rule: Callable[[str], syntax.Faults],
) -> None:
    names = [hint.name for hint in hints]
    if len(names) > _HINTS_MAX:
        found.too_many(field, len(names), _HINTS_MAX)
        return
    for index, name in enumerate(names):
        where = f"{field}[{index}].name"
        if name in names[:index]:
            found.duplicate(where, name)
        found.invalid(where, name, *rule(name))
