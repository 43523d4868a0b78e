"""The only module that runs nft: it changes rules by scripts, and reads a table's rules back.

https://www.netfilter.org/projects/nftables/manpage.html
"""

from __future__ import annotations

from node.command import output

_PACKAGE = "nftables"


class Nft:
    """Applies scripts in nft's own language."""

    async def apply(self, script: str) -> None:
        """All of the script as one transaction: packets meet the rules from before or those from after, and when one
        line fails nothing has changed. Raises CommandError.
        """
        await output(["nft", "-f", "-"], script, package=_PACKAGE)

    async def listing(self, family: str, table: str) -> str:
        """The table as nft prints it, numbers as numbers. Raises CommandError, also when there is no such table."""
        return await output(["nft", "-n", "list", "table", family, table], package=_PACKAGE)
