"""Addresses and node ports of Services: chosen here, held by IPAddresses and by claims in the store.

Either is written in the same commit as the Service that holds it and only where there was none, so two Services can
never hold the same, whatever is restarted or runs at once; it goes with its Service in the same way.
As in Kubernetes, the lower part of each range is left to those who ask for a fixed one until the rest is used up.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Container, Iterator, Sequence
from ipaddress import ip_address

from google.protobuf.message import Message

from master.apiserver.registry import service_addresses, service_families
from master.apiserver.watchcache import keys
from master.store.contract import Delete, Put
from podlab.api.objects import typed
from podlab.api.values.ipfamilies import Network, family_of
from podlab.core.v1 import service_pb2
from podlab.errors import Cause, InternalError, Invalid
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.network.service import EXTERNAL_TYPES, NODE_PORTS, needs_health_port, takes_node_ports

PORTS = "nodePorts"
_TRIES_AT_RANDOM = 32
_STATIC_ADDRESSES = 256
_STATIC_PORTS = 86
_MOST_ADDRESSES = 1 << 62
"""Of larger networks of IPv6 the first ones: what can be counted."""


class ServiceAllocator:
    """Implements registry.Allocator for Services."""

    def __init__(
        self,
        networks: Callable[[], Sequence[Network]],
        *,
        families: Sequence[str],
        addresses: Callable[[], Container[str]],
        ports: Callable[[], Container[str]],
        chance: random.Random,
    ) -> None:
        """`families` are the cluster's, the default first. `networks` are where addresses are taken from; `addresses`
        and `ports` are what is held, by keys."""
        self._families = families
        self._networks = networks
        self._addresses = addresses
        self._ports = ports
        self._chance = chance

    def allocate(self, new: Message, old: Message | None) -> list[Put | Delete]:
        """See Allocator. What `old` holds is kept when the Service still names it, and let go of when not."""
        service = typed(new, service_pb2.Service)
        before = set(_keys_of(typed(old, service_pb2.Service))) if old is not None else set()
        found = Findings()
        service_families.decide(
            found, service, typed(old, service_pb2.Service) if old is not None else None, self._families
        )
        if found.causes:
            raise Invalid.of("Service", service.metadata.name, found.causes)
        causes: list[Cause] = []
        self._take_addresses(service.spec, before, causes)
        self._take_ports(service.spec, before, causes)
        if causes:
            raise Invalid.of("Service", service.metadata.name, causes)
        wanted = set(_keys_of(service))
        holder = f"{service.metadata.namespace}/{service.metadata.name}".encode()
        own = {service_addresses.address_key(each): each for each in service_addresses.addresses(service)}
        taken: list[Put | Delete] = [
            Put(key, service_addresses.new_address(service, own[key]) if key in own else holder, 0)
            for key in sorted(wanted - before)
        ]
        return [*taken, *(Delete(key, None) for key in sorted(before - wanted))]

    def release(self, old: Message) -> list[Delete]:
        """See Allocator."""
        return [Delete(key, None) for key in sorted(set(_keys_of(typed(old, service_pb2.Service))))]

    def _take_addresses(self, spec: service_pb2.ServiceSpec, before: set[str], causes: list[Cause]) -> None:
        """One of each of the Service's families, unless it is headless."""
        if spec.type == "ExternalName" or spec.clusterIP == "None":
            return
        for address in spec.clusterIPs:
            if problem := self._address_problem(address, before):
                asked = json.dumps(list(spec.clusterIPs), separators=(",", ":"))
                value = f"Invalid value: {asked}: failed to allocate IP {address}: {problem}"
                causes.append(Cause("spec.clusterIPs", "FieldValueInvalid", value))
        for family in spec.ipFamilies[len(spec.clusterIPs) :]:
            spec.clusterIPs.append(self._free_address(family))
        spec.clusterIP = spec.clusterIPs[0]

    def _take_ports(self, spec: service_pb2.ServiceSpec, before: set[str], causes: list[Cause]) -> None:
        if spec.type not in EXTERNAL_TYPES:
            return
        own = {port.nodePort for port in spec.ports if port.nodePort}
        self._take_health_port(spec, before, own, causes)
        for index, port in enumerate(spec.ports):
            key = keys.claim_key(PORTS, str(port.nodePort))
            if not port.nodePort:
                if takes_node_ports(spec):
                    port.nodePort = self._free_port(own)
                    own.add(port.nodePort)
            elif key not in before and key in self._ports():
                value = f"Invalid value: {port.nodePort}: provided port is already allocated"
                causes.append(Cause(f"spec.ports[{index}].nodePort", "FieldValueInvalid", value))

    def _take_health_port(
        self, spec: service_pb2.ServiceSpec, before: set[str], own: set[int], causes: list[Cause]
    ) -> None:
        if not needs_health_port(spec):
            return
        port = spec.healthCheckNodePort
        if not port:
            spec.healthCheckNodePort = self._free_port(own)
            own.add(spec.healthCheckNodePort)
        elif (key := keys.claim_key(PORTS, str(port))) not in before and (port in own or key in self._ports()):
            why = f"failed to allocate requested HealthCheck NodePort {port}: provided port is already allocated"
            causes.append(Cause("spec.healthCheckNodePort", "FieldValueInvalid", f"Invalid value: {port}: {why}"))

    def _address_problem(self, address: str, before: set[str]) -> str:
        parsed = ip_address(address)  # which was found to be one
        key, networks = service_addresses.address_key(address), self._networks()
        if key in before:
            return ""
        within = [network for network in networks if parsed in network]
        if not within:
            ranges = ", ".join(str(network) for network in networks if network.version == parsed.version)
            return f"the provided IP ({address}) is not in the valid range. The range of valid IPs is {ranges}"
        if all(int(parsed) - int(network.network_address) not in _hosts(network) for network in within):
            return f"the provided IP ({address}) is the network's own"
        return "provided IP is already allocated" if key in self._addresses() else ""

    def _free_address(self, family: str) -> str:
        held = self._addresses()
        networks = [network for network in self._networks() if family_of(str(network)) == family]
        for network in networks:
            if (address := self._free_address_of(network, held)) is not None:
                return address
        ranges = ", ".join(map(str, networks))
        raise InternalError(
            f"no free address is left in the Service networks {ranges}; delete Services, or add a ServiceCIDR"
        )

    def _free_address_of(self, network: Network, held: Container[str]) -> str | None:
        hosts = _hosts(network)
        number = self._choose(
            hosts, _static_part(len(hosts), _STATIC_ADDRESSES),
            lambda number: service_addresses.address_key(str(network[number])) in held,
        )  # fmt: skip
        return None if number is None else str(network[number])

    def _free_port(self, own: Container[int]) -> int:
        held = self._ports()
        port = self._choose(
            NODE_PORTS, _static_part(len(NODE_PORTS), _STATIC_PORTS),
            lambda port: port in own or keys.claim_key(PORTS, str(port)) in held,
        )  # fmt: skip
        if port is None:
            raise InternalError(f"no free node port is left in {NODE_PORTS[0]}-{NODE_PORTS[-1]}; delete Services")
        return port

    def _choose(self, numbers: range, static: int, is_taken: Callable[[int], bool]) -> int | None:
        dynamic = numbers[static:]
        for _ in range(_TRIES_AT_RANDOM if dynamic else 0):
            number = self._chance.choice(dynamic)
            if not is_taken(number):
                return number
        rest = (number for part in (dynamic, numbers[:static]) for number in part)
        return next((number for number in rest if not is_taken(number)), None)


def _keys_of(service: service_pb2.Service) -> Iterator[str]:
    """What a Service holds, or would hold."""
    for address in service_addresses.addresses(service):
        yield service_addresses.address_key(address)
    if service.spec.type in EXTERNAL_TYPES:
        for port in service.spec.ports:
            if port.nodePort:
                yield keys.claim_key(PORTS, str(port.nodePort))
        if service.spec.healthCheckNodePort:
            yield keys.claim_key(PORTS, str(service.spec.healthCheckNodePort))


def _hosts(network: Network) -> range:
    """Which of the network's addresses may be given: not its own, nor that which all hosts hear in IPv4."""
    last = network.num_addresses - (1 if network.version == 4 else 0)
    return range(1, min(last, _MOST_ADDRESSES))


def _static_part(size: int, most: int) -> int:
    """How many of the first numbers are left to those who ask for them: as Kubernetes divides its ranges."""
    return 0 if size < 16 else min(max(16, size // 16), most)
