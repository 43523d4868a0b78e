"""The rules as nftables has them: a table of our own, and scripts that lead from one state of it to another. Pure.

    forward, priority -10: standing flows > a pod and itself > middles of no flow > egress-pods -> egress-ns-<namespace>
    forward, priority -9:  standing flows > a pod and itself > ingress-pods -> ingress-ns-<namespace>

A namespace's chain leads to that of each policy that selects the pod, and drops what none of them accepts. Accepted in
the first base chain, a packet goes on to the second, and then to other programs' rules. Groups of pods are sets of
addresses, which all rules share that ask for the same pods.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from node.family import IPV4, IPV6, Family, family_of
from node.network.cni import BRIDGE
from node.networkpolicy.compiled import CompiledPolicy, PodGroup, PolicyRule
from node.networkpolicy.table import PolicyTable

FAMILY, TABLE = "inet", "podlab-policy"
EGRESS_PRIORITY, INGRESS_PRIORITY = -10, -9
EGRESS_PODS, INGRESS_PODS, ISOLATED, SELVES = "egress-pods", "ingress-pods", "isolated", "selves"
_NAME_LENGTH, _COMMENT_LENGTH = 100, 120
_RANGES_AS_RULES = 8
_REMEMBERED = 8192  # texts, in case the policies are the same next time


@dataclass(frozen=True)
class Collection:
    """A set or map of nftables: what it is a set of, and its elements as text."""

    kind: str
    elements: frozenset[str]
    comment: str = ""


@dataclass(frozen=True)
class Ruleset:
    """All of our table: chains of rules (the base chains' hooks are among `HOOKS`), and sets and maps."""

    chains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    collections: Mapping[str, Collection] = field(default_factory=dict)


HOOKS = {
    "egress": f"{{ type filter hook forward priority {EGRESS_PRIORITY}; policy accept; }}",
    "ingress": f"{{ type filter hook forward priority {INGRESS_PRIORITY}; policy accept; }}",
}
_KNOWN = "ct state established,related accept"
# A connection that was cut must not come back by a packet from its middle, for which the kernel would make a new flow,
# maybe the other way round.
_NFPROTO = {IPV4.name: "meta nfproto ipv4 ", IPV6.name: "meta nfproto ipv6 "}
_MIDDLE = "tcp flags & (fin|syn|rst|ack) != syn"
_DECISION = re.compile(r"(?:accept|drop|jump \S+)$")
_BRIDGED = f'iifname "{BRIDGE}" oifname "{BRIDGE}"'


def _base(families: Sequence[Family]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The base chains, for pods that have addresses of these families."""
    # By the addresses of its link each pod would reach the others on its node all the same.
    links: tuple[str, ...]
    if IPV6 in families:
        links = (
            "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept",
            f"ip6 saddr fe80::/10 {_BRIDGED} drop",
            f"ip6 daddr fe80::/10 {_BRIDGED} drop",
        )
    else:
        links = (f"meta nfproto ipv6 {_BRIDGED} drop",)
    selves = tuple(f"{each.nft} saddr . {each.nft} daddr @{_of(each, SELVES)} accept" for each in families)
    middles = (
        f"{_MIDDLE} {each.nft} {side} @{_of(each, ISOLATED)} drop" for each in families for side in ("saddr", "daddr")
    )
    leaving = (f"{each.nft} saddr vmap @{_of(each, EGRESS_PODS)}" for each in families)
    entering = (f"{each.nft} daddr vmap @{_of(each, INGRESS_PODS)}" for each in families)
    yield "egress", (_KNOWN, *links, *selves, *middles, *leaving)
    yield "ingress", (_KNOWN, *(links[:1] if IPV6 in families else ()), *selves, *entering)


def _of(family: Family, name: str) -> str:
    """A set or map, each of which is of one family."""
    return name if family is IPV4 else f"{name}-{family.nft}"


def render(table: PolicyTable) -> Ruleset:
    """All that stands in our table; nothing while no local pod is isolated."""
    if not table.isolated:
        return Ruleset()
    families = families_of(table)
    chains = dict(_base(families))
    for direction, side, found in (
        ("ingress", "daddr", table.ingress.policies),
        ("egress", "saddr", table.egress.policies),
    ):
        for namespace, policies in found.items():
            jumps = (
                f"{family.nft} {side} @{_of(family, _group(each.selected))} jump {_chain(direction, each)}"
                for each in policies
                for family in families
            )
            chains[f"{direction}-ns-{namespace}"] = (*jumps, "drop")
            chains.update((_chain(direction, each), _policy(direction, each, families)) for each in policies)
    collections = {name: each for family in families for name, each in _collections(table, family, len(families) == 1)}
    return Ruleset(chains, collections)


def families_of(table: PolicyTable) -> tuple[Family, ...]:
    """Those of which local pods that are isolated have addresses; of IPv4 there are rules always."""
    return (IPV4, IPV6) if any(":" in address for address in table.isolated) else (IPV4,)


def _collections(table: PolicyTable, family: Family, alone: bool) -> Iterator[tuple[str, Collection]]:
    """`alone`: all addresses of local pods are of that family."""

    def own(addresses: frozenset[str]) -> frozenset[str]:
        # Where nobody has an address of IPv6 nothing is copied: that it is the same object spares a comparison.
        if alone and not any(":" in address for address in addresses):
            return addresses
        return frozenset(address for address in addresses if family_of(address) is family)

    address, isolated = family.nft_address, own(table.isolated)
    verdicts = f"map {address} : verdict"
    yield _of(family, EGRESS_PODS), Collection(verdicts, _dispatch("egress", table.egress.isolated, isolated))
    yield _of(family, INGRESS_PODS), Collection(verdicts, _dispatch("ingress", table.ingress.isolated, isolated))
    yield _of(family, ISOLATED), Collection(f"set {address}", isolated)
    pairs = frozenset(f"{each} . {each}" for each in isolated)
    yield _of(family, SELVES), Collection(f"set {address} . {address}", pairs)
    for group, members in table.groups.items():
        yield _of(family, _group(group)), Collection(f"set {address}", own(members), group.text[:_COMMENT_LENGTH])
    for (protocol, name), numbers in table.ports.items():
        elements = frozenset(f"{each} . {number}" for each, number in numbers if family_of(each) is family)
        yield _of(family, _named(protocol, name)), Collection(f"set {address} . inet_service", elements)


def _dispatch(direction: str, namespaces: Mapping[str, str], isolated: frozenset[str]) -> frozenset[str]:
    found = ((address, namespace) for address, namespace in namespaces.items() if address in isolated)
    return frozenset(f"{address} : jump {direction}-ns-{namespace}" for address, namespace in found)


@lru_cache(maxsize=_REMEMBERED)
def _policy(direction: str, policy: CompiledPolicy, families: tuple[Family, ...]) -> tuple[str, ...]:
    rules = policy.ingress if direction == "ingress" else policy.egress
    found = (_in_families(direction, rule, families) for rule in rules or ())
    return tuple(text for texts in found for text in texts)


def _in_families(direction: str, rule: PolicyRule, families: tuple[Family, ...]) -> Iterator[str]:
    """A rule that names no address is one for all families."""
    if rule.group is None and not rule.family and not rule.port_name:
        yield from _rules(direction, rule, families[0])
        return
    for family in families:
        if rule.family in ("", family.name):
            # All addresses of a family. Where pods have one alone nothing else comes here.
            whole = rule.family and rule.addresses is None and len(families) > 1
            yield from (f"{_NFPROTO[family.name] if whole else ''}{text}" for text in _rules(direction, rule, family))


def _rules(direction: str, rule: PolicyRule, family: Family) -> Iterator[str]:
    peer = f"{family.nft} {'saddr' if direction == 'ingress' else 'daddr'}"
    group = f"{peer} @{_of(family, _group(rule.group))} " if rule.group is not None else ""
    for addresses in _addresses(peer, rule):
        for ports in _ports(rule, family):
            yield f"{group}{addresses}{ports}accept"


def _addresses(peer: str, rule: PolicyRule) -> list[str]:
    if rule.addresses is None:
        return [""]
    address = IPv4Address if rule.family == IPV4.name else IPv6Address
    parts = [_text(str(address(low)), str(address(high))) for low, high in rule.addresses]
    return [f"{peer} {part} " for part in _alternatives(parts)]


def _ports(rule: PolicyRule, family: Family) -> list[str]:
    if rule.port_name:
        named = _of(family, _named(rule.protocol, rule.port_name))
        return [f"{family.nft} daddr . {rule.protocol} dport @{named} "]
    if not rule.ports:
        return [f"meta l4proto {rule.protocol} " if rule.protocol else ""]
    single = [str(low) for low, high in rule.ports if low == high]
    ranges = [_text(str(low), str(high)) for low, high in rule.ports if low != high]
    parts = [*([_set(single) if len(single) > 1 else single[0]] if single else []), *_alternatives(ranges)]
    return [f"{rule.protocol} dport {part} " for part in parts]


def _alternatives(ranges: list[str]) -> list[str]:
    """A rule for each, while they are few: nft reads all sets of ranges back before it adds an element to any set."""
    return ranges if len(ranges) <= _RANGES_AS_RULES else [_set(ranges)]


def _set(parts: list[str]) -> str:
    return f"{{ {', '.join(parts)} }}"


def _text(low: str, high: str) -> str:
    return low if low == high else f"{low}-{high}"


def _chain(direction: str, policy: CompiledPolicy) -> str:
    return _identifier(direction, f"{policy.namespace}/{policy.name}")


def _group(group: PodGroup) -> str:
    return f"pods-{_digest(group.text)}"


def _named(protocol: str, name: str) -> str:
    return f"ports-{protocol}-{name}"


def _identifier(kind: str, name: str) -> str:
    """Readable, and of its own also where a long name is cut."""
    return f"{kind}-{_digest(name)}-{name}"[:_NAME_LENGTH]


@lru_cache(maxsize=_REMEMBERED)
def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def replacement(wanted: Ruleset) -> str:
    """The script that puts our table there whole, whatever is there now."""
    lines = [f"add table {FAMILY} {TABLE}", f"delete table {FAMILY} {TABLE}"]
    if wanted.chains:
        lines += [f"add table {FAMILY} {TABLE}", *_changes(Ruleset(), wanted)]
    return "\n".join(lines) + "\n"


def difference(present: Ruleset, wanted: Ruleset) -> str:
    """The script that changes our table from one state to another; empty when they are the same."""
    if present == wanted:
        return ""
    if not present.chains or not wanted.chains:
        return replacement(wanted)
    return "\n".join(_changes(present, wanted)) + "\n"


def _changes(present: Ruleset, wanted: Ruleset) -> Iterator[str]:
    """In an order in which all that is named is there."""
    new_chains = [name for name in wanted.chains if name not in present.chains]
    gone_chains = [name for name in present.chains if name not in wanted.chains]
    yield from (_line("add chain", name, HOOKS.get(name, "")) for name in new_chains)
    yield from _new_collections(present, wanted)
    yield from _elements(present, wanted, "delete")
    yield from _elements(present, wanted, "add")
    yield from (_line("flush chain", name) for name in gone_chains)
    for name, rules in wanted.chains.items():
        yield from _rule_changes(name, present.chains.get(name, ()), rules)
    yield from (_line("delete chain", name) for name in gone_chains)
    for name, gone in present.collections.items():
        if name not in wanted.collections:
            yield _line(f"delete {_object(gone)}", name)


def _rule_changes(name: str, before: tuple[str, ...], rules: tuple[str, ...]) -> Iterator[str]:
    """Rules that are only new go in front: but for the last, whose place that is not, their order says nothing."""
    if before == rules:
        return
    if before and set(before) <= set(rules) and before[-1] == rules[-1]:
        yield from (_line("insert rule", name, _counted(rule)) for rule in rules if rule not in before)
        return
    if before:
        yield _line("flush chain", name)
    yield from (_line("add rule", name, _counted(rule)) for rule in rules)


def _counted(rule: str) -> str:
    """The rule with a counter of the packets that it has decided about, which `trace` shows."""
    return _DECISION.sub(r"counter \g<0>", rule)


def _new_collections(present: Ruleset, wanted: Ruleset) -> Iterator[str]:
    for name, each in wanted.collections.items():
        if name not in present.collections:
            words, _, kind = each.kind.partition(" ")
            comment = f' comment "{each.comment}";' if each.comment else ""
            yield _line(f"add {words}", name, f"{{ type {kind};{comment} }}")


def _elements(present: Ruleset, wanted: Ruleset, verb: str) -> Iterator[str]:
    """Those to delete go first: in a map an address that leads elsewhere now is both."""
    for name, each in wanted.collections.items():
        before = present.collections[name].elements if name in present.collections else frozenset()
        if before is each.elements:
            continue
        changed = each.elements - before if verb == "add" else before - each.elements
        if changed:
            yield _line(f"{verb} element", name, f"{{ {', '.join(sorted(changed))} }}")


def _object(collection: Collection) -> str:
    return collection.kind.partition(" ")[0]


def _line(command: str, name: str, rest: str = "") -> str:
    return f"{command} {FAMILY} {TABLE} {name} {rest}".rstrip()
