"""Which records a Service, a Namespace and the cluster have: pure functions of the objects.

The schema: https://github.com/kubernetes/dns/blob/master/docs/specification.md, version 1.1.0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from node.dns.record import Record, Records, address, reverse_name
from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.api.values.ipfamilies import Network
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.discovery.v1.endpointslice_pb2 import Endpoint, EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta

SCHEMA_VERSION = "1.1.0"
PRIORITY, WEIGHT = 0, 100
# Of the SOA: serial, refresh, retry, expire, and how long (s) clients may remember that there is nothing.
_SOA_NUMBERS = "1 7200 1800 86400 5"
_HEADLESS = "None"


@dataclass(frozen=True)
class Cluster:
    """`domain` is the cluster's, such as cluster.local; `dns_address` that of the Service kube-dns."""

    domain: str
    dns_address: str

    @property
    def services(self) -> str:
        return f"svc.{self.domain}"

    @property
    def pods(self) -> str:
        """Below it are names of namespaces, and below those names made of pods' addresses."""
        return f"pod.{self.domain}"

    def service(self, service: Service) -> str:
        return f"{service.metadata.name}.{service.metadata.namespace}.{self.services}"


_Growing = defaultdict[str, set[Record]]


def of_cluster(cluster: Cluster) -> Records:
    """What there is without any object."""
    server = f"ns.dns.{cluster.domain}"
    return {
        cluster.domain: frozenset({Record("NS", server)}),
        f"dns.{cluster.domain}": frozenset(),
        server: frozenset({address(cluster.dns_address)}),
        f"dns-version.{cluster.domain}": frozenset({Record("TXT", SCHEMA_VERSION)}),
        cluster.services: frozenset(),
        cluster.pods: frozenset(),
    }


def start_of_authority(cluster: Cluster) -> Record:
    """The SOA record of all our zones: it goes with every answer that there is nothing."""
    return Record("SOA", f"ns.dns.{cluster.domain} hostmaster.{cluster.domain} {_SOA_NUMBERS}")


def reverse_zones(networks: Iterable[Network]) -> list[str]:
    """The smallest zones of whole octets (IPv6: digits) that hold the networks' PTR records; none inside another."""
    zones = {_reverse_zone(network) for network in networks}
    return sorted(zone for zone in zones if not any(zone.endswith(f".{other}") for other in zones))


