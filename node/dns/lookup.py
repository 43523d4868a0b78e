"""Which names a program's resolver asks for, one after another, and when it has its answer. Pure.

resolv.conf(5): `search` and `ndots`. As glibc does it, with one type of records.
"""

from __future__ import annotations

from collections.abc import Sequence

_NDOTS = 1


def candidates(name: str, searches: Sequence[str], options: Sequence[str]) -> list[str]:
    """The questions in order, without dots at their ends. A name that ends with one is asked for as it is."""
    if name.endswith("."):
        return [name.rstrip(".")]
    extended = [f"{name}.{search.rstrip('.')}" if search != "." else name for search in searches]
    as_it_is = [name]
    wanted = [*as_it_is, *extended] if name.count(".") >= ndots(options) else [*extended, *as_it_is]
    return list(dict.fromkeys(wanted))


def ndots(options: Sequence[str]) -> int:
    """So many dots make a name one that is asked for as it is, before the search path."""
    said = [option.partition(":")[2] for option in options if option.startswith("ndots:")]
    return int(said[-1]) if said and said[-1].isdecimal() else _NDOTS
