"""The rules as nftables has them: a table of our own, and scripts that lead from one state of it to another. Pure.

    forward, priority -10: standing flows > a pod and itself > middles of no flow > egress-pods -> egress-ns-<namespace>
    forward, priority -9:  standing flows > a pod and itself > ingress-pods -> ingress-ns-<namespace>

A namespace's chain leads to that of each policy that selects the pod, and drops what none of them accepts. Accepted in
the first base chain, a packet goes on to the second, and then to other programs' rules. Groups of pods are sets of
addresses, which all rules share that ask for the same pods.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address

from node.network.cni import BRIDGE
from node.networkpolicy.compiled import CompiledPolicy, PodGroup, PolicyRule
from node.networkpolicy.intervals import Ranges
from node.networkpolicy.table import PolicyTable

FAMILY, TABLE = "inet", "podlab-policy"
EGRESS_PRIORITY, INGRESS_PRIORITY = -10, -9
EGRESS_PODS, INGRESS_PODS, ISOLATED, SELVES = "egress-pods", "ingress-pods", "isolated", "selves"
_VERDICTS, _ADDRESSES = "map ipv4_addr : verdict", "set ipv4_addr"
_PAIRS, _PORTS = "set ipv4_addr . ipv4_addr", "set ipv4_addr . inet_service"
_NAME_LENGTH, _COMMENT_LENGTH = 100, 120


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
            for policy in policies:
                rules = policy.ingress if direction == "ingress" else policy.egress
                chains[_chain(direction, policy)] = tuple(_rule(direction, rule) for rule in rules or ())
    return Ruleset(chains, _collections(table))


def _collections(table: PolicyTable) -> dict[str, Collection]:
    found = {
        EGRESS_PODS: Collection(_VERDICTS, _dispatch("egress", table.egress.isolated)),
        INGRESS_PODS: Collection(_VERDICTS, _dispatch("ingress", table.ingress.isolated)),
        ISOLATED: Collection(_ADDRESSES, table.isolated),
        SELVES: Collection(_PAIRS, frozenset(f"{address} . {address}" for address in table.isolated)),
    }
    for group, members in table.groups.items():
        found[_group(group)] = Collection(_ADDRESSES, members, str(group)[:_COMMENT_LENGTH])
    for (protocol, name), numbers in table.ports.items():
        elements = frozenset(f"{address} . {number}" for address, number in numbers)
        found[_named(protocol, name)] = Collection(_PORTS, elements)
    return found


def _dispatch(direction: str, isolated: Mapping[str, str]) -> frozenset[str]:
    return frozenset(f"{address} : jump {direction}-ns-{namespace}" for address, namespace in isolated.items())


def _rule(direction: str, rule: PolicyRule) -> str:
    peer = "ip saddr" if direction == "ingress" else "ip daddr"
    words = []
    if rule.group is not None:
        words.append(f"{peer} @{_group(rule.group)}")
    if rule.addresses is not None:
        words.append(f"{peer} {_ranges(rule.addresses, lambda number: str(IPv4Address(number)))}")
    if rule.port_name:
        words.append(f"ip daddr . {rule.protocol} dport @{_named(rule.protocol, rule.port_name)}")
    elif rule.ports:
        words.append(f"{rule.protocol} dport {_ranges(rule.ports, str)}")
    elif rule.protocol:
        words.append(f"meta l4proto {rule.protocol}")
    return " ".join([*words, "accept"])


def _ranges(ranges: Ranges, text: Callable[[int], str]) -> str:
    parts = [text(low) if low == high else f"{text(low)}-{text(high)}" for low, high in ranges]
    return f"{{ {', '.join(parts)} }}"


def _chain(direction: str, policy: CompiledPolicy) -> str:
    return _identifier(direction, f"{policy.namespace}/{policy.name}")


def _group(group: PodGroup) -> str:
    return f"pods-{_digest(str(group))}"


def _named(protocol: str, name: str) -> str:
    return f"ports-{protocol}-{name}"


def _identifier(kind: str, name: str) -> str:
    """Readable, and of its own also where a long name is cut."""
    return f"{kind}-{_digest(name)}-{name}"[:_NAME_LENGTH]


@lru_cache(maxsize=16384)
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
        before = present.chains.get(name, ())
        if before != rules:
            if before:
                yield _line("flush chain", name)
            yield from (_line("add rule", name, rule) for rule in rules)
    yield from (_line("delete chain", name) for name in gone_chains)
    for name, gone in present.collections.items():
        if name not in wanted.collections:
            yield _line(f"delete {_object(gone)}", name)


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