def _reverse_zone(network: Network) -> str:
    labels = network.network_address.reverse_pointer.split(".")
    part_bits = 8 if network.version == 4 else 4
    parts = network.max_prefixlen // part_bits
    return ".".join(labels[parts - max(1, network.prefixlen // part_bits) :])


def of_namespace(cluster: Cluster, name: str) -> Records:
    """A namespace has names of its own, with nothing but what is below them."""
    return {f"{name}.{cluster.services}": frozenset(), f"{name}.{cluster.pods}": frozenset()}


def of_service(cluster: Cluster, service: Service, slices: Iterable[EndpointSlice]) -> Records:
    """The Service's records. `slices` are its own; those without a headless Service are not looked at."""
    found: _Growing = defaultdict(set)
    if service.spec.type == "ExternalName":
        target = service.spec.externalName.rstrip(".").lower()
        return {cluster.service(service): frozenset({Record("CNAME", target)})}
    if service.spec.clusterIP == _HEADLESS:
        _headless(cluster, service, slices, found)
    elif service.spec.clusterIP:
        _with_cluster_ip(cluster, service, found)
    return _with_names_between(cluster.service(service), found)


def _with_cluster_ip(cluster: Cluster, service: Service, found: _Growing) -> None:
    """2.3 of the schema."""
    name = cluster.service(service)
    for each in service.spec.clusterIPs or (service.spec.clusterIP,):
        found[name].add(address(each))
        found[reverse_name(each)].add(Record("PTR", name))
    for port in service.spec.ports:
        if port.name:
            found[_port_name(port.name, port.protocol, name)].add(_srv(port.port, name))


def _headless(cluster: Cluster, service: Service, slices: Iterable[EndpointSlice], found: _Growing) -> None:
    """2.4 of the schema. Without ready endpoints there is nothing, the Service's own name included."""
    name = cluster.service(service)
    for each in slices:
        if each.addressType == "FQDN":  # such endpoints have no address that a record could hold
            continue
        for at, endpoint in _ready(service, each):
            own = f"{endpoint.hostname or _dashed(at)}.{name}".lower()
            found[name].add(address(at))
            found[own].add(address(at))
            found[reverse_name(at)].add(Record("PTR", own))
            for port in each.ports:
                if port.name and port.port:
                    found[_port_name(port.name, port.protocol, name)].add(_srv(port.port, own))


def _ready(service: Service, each: EndpointSlice) -> Iterator[tuple[str, Endpoint]]:
    for endpoint in each.endpoints:
        conditions = endpoint.conditions
        # An absent condition is to be taken for true (EndpointConditions.ready, discovery/v1).
        ready = conditions.ready or not conditions.HasField("ready")
        if ready or service.spec.publishNotReadyAddresses:
            for at in endpoint.addresses:
                yield at, endpoint


def _dashed(at: str) -> str:
    return at.replace(".", "-").replace(":", "-")


def _port_name(port: str, protocol: str, name: str) -> str:
    return f"_{port}._{protocol or 'TCP'}.{name}".lower()


def _srv(port: int, target: str) -> Record:
    return Record("SRV", f"{PRIORITY} {WEIGHT} {port} {target}")


def _with_names_between(name: str, found: Mapping[str, set[Record]]) -> Records:
    """The same, and the names between the Service's and its deepest ones, which exist without records of their own."""
    whole = {each: frozenset(records) for each, records in found.items()}
    for each in found:
        between = each.partition(".")[2]
        while between.endswith(f".{name}"):
            whole.setdefault(between, frozenset())
            between = between.partition(".")[2]
    return whole


def is_headless(service: Service) -> bool:
    """Whether the Service's name is made of its endpoints."""
    return service.spec.clusterIP == _HEADLESS


def kept_service(whole: Service) -> Service:
    """What names are made of; the agent keeps no more: with ten thousand Services it is most of its memory."""
    spec = whole.spec
    kept = ServiceSpec(
        type=spec.type,
        externalName=spec.externalName,
        clusterIP=spec.clusterIP,
        clusterIPs=spec.clusterIPs if len(spec.clusterIPs) > 1 else (),  # the only one is said once more
        publishNotReadyAddresses=spec.publishNotReadyAddresses,
        ports=[ServicePort(name=each.name, protocol=each.protocol, port=each.port) for each in spec.ports if each.name],
    )
    made = Service(metadata=_name(whole.metadata), spec=kept)
    return Service.FromString(made.SerializeToString())  # in one piece, which takes less memory


def kept_slice(whole: EndpointSlice) -> EndpointSlice:
    """The same of a slice. `service_name` tells whose it is."""
    ports = [each for each in whole.ports if each.name]
    kept = EndpointSlice(metadata=_name(whole.metadata), addressType=whole.addressType, ports=ports)
    # Not in the label that it came in: a map takes ten times what the name does.
    kept.metadata.generateName = whole.metadata.labels.get(SERVICE_NAME_LABEL, "")
    for each in whole.endpoints:
        endpoint = kept.endpoints.add(addresses=each.addresses, hostname=each.hostname)
        if each.conditions.HasField("ready"):
            endpoint.conditions.ready = each.conditions.ready
    return EndpointSlice.FromString(kept.SerializeToString())


def service_name(kept: EndpointSlice) -> str:
    """Of the Service whose endpoints these are; empty when they are none's."""
    return kept.metadata.generateName


def _name(meta: ObjectMeta) -> ObjectMeta:
    return ObjectMeta(name=meta.name, namespace=meta.namespace, resourceVersion=meta.resourceVersion)
