"""The rules as nftables has them: a table of our own, and scripts that lead from one state of it to another. Pure.

    forward, priority -10: standing flows > a pod and itself > middles of no flow > egress-pods -> egress-ns-<namespace>
    forward, priority -9:  standing flows > a pod and itself > ingress-pods -> ingress-ns-<namespace>

A namespace's chain leads to that of each policy that selects the pod, and drops what none of them accepts. Accepted in
the first base chain, a packet goes on to the second, and then to other programs' rules. Groups of pods are sets of
addresses, which all rules share that ask for the same pods.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address

from node.network.cni import BRIDGE
from node.networkpolicy.compiled import CompiledPolicy, PodGroup, PolicyRule
from node.networkpolicy.table import PolicyTable

FAMILY, TABLE = "inet", "podlab-policy"
EGRESS_PRIORITY, INGRESS_PRIORITY = -10, -9
EGRESS_PODS, INGRESS_PODS, ISOLATED, SELVES = "egress-pods", "ingress-pods", "isolated", "selves"
_VERDICTS, _ADDRESSES = "map ipv4_addr : verdict", "set ipv4_addr"
_PAIRS, _PORTS = "set ipv4_addr . ipv4_addr", "set ipv4_addr . inet_service"
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
_SELF = f"ip saddr . ip daddr @{SELVES} accept"
# A connection that was cut must not come back by a packet from its middle, for which the kernel would make a new flow,
# maybe the other way round.
_MIDDLE = "tcp flags & (fin|syn|rst|ack) != syn"
_BASE = {
    "egress": (
        _KNOWN,
        # Pods have IPv4 addresses; by those of its link each would reach the others on its node all the same.
        f'meta nfproto ipv6 iifname "{BRIDGE}" oifname "{BRIDGE}" drop',
        _SELF,
        f"{_MIDDLE} ip saddr @{ISOLATED} drop",
        f"{_MIDDLE} ip daddr @{ISOLATED} drop",
        f"ip saddr vmap @{EGRESS_PODS}",
    ),
    "ingress": (_KNOWN, _SELF, f"ip daddr vmap @{INGRESS_PODS}"),
}


def render(table: PolicyTable) -> Ruleset:
    """All that stands in our table; nothing while no local pod is isolated."""
    if not table.isolated:
        return Ruleset()
    chains: dict[str, tuple[str, ...]] = dict(_BASE)
    for direction, side, found in (
        ("ingress", "daddr", table.ingress.policies),
        ("egress", "saddr", table.egress.policies),
    ):
        for namespace, policies in found.items():
            jumps = (f"ip {side} @{_group(each.selected)} jump {_chain(direction, each)}" for each in policies)
            chains[f"{direction}-ns-{namespace}"] = (*jumps, "drop")
            chains.update((_chain(direction, each), _policy(direction, each)) for each in policies)
    return Ruleset(chains, _collections(table))


def _collections(table: PolicyTable) -> dict[str, Collection]:
    found = {
        EGRESS_PODS: Collection(_VERDICTS, _dispatch("egress", table.egress.isolated)),
        INGRESS_PODS: Collection(_VERDICTS, _dispatch("ingress", table.ingress.isolated)),
        ISOLATED: Collection(_ADDRESSES, table.isolated),
        SELVES: Collection(_PAIRS, frozenset(f"{address} . {address}" for address in table.isolated)),
    }
    for group, members in table.groups.items():
        found[_group(group)] = Collection(_ADDRESSES, members, group.text[:_COMMENT_LENGTH])
    for (protocol, name), numbers in table.ports.items():
        elements = frozenset(f"{address} . {number}" for address, number in numbers)
        found[_named(protocol, name)] = Collection(_PORTS, elements)
    return found


def _dispatch(direction: str, isolated: Mapping[str, str]) -> frozenset[str]:
    return frozenset(f"{address} : jump {direction}-ns-{namespace}" for address, namespace in isolated.items())


@lru_cache(maxsize=_REMEMBERED)
def _policy(direction: str, policy: CompiledPolicy) -> tuple[str, ...]:
    rules = policy.ingress if direction == "ingress" else policy.egress
    return tuple(text for rule in rules or () for text in _rules(direction, rule))


def _rules(direction: str, rule: PolicyRule) -> Iterator[str]:
    peer = "ip saddr" if direction == "ingress" else "ip daddr"
    group = f"{peer} @{_group(rule.group)} " if rule.group is not None else ""
    for addresses in _addresses(peer, rule):
        for ports in _ports(rule):
            yield f"{group}{addresses}{ports}accept"


def _addresses(peer: str, rule: PolicyRule) -> list[str]:
    if rule.addresses is None:
        return [""]
    parts = [_text(str(IPv4Address(low)), str(IPv4Address(high))) for low, high in rule.addresses]
    return [f"{peer} {part} " for part in _alternatives(parts)]


def _ports(rule: PolicyRule) -> list[str]:
    if rule.port_name:
        return [f"ip daddr . {rule.protocol} dport @{_named(rule.protocol, rule.port_name)} "]
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
        yield from (_line("insert rule", name, rule) for rule in rules if rule not in before)
        return
    if before:
        yield _line("flush chain", name)
    yield from (_line("add rule", name, rule) for rule in rules)


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
