"""All chains of the proxy: a value, of which another is made when Services change. Pure.

How a packet travels (`*` stands for the chains of a tree, each named after what its entries have in common):

    PREROUTING, OUTPUT -> PODLAB-SVC -> PODLAB-SC-*  one of -> DNAT               the Services' own addresses
                              |             |-> PODLAB-SD-*  one of -> DNAT           the first half of their endpoints
                              |             `-> PODLAB-SVC-<id>  one of -> DNAT       with many endpoints, or affinity
                              `-> PODLAB-SX-* -> PODLAB-SEXT-<id>  one of -> DNAT   external, load balancers' addresses
                              `-> PODLAB-SNODEPORT -> PODLAB-SP-* -> PODLAB-SEXT-<id>  one of -> DNAT
    POSTROUTING -> PODLAB-SNAT: masquerade what was marked on the way, and (PODLAB-SH-*) what a pod sends itself
    INPUT, FORWARD, OUTPUT -> PODLAB-SREJECT -> PODLAB-SR-*, PODLAB-SQ-*: what was led nowhere is refused

With externalTrafficPolicy Local, PODLAB-SEXT leads pods and the node itself to PODLAB-SALL-<id> (all endpoints), and
others to endpoints of this node only. PODLAB-SFW-<id> lets clients of the load balancer's source ranges on.

Most Services have an even number of endpoints. A leaf chooses once, for all of these, between the two halves of their
endpoints: each packet meets half of the rules, and fewer of them have to choose, which costs time to write.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from node.family import IPV4, number_of
from node.iptables import Ruleset, Table
from node.proxy.exposures import Delta
from node.proxy.frontends import Frontend
from node.proxy.iptables import frontend_rules, tree
from node.proxy.iptables.frontend_rules import MARKING
from node.proxy.iptables.rule import MARK, Rule
from node.proxy.iptables.tree import Entry, Node, Space, place_key
from node.proxy.node import ProxyNode

PREFIX = "PODLAB-S"  # of all chains that only the proxy writes
DISPATCH = "PODLAB-SVC"
NODE_PORTS = "PODLAB-SNODEPORT"
SNAT = "PODLAB-SNAT"
REJECT = "PODLAB-SREJECT"
INSIDE, OUTSIDE, AT_NODE_PORTS, HAIRPIN = "PODLAB-SC", "PODLAB-SX", "PODLAB-SP", "PODLAB-SH"
FIRST_HALF = "PODLAB-SD"
REFUSED, REFUSED_NODE_PORTS = REFUSALS = "PODLAB-SR", "PODLAB-SQ"
MASQUERADE = Rule("MASQUERADE", options="--random-fully")
UNMARKING = Rule("MARK", options=f"--set-xmark 0x0/{MARK}")
FEW_OWN_ENDPOINTS = 8
"""A leaf of the hairpin's tree. There are as many as a node has pods, so more chains than elsewhere cost little."""

V = TypeVar("V")
# chain -> its rules; table -> chains
Chains = Mapping[str, Sequence[Rule]]
Tables = Mapping[str, Chains]
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


