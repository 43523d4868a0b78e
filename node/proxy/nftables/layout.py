"""The proxy's table: what is in it always, what is in it for all Services, and the scripts that bring it there. Pure.

A packet meets the same few rules however many Services there are:

    prerouting, output -> dispatch: by place, a verdict of the map `services`
        goto choose-<n>       Services with n endpoints: by chance goto pick-<i>, and from there to the i-th endpoint
        goto service-<id>     with affinity, or many endpoints
        goto external-<id>    external and load balancers' addresses; node ports are found in the map `node-ports`
    postrouting: masquerade what was marked on the way, and what a pod sends itself
    input, forward, output of new flows -> refuse: by place, a verdict of the map `refusals`

A map's element is the only thing that most Services have, so one is added or taken away for nearly nothing.
https://www.netfilter.org/projects/nftables/manpage.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from node.family import Family
from node.proxy.exposures import Delta
from node.proxy.frontends import Frontend
from node.proxy.nftables.frontend_parts import (
    FEW_ENDPOINTS,
    NODE_PORT_REFUSALS,
    NODE_PORTS,
    REFUSALS,
    REJECTING,
    SERVICES,
    ChainsOfRules,
    Elements,
    choosing,
    endpoints_map,
    parts_of,
)
from node.proxy.nftables.rule import NftRule
from node.proxy.node import ProxyNode

TABLE = "podlab"
DISPATCH, REFUSE, POSTROUTING = "dispatch", "refuse", "postrouting"
HAIRPIN = "own-endpoints"
AFFINITY = "affinity-"  # how sets begin that keep what they hold
ELEMENTS_AT_ONCE = 1000
_PORT = "inet_proto . inet_service"
_MANY = 65536

# base chain -> its type, hook and priority
HOOKS: Mapping[str, str] = {
    "prerouting": "type nat hook prerouting priority -100",
    "output": "type nat hook output priority -100",
    POSTROUTING: "type nat hook postrouting priority 100",
    "filter-input": "type filter hook input priority 0",
    "filter-forward": "type filter hook forward priority 0",
    "filter-output": "type filter hook output priority 0",
}


def maps(family: Family) -> Mapping[str, str]:
    """The type of each map."""
    place = f"{family.nft_address} . {_PORT}"
    return {
        SERVICES: f"{place} : verdict",
        NODE_PORTS: f"{_PORT} : verdict",
        REFUSALS: f"{place} : verdict",
        NODE_PORT_REFUSALS: f"{_PORT} : verdict",
        **{endpoints_map(index): f"{place} : {family.nft_address} . inet_service" for index in range(FEW_ENDPOINTS)},
    }


def fixed_chains(node: ProxyNode) -> ChainsOfRules:
    """The chains that do not depend on Services."""
    outsiders = [NftRule(not_source=node.cluster_cidr, marks=True)] if node.cluster_cidr else []
    indexes = range(FEW_ENDPOINTS)
    picks = {f"pick-{index}": [NftRule(dnat_by=endpoints_map(index))] for index in indexes}
    chooses = {
        choosing(count): [*outsiders, NftRule(one_of=tuple(f"pick-{index}" for index in range(count)))]
        for count in range(1, FEW_ENDPOINTS + 1)
    }
    dispatch, refuse = (NftRule(verdict=f"jump {chain}") for chain in (DISPATCH, REFUSE))
    refuse = NftRule(new_flow=True, verdict=refuse.verdict)
    return {
        **picks,
        **chooses,
        REJECTING: [
            NftRule(protocol="tcp", verdict="reject with tcp reset"),
            NftRule(verdict=f"reject with {node.family.icmp} type port-unreachable"),
        ],
        DISPATCH: [NftRule(look_up=SERVICES), _at_node_ports(node, NODE_PORTS)],
        REFUSE: [NftRule(look_up=REFUSALS), _at_node_ports(node, NODE_PORT_REFUSALS)],
        "prerouting": [dispatch],
        "output": [dispatch],
        POSTROUTING: [
            # A pod that reaches itself through its Service must see another source than its own.
            NftRule(translated=True, pair=HAIRPIN, verdict="masquerade fully-random"),
            NftRule(translated=True, marked=True, unmarks=True, verdict="masquerade fully-random"),
        ],
        "filter-input": [refuse],
        "filter-forward": [refuse],
        "filter-output": [refuse],
    }


def _at_node_ports(node: ProxyNode, name: str) -> NftRule:
    """Never the loopback: in this mode kube-proxy's node ports are not open there either."""
    ranges, loopback = node.node_port_addresses or tuple(sorted(node.addresses)), node.family.loopback
    if ranges:
        return NftRule(destinations=ranges, not_destination=loopback, local_destination=True, look_up_port=name)
    return NftRule(not_destination=loopback, local_destination=True, look_up_port=name)


