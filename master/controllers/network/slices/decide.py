"""The fewest writes that make slices hold the endpoints that they should have.

Slices that are right are not touched; new endpoints go where a slice has to be written anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from master.controllers.network.slices.endpoints import Port, Ports, is_headless
from master.controllers.objects.ownership import reference_to
from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.api.values import names
from podlab.core.v1 import service_pb2
from podlab.discovery.v1 import endpointslice_pb2
from podlab.meta.v1 import meta_pb2

MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
HEADLESS_LABEL = "service.kubernetes.io/headless"
MAX_ENDPOINTS = 100
_RESERVED = (SERVICE_NAME_LABEL, MANAGED_BY_LABEL, HEADLESS_LABEL)

# family -> ports -> endpoints
Wanted = Mapping[str, Mapping[Ports, Sequence[endpointslice_pb2.Endpoint]]]


@dataclass(frozen=True)
class SliceOwner:
    """Whose slices they are, and the labels that they carry."""

    namespace: str
    name: str
    reference: meta_pb2.OwnerReference
    labels: Mapping[str, str]


@dataclass(frozen=True)
class SliceChanges:
    create: list[endpointslice_pb2.EndpointSlice] = field(default_factory=list)
    update: list[endpointslice_pb2.EndpointSlice] = field(default_factory=list)
    delete: list[endpointslice_pb2.EndpointSlice] = field(default_factory=list)


@dataclass(frozen=True)
class _Owned:
    """The slices of one family."""

    owner: SliceOwner
    family: str


@dataclass
class _Filling:
    """What a slice is to hold; `old` is None for one that has to be made."""

    old: endpointslice_pb2.EndpointSlice | None
    endpoints: list[endpointslice_pb2.Endpoint]

    @property
    def room(self) -> int:
        return MAX_ENDPOINTS - len(self.endpoints)

    @property
    def touched(self) -> bool:
        return self.old is None or self.endpoints != list(self.old.endpoints)


def service_owner(service: service_pb2.Service) -> SliceOwner:
    """Slices carry the Service's own labels, and those by which they are found."""
    labels = without_reserved(service.metadata.labels)
    labels[SERVICE_NAME_LABEL] = service.metadata.name
    labels[MANAGED_BY_LABEL] = MANAGER
    if is_headless(service):
        labels[HEADLESS_LABEL] = ""
    return SliceOwner(service.metadata.namespace, service.metadata.name, reference_to(service), labels)


def without_reserved(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels, less those that say what a slice is."""
    return {name: value for name, value in labels.items() if name not in _RESERVED}


def decide(owner: SliceOwner, wanted: Wanted, present: Iterable[endpointslice_pb2.EndpointSlice]) -> SliceChanges:
    """`present` are the owner's. A family without endpoints keeps one empty slice, which tells that there are none."""
    plan = SliceChanges()
    by_family: dict[str, list[endpointslice_pb2.EndpointSlice]] = {}
    for each in present:
        by_family.setdefault(each.addressType, []).append(each)
    for family, by_ports in wanted.items():
        _decide_family(_Owned(owner, family), by_ports or {(): []}, by_family.pop(family, []), plan)
    plan.delete.extend(each for slices in by_family.values() for each in slices)
    return plan


def _decide_family(
    owned: _Owned,
    wanted: Mapping[Ports, Sequence[endpointslice_pb2.Endpoint]],
    present: Iterable[endpointslice_pb2.EndpointSlice],
    plan: SliceChanges,
) -> None:
    by_ports: dict[Ports, list[endpointslice_pb2.EndpointSlice]] = {}
    for endpoints in sorted(present, key=lambda one: one.metadata.name):
        by_ports.setdefault(_ports(endpoints), []).append(endpoints)
    spare = [one for ports, several in by_ports.items() if ports not in wanted for one in several]
    for ports, endpoints_wanted in wanted.items():
        fillings = _fill(endpoints_wanted, by_ports.get(ports, []))
        if not fillings:
            fillings = [_Filling(None, [])]
        for filling in fillings:
            if filling.old is not None and not filling.endpoints and (endpoints_wanted or filling is not fillings[0]):
                spare.append(filling.old)
            else:
                _write(owned, ports, filling, spare, plan)
    plan.delete.extend(spare)


def is_managed_by(endpoints: endpointslice_pb2.EndpointSlice, manager: str) -> bool:
    """Slices of other managers, or made by hand, are theirs."""
    return endpoints.metadata.labels.get(MANAGED_BY_LABEL) == manager


def _fill(
    wanted: Sequence[endpointslice_pb2.Endpoint], present: Iterable[endpointslice_pb2.EndpointSlice]
) -> list[_Filling]:
    missing = {_identity(one): one for one in wanted}
    fillings = []
    for old in present:
        kept = [missing.pop(_identity(one), None) for one in old.endpoints]
        fillings.append(_Filling(old, [one for one in kept if one is not None]))
    rest = list(missing.values())
    for filling in fillings:
        if filling.touched:
            count = max(0, filling.room)
            filling.endpoints.extend(rest[:count])
            rest = rest[count:]
    while len(rest) >= MAX_ENDPOINTS:
        fillings.append(_Filling(None, rest[:MAX_ENDPOINTS]))
        rest = rest[MAX_ENDPOINTS:]
    if rest:
        roomy = [filling for filling in fillings if filling.room >= len(rest)]
        if roomy:
            min(roomy, key=lambda one: one.room).endpoints.extend(rest)
        else:
            fillings.append(_Filling(None, rest))
    return fillings


def _write(
    owned: _Owned,
    ports: Ports,
    filling: _Filling,
    spare: list[endpointslice_pb2.EndpointSlice],
    plan: SliceChanges,
) -> None:
    """A new slice takes the place of one that would be deleted: one write for two."""
    old, owner = filling.old, owned.owner
    if old is None and spare:
        old = spare.pop()
    result = endpointslice_pb2.EndpointSlice(
        addressType=owned.family, endpoints=filling.endpoints, ports=[port.message() for port in ports]
    )
    if old is not None:
        result.metadata.CopyFrom(old.metadata)
    else:
        prefix = f"{owner.name}-"
        result.metadata.name = names.generate(prefix)
        result.metadata.generateName = prefix
        result.metadata.namespace = owner.namespace
    result.metadata.ClearField("labels")
    result.metadata.labels.update(owner.labels)
    result.metadata.ClearField("ownerReferences")
    result.metadata.ownerReferences.append(owner.reference)
    if old is None:
        plan.create.append(result)
    elif result != old:
        plan.update.append(result)


def _ports(endpoints: endpointslice_pb2.EndpointSlice) -> Ports:
    return tuple(
        Port(port.name, port.protocol, port.port, port.appProtocol if port.HasField("appProtocol") else None)
        for port in endpoints.ports
    )


def _identity(endpoint: endpointslice_pb2.Endpoint) -> tuple[str, str]:
    return endpoint.targetRef.uid, endpoint.addresses[0]