@dataclass(frozen=True)
class Layout:
    """`places` are trees by the beginning of their chains' names; `own` has the endpoints on this node."""

    node: ProxyNode
    places: Mapping[str, Node[Frontend] | None] = field(default_factory=dict)
    own: Node[str] | None = None

    @property
    def space(self) -> Space:
        return Space(self.node.family.bits)

    @property
    def own_space(self) -> Space:
        return Space(self.node.family.bits, FEW_OWN_ENDPOINTS)

    def changed(self, delta: Delta) -> Layout:
        """The layout after the change. What does not change is shared with this one."""
        gone, new, space = _by_tree(delta.gone), _by_tree(delta.new), self.space
        places = {
            name: tree.replace(
                space, self.places.get(name), [each.key for each in gone.get(name, ())], new.get(name, ())
            )
            for name in (INSIDE, OUTSIDE, AT_NODE_PORTS, REFUSED, REFUSED_NODE_PORTS)
        }
        own_new = [Entry(place_key(address), 1, address) for address in delta.new_own]
        own = tree.replace(self.own_space, self.own, [place_key(address) for address in delta.gone_own], own_new)
        return replace(self, places=places, own=own)

    def tables(self) -> Tables:
        """All chains."""
        return self.tables_of({name: tree.walk(root) for name, root in self.places.items()}, tree.walk(self.own))

    def tables_of(self, nodes: Mapping[str, Iterable[Node[Frontend]]], own: Iterable[Node[str]]) -> Tables:
        """The chains of these nodes of the trees, and the fixed ones."""
        nat: dict[str, Sequence[Rule]] = {
            DISPATCH: tuple(self._dispatch()),
            NODE_PORTS: tuple(self._lead(AT_NODE_PORTS)),
            SNAT: tuple(self._snat()),
        }
        refusing: dict[str, Sequence[Rule]] = {REJECT: tuple(self._refuse())}
        for name, found in nodes.items():
            for node in found:
                (refusing if name in REFUSALS else nat).update(self._chains(name, node))
        for each in own:
            nat[_chain_name(self.own_space, HAIRPIN, each)] = _hairpin(self.own_space, each)
        return {"nat": nat, "filter": refusing}

    def _chains(self, name: str, node: Node[Frontend]) -> Iterator[tuple[str, Sequence[Rule]]]:
        """The node's own chain, and those that only its entries lead to."""
        own = _chain_name(self.space, name, node)
        if node.children:
            yield own, [_to(self.space, name, child) for child in node.children]
        elif name in REFUSALS:
            yield own, [frontend_rules.refusing(entry.value, self.node.family) for entry in node.entries]
        else:
            made = [frontend_rules.leading_to_endpoints(entry.value, self.node.cluster_cidr) for entry in node.entries]
            front = [rule for each in made for rule in each.rules]
            first, second = ([rule for each in made for rule in each.halves[half]] for half in (0, 1))
            if first:
                chain = _chain_name(self.space, FIRST_HALF, node)
                front.append(Rule(chain, one_in=2, goto=True))
                yield chain, first
            yield own, [*front, *second]
            for each in made:
                yield from each.chains.items()

    def _dispatch(self) -> Iterator[Rule]:
        for lead in self._lead(INSIDE):
            yield from self._from_outside(MARKING, lead)
            yield lead
            yield from self._from_outside(UNMARKING, lead)  # it was for no Service
        yield from self._lead(OUTSIDE)
        yield from self._at_node_ports(Rule(NODE_PORTS, comment="node ports"))

    def _from_outside(self, rule: Rule, lead: Rule) -> Iterator[Rule]:
        """The rule for what does not come from pods, and may be for what `lead` leads to."""
        if self.node.cluster_cidr:
            # It must come back through this node, or the answer misses its way.
            yield replace(rule, not_source=self.node.cluster_cidr, destination=lead.destination)

    def _refuse(self) -> Iterator[Rule]:
        if self.node.localhost_node_ports:
            # With route_localnet other machines could reach what listens on the loopback alone.
            loopback = self.node.family.loopback
            yield Rule("DROP", not_source=loopback, destination=loopback, comment="not for other hosts")
        yield from self._lead(REFUSED)
        for rule in self._lead(REFUSED_NODE_PORTS):
            yield from self._at_node_ports(rule)

    def _at_node_ports(self, rule: Rule) -> Iterator[Rule]:
        """The rule for what is sent to those of the node's addresses at which node ports are open."""
        # The kernel does not let what is sent to the loopback leave it, unless it is told to (route_localnet).
        no_loopback = "" if self.node.localhost_node_ports else self.node.family.loopback
        local = replace(rule, not_destination=no_loopback, local_destination=True)
        ranges = self.node.node_port_addresses
        yield from (replace(local, not_destination="", destination=each) for each in ranges) if ranges else (local,)

    def _snat(self) -> Iterator[Rule]:
        if self.own is not None:
            # A pod that reaches itself through its Service must see another source than its own.
            to_own = _to(self.own_space, HAIRPIN, self.own)
            yield replace(to_own, source=to_own.destination, translated=True)
        yield Rule("RETURN", not_marked=True)
        # Unmarked again, so that a packet that comes back through the stack is not masqueraded twice.
        yield Rule("MARK", options=f"--set-xmark {MARK}/0x0")
        # Its place may have been marked without being a Service's.
        yield replace(MASQUERADE, translated=True)

    def _lead(self, name: str) -> Iterator[Rule]:
        """The rule that leads to the tree's root, if it has one."""
        root = self.places.get(name)
        if root is not None:
            yield _to(self.space, name, root)


def difference(old: Layout, new: Layout) -> tuple[Ruleset, Ruleset]:
    """What differs between two layouts, of which one was made from the other: the chains before, and those after."""
    pairs = {name: tree.unshared(old.places.get(name), root) for name, root in new.places.items()}
    gone, come = ({name: pair[side] for name, pair in pairs.items()} for side in (0, 1))
    own_gone, own_come = tree.unshared(old.own, new.own)
    return to_ruleset(old.tables_of(gone, own_gone)), to_ruleset(new.tables_of(come, own_come))


def to_ruleset(tables: Tables) -> Ruleset:
    """The chains as text, with the jumps that lead to them."""
    return {
        table: Table(
            {chain: tuple(map(str, rules)) for chain, rules in content.items()},
            tuple((built_in, str(rule)) for built_in, rule in JUMPS[table]),
        )
        for table, content in tables.items()
    }


def _by_tree(frontends: Iterable[Frontend]) -> dict[str, list[Entry[Frontend]]]:
    found: dict[str, list[Entry[Frontend]]] = {}
    for frontend in frontends:
        key = place_key(frontend.address, frontend.protocol, frontend.port)
        if frontend.reachable:
            name = INSIDE if frontend.inside else OUTSIDE if frontend.address else AT_NODE_PORTS
            found.setdefault(name, []).append(Entry(key, frontend_rules.count(frontend), frontend))
        if frontend.refusal:
            name = REFUSED if frontend.address else REFUSED_NODE_PORTS
            found.setdefault(name, []).append(Entry(key, 1, frontend))
    return found


def _hairpin(space: Space, node: Node[str]) -> Sequence[Rule]:
    if node.children:
        return [_to(space, HAIRPIN, child) for child in node.children]
    return [replace(MASQUERADE, source=entry.value, destination=entry.value) for entry in node.entries]


def _chain_name(space: Space, name: str, node: Node[V]) -> str:
    at, length = space.place_of(node), space.length(node)
    if space.address_bits > IPV4.bits:  # does not fit into the 28 characters of a name
        place = f"{at.address} {at.protocol} {at.port}"
        return f"{name}-{base64.b32encode(hashlib.sha256(place.encode()).digest()).decode()[:12]}/{length}"
    if at.protocol:
        return f"{name}-{number_of(at.address):X}-{at.protocol[0]}{at.port}/{length}"
    return f"{name}-{at.address}/{length}"


def _to(space: Space, name: str, node: Node[V]) -> Rule:
    """The rule that leads to a node: it tests what all entries below it have in common."""
    at = space.place_of(node)
    anywhere = not at.address_bits or name in (AT_NODE_PORTS, REFUSED_NODE_PORTS)
    return Rule(
        _chain_name(space, name, node),
        destination="" if anywhere else f"{at.address}/{at.address_bits}",
        protocol=at.protocol,
        destination_port=at.port,
        last_port=at.last_port,
    )
