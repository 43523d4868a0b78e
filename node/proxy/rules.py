"""From Services and EndpointSlices to rules: a pure function.

How a packet travels (names as in the chains; the scheme is that of kube-proxy's iptables mode,
https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-mode-iptables):

    PREROUTING, OUTPUT -> PODLAB-SVC -> PODLAB-SVC-<id>  one of -> PODLAB-SEP-<id> -> DNAT
                              `-> PODLAB-SNODEPORT -> PODLAB-SEXT-<id>  one of -> PODLAB-SEP-<id> -> DNAT
                              `-> PODLAB-SEXT-<id> of what is sent to a load balancer's address
    POSTROUTING -> PODLAB-SNAT: masquerade what was marked on the way
    INPUT, FORWARD, OUTPUT -> PODLAB-SREJECT: Services without endpoints answer "connection refused"

With externalTrafficPolicy Local, PODLAB-SEXT leads pods and the node itself to PODLAB-SALL-<id> (all endpoints), and
others to endpoints of this node only.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from node.iptables import Ruleset, Table
from node.proxy.endpoints import Endpoint, endpoints_of
from node.proxy.rule import MARK, Rule
from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.core.v1.service_pb2 import Service, ServicePort
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice

PREFIX = "PODLAB-S"  # of all chains that only this module writes
DISPATCH = "PODLAB-SVC"
NODE_PORTS = "PODLAB-SNODEPORT"
MARKING = "PODLAB-SMARK"
SNAT = "PODLAB-SNAT"
REJECT = "PODLAB-SREJECT"
DEFAULT_AFFINITY_S = 10800
LOOPBACK = "127.0.0.0/8"
# The kernel sends a client one ICMP error a second or so: with many refusals most connections would time out.
_REFUSALS = {"tcp": "tcp-reset"}

# table -> chain -> rules; what `trace` follows and `to_ruleset` renders
Chains = Mapping[str, Mapping[str, Sequence[Rule]]]


@dataclass(frozen=True)
class ProxyNode:
    """The node that the rules are for: name, addresses and zone, and the cluster's pod CIDR (empty: not known)."""

    name: str
    cluster_cidr: str
    addresses: frozenset[str] = frozenset()
    zone: str = ""


JUMPS: Mapping[str, tuple[tuple[str, Rule], ...]] = {
    "nat": (
        ("PREROUTING", Rule(DISPATCH, comment="podlab services")),
        ("OUTPUT", Rule(DISPATCH, comment="podlab services")),
        ("POSTROUTING", Rule(SNAT, comment="podlab masquerade")),
    ),
    "filter": tuple(
        (chain, Rule(REJECT, comment="podlab services without endpoints", new_flow=True))
        for chain in ("INPUT", "FORWARD", "OUTPUT")
    ),
}


def render(services: Iterable[Service], slices: Iterable[EndpointSlice], node: ProxyNode) -> Chains:
    """All chains of the proxy, for the nat and the filter table."""
    nat: dict[str, list[Rule]] = {DISPATCH: [], NODE_PORTS: [], MARKING: _marking(), SNAT: _snat()}
    reject: list[Rule] = []
    by_service = _by_service(slices)
    for service in sorted(services, key=lambda each: (each.metadata.namespace, each.metadata.name)):
        if service.spec.clusterIP in ("", "None"):
            continue
        for port in service.spec.ports:
            found = by_service.get((service.metadata.namespace, service.metadata.name), [])
            _add_port(nat, reject, _ServicePortInfo(service, port, found, node))
    # The kernel does not let what is sent to the loopback leave it again: such a packet would only vanish.
    nat[DISPATCH].append(Rule(NODE_PORTS, not_destination=LOOPBACK, local_destination=True, comment="node ports"))
    return {"nat": nat, "filter": {REJECT: reject}}


def to_ruleset(chains: Chains) -> Ruleset:
    """The chains as text, with the jumps that lead to them."""
    return {
        table: Table(
            {chain: tuple(map(str, rules)) for chain, rules in content.items()},
            tuple((built_in, str(rule)) for built_in, rule in JUMPS[table]),
        )
        for table, content in chains.items()
    }


class _ServicePortInfo:
    """One port of one Service, with the names of its chains."""

    def __init__(self, service: Service, port: ServicePort, slices: Sequence[EndpointSlice], node: ProxyNode) -> None:
        self.service = service
        self.port = port
        self.node = node
        self.protocol = port.protocol.lower() or "tcp"
        self.name = f"{service.metadata.namespace}/{service.metadata.name}" + (f":{port.name}" if port.name else "")
        self.id = chain_id(self.name, self.protocol)
        spec = service.spec
        self.only_local = spec.externalTrafficPolicy == "Local"
        self.all = endpoints_of(port, slices, node=node.name, zone=node.zone)
        local = endpoints_of(port, slices, on_node=node.name)
        self.inside = local if spec.internalTrafficPolicy == "Local" else self.all
        self.outside = local if self.only_local else self.all
        self.balancers = _balancers(service)
        self.affinity_s = 0
        if spec.sessionAffinity == "ClientIP":
            self.affinity_s = spec.sessionAffinityConfig.clientIP.timeoutSeconds or DEFAULT_AFFINITY_S


def _balancers(service: Service) -> list[str]:
    """The addresses at which nodes answer for a load balancer. One that is a proxy sends to nodes' or pods' own."""
    if service.spec.type != "LoadBalancer":
        return []
    points = service.status.loadBalancer.ingress
    return sorted({point.ip for point in points if point.ip and point.ipMode != "Proxy" and ":" not in point.ip})


