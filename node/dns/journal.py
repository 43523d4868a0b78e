"""What the DNS server reads: names and their records as lines, and whom it is to ask about all else. Pure.

The server's side, with the same words: playbooks/roles/dns/files/kres_modules/podlab.lua.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from node.dns.record import TYPES, Record, data_to_wire, name_to_wire
from node.dns.upstream import ROOT, Upstreams

FIRST = "@ "
"""How the first line of a file of records begins; what follows tells the file from the one that it replaced."""


_LINE = re.compile(r"- (?:[0-9a-f]{2})+|\+ (?:[0-9a-f]{2})+(?: [0-9]+:(?:[0-9a-f]{2})+)*")


def line(name: str, records: Iterable[Record] | None) -> str:
    """The name has these records and no others; None: it does not exist. Raises BadName where DNS cannot hold it."""
    encoded = name_to_wire(name).hex()
    if records is None:
        return f"- {encoded}"
    parts = (f"{TYPES[record.type]}:{data_to_wire(record).hex()}" for record in sorted(records))
    return " ".join(("+", encoded, *parts))


class Damaged(Exception):
    """Something else than lines of ours is in a file of records; the message has the line's number."""


def replay(text: str) -> dict[str, str]:
    """The last line of each name that exists, by the name's digits. Raises Damaged."""
    first, *lines = text.split("\n")
    if not first.startswith(FIRST) or lines[-1:] != [""]:
        raise Damaged("the first line is none" if lines else "it has no line")
    last: dict[str, str] = {}
    for number, each in enumerate(lines[:-1], 2):
        if not _LINE.fullmatch(each):
            raise Damaged(f"line {number} is cut or none")
        sign, name, *_ = each.split(" ", 2)
        if sign == "+":
            last[name] = each
        else:
            last.pop(name, None)
    return last


def difference(present: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[str]:
    """The lines that make the wanted names of the present ones, both by digits."""
    for name in sorted(present.keys() - wanted.keys()):
        yield f"- {name}"
    for name, each in wanted.items():
        if present.get(name) != each:
            yield each


def config(zones: Iterable[str], authority: Record, pods: str, upstreams: Upstreams) -> str:
    """The server's configuration: zones that are ours alone, and who is asked about other names."""
    soa = data_to_wire(authority).hex()
    lines = [f"zone {_digits(zone)} {soa}" for zone in zones]
    lines.append(f"pods {_digits(pods)}")
    for domain, servers in sorted(upstreams.items()):
        if servers:
            lines.append(" ".join(("forward", _digits(domain), *servers)))
    return "".join(f"{each}\n" for each in lines)


def _digits(name: str) -> str:
    return "00" if name == ROOT else name_to_wire(name).hex()
