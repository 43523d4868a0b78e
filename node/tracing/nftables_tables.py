"""Reads tables as nft lists them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from node.tracing.nftables_rules import elements_of
from node.tracing.tables import NFTABLES, Chain, Hook, Line, Table

# Names that nft prints for priorities, in the family ip and inet. linux/netfilter_ipv4.h
_NAMED = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}
_HOOK = re.compile(r"type (\w+) hook (\w+) (?:device \S+ )?priority ([^;]+);(?: policy (\w+);)?")
_COUNTER = re.compile(r"counter packets (\d+) bytes (\d+) ?")
_ELEMENTS = "elements = {"


def tables_of(listing: str) -> list[Table]:
    """All tables of the listing."""
    lines = iter(listing.splitlines())
    return [_table(line, lines) for line in lines if line.startswith("table ")]


def _table(heading: str, lines: Iterator[str]) -> Table:
    _, family, name, _ = heading.split(" ", 3)
    chains: dict[str, Chain] = {}
    maps: dict[str, dict[str, str]] = {}
    for line in lines:
        if line == "}":
            break
        kind, _, rest = line.strip().partition(" ")
        block = rest.removesuffix("{").strip()
        if kind == "chain":
            chains[block] = _chain(_block(lines))
        elif kind in ("map", "set"):
            maps[block] = _elements(_block(lines))
    return Table(NFTABLES, family, name, chains, maps)


def _block(lines: Iterator[str]) -> list[str]:
    found: list[str] = []
    for line in lines:
        if line == "\t}":
            return found
        found.append(line.strip())
    return found


def _chain(lines: Iterable[str]) -> Chain:
    hook: Hook | None = None
    rules: list[Line] = []
    for line in lines:
        if found := _HOOK.match(line):
            hook = Hook(found[2], found[1], _priority(found[3]), found[4] or "accept")
        elif line:
            rules.append(_line(line))
    return Chain(tuple(rules), hook)


def _line(text: str) -> Line:
    counted = _COUNTER.search(text)
    if counted is None:
        return Line(text)
    return Line(_COUNTER.sub("", text).strip(), int(counted[1]), int(counted[2]))


def _priority(text: str) -> int:
    """`-100`, `filter`, `filter - 10`"""
    name, *offset = text.split()
    base = _NAMED[name] if name in _NAMED else int(name)
    return base + int("".join(offset)) if offset else base


def _elements(lines: list[str]) -> dict[str, str]:
    text = " ".join(lines)
    at = text.find(_ELEMENTS)
    return dict(elements_of(text[at + len(_ELEMENTS) - 1 :])) if at >= 0 else {}