def chain_id(*parts: str) -> str:
    """16 letters and digits that stand for the parts: chain names hold 28 characters at most."""
    return base64.b32encode(hashlib.sha256("|".join(parts).encode()).digest()).decode()[:16]


def _add_port(nat: dict[str, list[Rule]], reject: list[Rule], info: _ServicePortInfo) -> None:
    address, number, node_port = info.service.spec.clusterIP, info.port.port, info.port.nodePort
    if info.inside:
        chain = f"PODLAB-SVC-{info.id}"
        nat[DISPATCH].append(
            Rule(
                chain,
                destination=address,
                protocol=info.protocol,
                destination_port=number,
                comment=info.name,
            )
        )
        nat[chain] = [*_mark_outsiders(info, address, number), *_choose(info, info.inside)]
    else:
        reject.append(_refuse(info, destination=address, destination_port=number))
    used = {*info.inside}
    if node_port or info.balancers:
        used |= {*info.all, *info.outside}
        _add_outside(nat, info)
        if not info.outside:
            reject += [_refuse(info, destination=balancer, destination_port=number) for balancer in info.balancers]
        if node_port and not info.outside:
            reject.append(_refuse(info, local_destination=True, destination_port=node_port))
    for endpoint in used:
        nat[_endpoint_chain(info, endpoint)] = _endpoint_rules(info, endpoint)


def _add_outside(nat: dict[str, list[Rule]], info: _ServicePortInfo) -> None:
    """For what comes to the nodes from outside: to a port of theirs, or to a load balancer's address."""
    if not info.all:
        return
    chain = f"PODLAB-SEXT-{info.id}"
    named = Rule(chain, protocol=info.protocol, comment=info.name)
    if info.port.nodePort:
        nat[NODE_PORTS].append(replace(named, destination_port=info.port.nodePort))
    nat[DISPATCH] += [
        replace(named, destination=balancer, destination_port=info.port.port) for balancer in info.balancers
    ]
    if not info.only_local:
        nat[chain] = [Rule(MARKING), *_choose(info, info.all)]
        return
    # The policy is for clients outside the cluster. Pods, and the node itself, may use every endpoint.
    everywhere = f"PODLAB-SALL-{info.id}"
    nat[everywhere] = _choose(info, info.all)
    from_pods = [Rule(everywhere, source=info.node.cluster_cidr)] if info.node.cluster_cidr else []
    from_node = [Rule(MARKING, local_source=True), Rule(everywhere, local_source=True)]
    nat[chain] = [*from_pods, *from_node, *_choose(info, info.outside)]


def _mark_outsiders(info: _ServicePortInfo, address: str, number: int) -> list[Rule]:
    # What does not come from a pod must come back through this node, or the answer misses its way.
    if not info.node.cluster_cidr:
        return []
    return [
        Rule(
            MARKING,
            not_source=info.node.cluster_cidr,
            destination=address,
            protocol=info.protocol,
            destination_port=number,
        )
    ]


def _choose(info: _ServicePortInfo, endpoints: Sequence[Endpoint]) -> list[Rule]:
    remembered = [
        Rule(chain, recent_source=chain, recent_seconds=info.affinity_s)
        for chain in (_endpoint_chain(info, endpoint) for endpoint in endpoints if info.affinity_s)
    ]
    count = len(endpoints)
    chosen = [
        Rule(
            _endpoint_chain(info, endpoint),
            one_in=count - index if index < count - 1 else 0,
            comment=str(endpoint),
        )
        for index, endpoint in enumerate(endpoints)
    ]
    return [*remembered, *chosen]


def _endpoint_chain(info: _ServicePortInfo, endpoint: Endpoint) -> str:
    return f"PODLAB-SEP-{chain_id(info.name, info.protocol, str(endpoint))}"


def _endpoint_rules(info: _ServicePortInfo, endpoint: Endpoint) -> list[Rule]:
    chain = _endpoint_chain(info, endpoint)
    return [
        # A pod that reaches itself through its Service must see another source than its own.
        Rule(MARKING, source=endpoint.address, comment=info.name),
        Rule(
            "DNAT",
            protocol=info.protocol,
            comment=info.name,
            remember_source=chain if info.affinity_s else "",
            dnat_to=str(endpoint),
        ),
    ]


def _refuse(
    info: _ServicePortInfo, *, destination: str = "", destination_port: int, local_destination: bool = False
) -> Rule:
    return Rule(
        "REJECT",
        destination=destination,
        protocol=info.protocol,
        destination_port=destination_port,
        local_destination=local_destination,
        comment=f"{info.name} has no endpoints",
        options=f"--reject-with {_REFUSALS.get(info.protocol, 'icmp-port-unreachable')}",
    )


def _marking() -> list[Rule]:
    return [Rule("MARK", options=f"--set-xmark {MARK}/{MARK}")]


def _snat() -> list[Rule]:
    return [
        Rule("RETURN", not_marked=True),
        # Unmarked again, so that a packet that comes back through the stack is not masqueraded twice.
        Rule("MARK", options=f"--set-xmark {MARK}/0x0"),
        Rule("MASQUERADE", options="--random-fully"),
    ]


def _by_service(slices: Iterable[EndpointSlice]) -> dict[tuple[str, str], list[EndpointSlice]]:
    grouped: dict[tuple[str, str], list[EndpointSlice]] = {}
    for each in slices:
        name = each.metadata.labels.get(SERVICE_NAME_LABEL, "")
        if name and each.addressType == "IPv4":
            grouped.setdefault((each.metadata.namespace, name), []).append(each)
    return grouped
