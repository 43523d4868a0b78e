"""The table of policies as it is to be, for those who follow packets through it. Pure."""

from __future__ import annotations

import re

from node.networkpolicy.script import FAMILY, HOOKS, TABLE, Ruleset
from node.tracing.tables import NFTABLES, Chain, Hook, Line, Table

_HOOK = re.compile(r"\{ type (\w+) hook (\w+) priority (-?\d+)")


def table_of(rules: Ruleset) -> Table:
    """All of our table as a value that packets can be followed through."""
    chains = {name: Chain(tuple(map(Line, texts)), _hook(name)) for name, texts in rules.chains.items()}
    maps = {name: dict(map(_element, each.elements)) for name, each in rules.collections.items()}
    return Table(NFTABLES, FAMILY, TABLE, chains, maps)


def _element(text: str) -> tuple[str, str]:
    key, _, value = text.partition(" : ")
    return key, value


def _hook(chain: str) -> Hook | None:
    found = _HOOK.match(HOOKS.get(chain, ""))
    return Hook(found[2], found[1], int(found[3])) if found else None