def whole(frontends: Iterable[Frontend], own: Collection[str], node: ProxyNode, standing: Collection[str]) -> str:
    """The script that makes the table what it is to be. `standing` are chains and sets that it may have already.

    Sets of clients stay as they are. All else is written anew in one transaction, so that nothing is refused meanwhile.
    """
    parts = [parts_of(frontend, node.cluster_cidr) for frontend in frontends]
    chains = {**fixed_chains(node), **{name: rules for each in parts for name, rules in each.chains.items()}}
    affinity = {name: seconds for each in parts for name, seconds in each.affinity.items()}
    elements = {at: value for each in parts for at, value in each.elements.items()}
    family, script = node.family, _Script(node.family)
    known = {*chains, *affinity, *maps(family), HAIRPIN}
    unknown = [name for name in sorted(standing) if name not in known]
    lines = [f"add table {family.nft} {TABLE}", f"flush table {family.nft} {TABLE}"]
    for name, content in maps(family).items():
        lines += [script.do("add map", name, f"{{ type {content}; }}"), script.do("flush map", name)]
    pair = f"{{ type {family.nft_address} . {family.nft_address}; }}"
    lines += [script.do("add set", HAIRPIN, pair), script.do("flush set", HAIRPIN)]
    lines += [script.do("delete chain", name) for name in unknown if AFFINITY not in name]
    lines += [script.do("delete set", name) for name in unknown if AFFINITY in name]
    lines += script.new_sets(affinity)
    lines += [script.do("add chain", name, f"{{ {HOOKS[name]}; }}" if name in HOOKS else "") for name in chains]
    lines += script.rules(chains)
    lines += script.elements("add element", elements)
    lines += script.pairs("add element", own)
    return "\n".join(lines) + "\n"


def change(delta: Delta, node: ProxyNode) -> str:
    """The script that changes a table which is as it was to be; empty when nothing changes."""
    script = _Script(node.family)
    gone, new = ([parts_of(each, node.cluster_cidr) for each in part] for part in (delta.gone, delta.new))
    chains = {name: rules for each in new for name, rules in each.chains.items()}
    affinity = {name: seconds for each in new for name, seconds in each.affinity.items()}
    gone_chains = [name for each in gone for name in each.chains]
    kept_sets = [name for each in gone for name in each.affinity if name in affinity]
    lines = script.new_sets({name: seconds for name, seconds in affinity.items() if name not in kept_sets})
    lines += [script.do("add chain", name) for name in chains]
    lines += script.elements("delete element", {at: value for each in gone for at, value in each.elements.items()})
    lines += script.pairs("delete element", delta.gone_own)
    lines += [script.do("flush chain", name) for name in gone_chains]
    lines += script.rules(chains)
    lines += script.elements("add element", {at: value for each in new for at, value in each.elements.items()})
    lines += script.pairs("add element", delta.new_own)
    lines += [script.do("delete chain", name) for name in gone_chains if name not in chains]
    lines += [script.do("delete set", name) for each in gone for name in each.affinity if name not in affinity]
    return "\n".join(lines) + "\n" if lines else ""


@dataclass(frozen=True, slots=True)
class _Script:
    """The lines of a script for the table of one family."""

    family: Family

    def new_sets(self, affinity: Mapping[str, int]) -> list[str]:
        text = "{{ type {}; flags dynamic, timeout; timeout {}s; size {}; }}"
        return [
            self.do("add set", name, text.format(self.family.nft_address, seconds, _MANY))
            for name, seconds in affinity.items()
        ]

    def rules(self, chains: ChainsOfRules) -> list[str]:
        return [
            self.do("add rule", name, rule.counted(self.family)) for name, rules in chains.items() for rule in rules
        ]

    def elements(self, verb: str, elements: Elements) -> Iterator[str]:
        by_map: dict[str, list[str]] = {}
        for (name, key), value in elements.items():
            by_map.setdefault(name, []).append(f"{key} : {value}")
        for name, texts in by_map.items():
            yield from self._in_parts(verb, name, texts)

    def pairs(self, verb: str, own: Iterable[str]) -> Iterator[str]:
        yield from self._in_parts(verb, HAIRPIN, [f"{address} . {address}" for address in sorted(own)])

    def do(self, verb: str, name: str, more: str = "") -> str:
        return f"{verb} {self.family.nft} {TABLE} {name} {more}".rstrip()

    def _in_parts(self, verb: str, name: str, texts: Sequence[str]) -> Iterator[str]:
        for start in range(0, len(texts), ELEMENTS_AT_ONCE):
            yield self.do(verb, name, "{ " + ", ".join(texts[start : start + ELEMENTS_AT_ONCE]) + " }")
