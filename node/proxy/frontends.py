"""At which addresses and ports a Service is reached, and where packets go from there: a pure function.

Both backends render what is found here. Which endpoints count is said in `endpoints`.
https://kubernetes.io/docs/reference/networking/virtual-ips/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from node import family as families
from node.proxy.endpoints import Endpoint, endpoints_of, ready_addresses
from node.proxy.node import ProxyNode
from podlab.api.values.ipfamilies import family_of, of_family
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice

DEFAULT_AFFINITY_S = 10800
REJECT, DROP = "REJECT", "DROP"

# (address, or "" for a node port; protocol; port)
Place = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Frontend:
    """A place where one port of a Service is reached, and how.

    `endpoints` (each as ip:port, IPv6 in brackets) are for those whom the traffic policies bind; `everywhere` are for
    pods and the node itself, whom externalTrafficPolicy Local does not bind. What is led to none meets the `refusal`.
    """

    name: str  # namespace/name:port
    address: str  # empty: a node port
    protocol: str  # tcp, udp or sctp
    port: int
    endpoints: tuple[str, ...]
    everywhere: tuple[str, ...] = ()
    inside: bool = False  # at the Service's own address, where pods keep their source
    only_local: bool = False  # externalTrafficPolicy Local: clients keep their source
    affinity_s: int = 0
    source_ranges: tuple[str, ...] = ()  # of clients that may come; none: all may
    refusal: str = ""  # "", REJECT or DROP

    @property
    def place(self) -> Place:
        return self.address, self.protocol, self.port

    @property
    def reachable(self) -> frozenset[str]:
        """All endpoints that somebody is led to from here."""
        return frozenset((*self.endpoints, *self.everywhere))


@dataclass(frozen=True, slots=True)
class Exposure:
    """All places of one Service, and the addresses of its endpoints that are on this node.

    At `health_port`, unless it is 0, the node says how many ready endpoints it has: `ready_here`.
    """

    frontends: tuple[Frontend, ...] = ()
    own_endpoints: frozenset[str] = frozenset()
    health_port: int = 0
    ready_here: int = 0


def exposure_of(service: Service, slices: Sequence[EndpointSlice], node: ProxyNode) -> Exposure:
    """What the node does for the Service in its family of addresses; the slices are all those with the Service's name.

    A Service without an address of the family has nothing, and so has a headless one.
    """
    spec, family = service.spec, node.family
    address = of_family((spec.clusterIP, *spec.clusterIPs), family.name)
    if address in ("", "None"):
        return Exposure()
    frontends: list[Frontend] = []
    own: set[str] = set()
    usable = [each for each in slices if each.addressType == family.name]
    is_local = "Local" in (spec.internalTrafficPolicy, spec.externalTrafficPolicy)
    for port in spec.ports:
        local = endpoints_of(port, usable, on_node=node.name) if is_local else []
        everywhere = endpoints_of(port, usable, node=node.name, zone=node.zone)
        frontends += _frontends(service, port, address, local, everywhere)
        own |= {each.address for each in (*local, *everywhere) if _is_own(each, node)}
    health_port = spec.healthCheckNodePort if spec.type == "LoadBalancer" else 0
    ready_here = len(ready_addresses(usable, node.name)) if health_port else 0
    return Exposure(tuple(frontends), frozenset(own), health_port, ready_here)


def _is_own(endpoint: Endpoint, node: ProxyNode) -> bool:
    if endpoint.node_name or not node.pod_cidr:
        return endpoint.node_name == node.name
    return ip_address(endpoint.address) in ip_network(node.pod_cidr)


def _frontends(
    service: Service, port: ServicePort, address: str, local: Sequence[Endpoint], everywhere: Sequence[Endpoint]
) -> Iterator[Frontend]:
    spec = service.spec
    name = f"{service.metadata.namespace}/{service.metadata.name}" + (f":{port.name}" if port.name else "")
    texts_local, texts = tuple(map(str, local)), tuple(map(str, everywhere))
    inside = Frontend(
        name,
        address,
        port.protocol.lower() or "tcp",
        port.port,
        texts,
        inside=True,
        affinity_s=_affinity_s(spec),
    )
    if spec.internalTrafficPolicy == "Local":
        yield _with_refusal(replace(inside, endpoints=texts_local), texts)
    else:
        yield _with_refusal(inside, texts)
    if port.nodePort or spec.type == "LoadBalancer" or spec.externalIPs:
        yield from _outside(service, port, inside, texts_local)


def _outside(service: Service, port: ServicePort, inside: Frontend, texts_local: tuple[str, ...]) -> Iterator[Frontend]:
    """The places that are not the Service's own address: node port, load balancers', external ones."""
    spec, texts = service.spec, inside.endpoints
    outside = replace(inside, address="", inside=False)
    if spec.externalTrafficPolicy == "Local":
        outside = replace(outside, endpoints=texts_local, everywhere=texts, only_local=True)
    outside = _with_refusal(outside, texts)
    if port.nodePort:
        yield replace(outside, port=port.nodePort)
    family = family_of(inside.address)
    balancers = _balancers(service, family)
    for address in balancers:
        yield _behind_ranges(replace(outside, address=address), spec.loadBalancerSourceRanges)
    external = {each for each in spec.externalIPs if family_of(each) == family}
    for address in sorted(external - {inside.address, *balancers}):
        yield replace(outside, address=address)


def _affinity_s(spec: ServiceSpec) -> int:
    if spec.sessionAffinity != "ClientIP":
        return 0
    return spec.sessionAffinityConfig.clientIP.timeoutSeconds or DEFAULT_AFFINITY_S


def _with_refusal(frontend: Frontend, ready: Sequence[str]) -> Frontend:
    """Without any endpoint clients are told at once. Those that a policy keeps from others' are not heard."""
    if frontend.endpoints:
        return frontend
    return replace(frontend, refusal=DROP if ready else REJECT)


def _behind_ranges(frontend: Frontend, given: Iterable[str]) -> Frontend:
    family = families.family_of(frontend.address)
    ranges = tuple(sorted({each for each in given if family_of(each) == family.name}))
    if not ranges or family.everything in ranges:
        return frontend
    return replace(frontend, source_ranges=ranges, refusal=frontend.refusal or DROP)


def _balancers(service: Service, family: str) -> list[str]:
    """The addresses at which nodes answer for a load balancer. One that is a proxy sends to nodes' or pods' own."""
    if service.spec.type != "LoadBalancer":
        return []
    points = service.status.loadBalancer.ingress
    return sorted({one.ip for one in points if one.ip and one.ipMode != "Proxy" and family_of(one.ip) == family})
