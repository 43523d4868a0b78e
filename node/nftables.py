"""The only module that runs nft: it changes rules by scripts, and reads a table's rules back.

https://www.netfilter.org/projects/nftables/manpage.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from node.command import output
from node.netfilter import ACK, REQUEST, NetfilterSocket, attributes

_PACKAGE = "nftables"
# linux/netfilter/nf_tables.h
_GENERATION, _GET_GENERATION = 0xA0F, 0xA10
_GENERATION_ID = 1


class Nft:
    """Applies scripts in nft's own language."""

    async def apply(self, script: str) -> None:
        """All of the script as one transaction: packets meet the rules from before or those from after, and when one
        line fails nothing has changed. Raises CommandError.
        """
        await output(["nft", "-f", "-"], script, package=_PACKAGE)

    async def listing(self, family: str, table: str) -> str:
        """The table without what its counters say, numbers as numbers. Raises CommandError, also when there is none."""
        return await output(["nft", "-s", "-n", "list", "table", family, table], package=_PACKAGE)

    async def words(self, family: str, table: str) -> str:
        """The table in nft's own words, as rules are written. Raises CommandError, also when there is none."""
        return await output(["nft", "list", "table", family, table], package=_PACKAGE)

    async def tables(self) -> list[tuple[str, str]]:
        """Family and name of each. Raises CommandError."""
        listed = await output(["nft", "list", "tables"], package=_PACKAGE)
        return [(words[1], words[2]) for words in map(str.split, listed.splitlines()) if words[:1] == ["table"]]

    async def names(self, family: str, table: str) -> set[str]:
        """Of the chains and sets that the table has; none when there is no such table. Raises CommandError."""
        listed = [
            await output(["nft", *words, family], package=_PACKAGE)
            for words in (("list", "chains"), ("-t", "list", "sets"))
        ]
        return set(_names("\n".join(listed).splitlines(), f"table {family} {table} {{"))

    async def generation(self) -> int:
        """A number that each change of any rule of nftables raises, iptables-nft's included. Raises OSError."""
        return await asyncio.to_thread(_generation)


def _names(lines: Iterable[str], heading: str) -> Iterator[str]:
    within = False
    for line in lines:
        words = line.split()
        if words[:1] == ["table"]:
            within = line == heading
        elif within and words[:1] in (["chain"], ["set"]):
            yield words[1]


def _generation() -> int:
    with NetfilterSocket() as kernel:
        answers = list(kernel.ask(_GET_GENERATION, REQUEST | ACK, 0))
    (found,) = (attributes(content) for kind, content in answers if kind == _GENERATION)
    return int.from_bytes(found[_GENERATION_ID])
