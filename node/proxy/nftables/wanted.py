"""The table as it is to be, for those who follow packets through it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from node.proxy.frontends import Frontend
from node.proxy.nftables.frontend_parts import parts_of
from node.proxy.nftables.layout import HAIRPIN, HOOKS, TABLE, fixed_chains, maps
from node.proxy.node import ProxyNode
from node.tracing.tables import NFTABLES, Chain, Hook, Line, Table

_HOOK = re.compile(r"type (\w+) hook (\w+) priority (-?\d+)")


def table_of(frontends: Iterable[Frontend], own: Collection[str], node: ProxyNode) -> Table:
    """The table of these places."""
    parts = [parts_of(frontend, node.cluster_cidr) for frontend in frontends]
    rules = {**fixed_chains(node), **{name: rules for each in parts for name, rules in each.chains.items()}}
    filled: dict[str, dict[str, str]] = {name: {} for name in maps(node.family)}
    filled[HAIRPIN] = {f"{address} . {address}": "" for address in own}
    for each in parts:
        for (name, key), value in each.elements.items():
            filled[name][key] = value
    chains = {
        name: Chain(tuple(Line(rule.text(node.family)) for rule in found), _hook(name)) for name, found in rules.items()
    }
    return Table(NFTABLES, node.family.nft, TABLE, chains, filled)


def _hook(chain: str) -> Hook | None:
    found = _HOOK.match(HOOKS.get(chain, ""))
    return Hook(found[2], found[1], int(found[3])) if found else None
