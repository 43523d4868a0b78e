"""The backend of nftables: writes the elements that differ, and notices when another program has changed rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial

from node.command import NotInstalled
from node.family import Family
from node.iptables import clean_up_everywhere
from node.nftables import Nft
from node.proxy.backend import Wanted
from node.proxy.exposures import Delta
from node.proxy.frontends import Frontend, Place
from node.proxy.generation import OwnGeneration
from node.proxy.nftables.layout import TABLE, change, whole
from node.proxy.nftables.wanted import table_of
from node.proxy.node import ProxyNode
from node.tracing.tables import Table

UNKNOWN = -1
OTHERS_PREFIX = "PODLAB-S"  # of the proxy's chains in tables of iptables


class NftablesBackend:
    """Implements Backend."""

    def __init__(self, node: ProxyNode, nft: Nft, generation: OwnGeneration) -> None:
        """`generation` counts the changes of TABLE."""
        self.name = "nftables"
        self._node = node
        self._nft = nft
        self._generation = generation
        self._frontends: dict[Place, Frontend] = {}
        self._own: set[str] = set()
        self._in_force = False  # whether the kernel has them, as far as we know
        self._seen = UNKNOWN  # how often rules had changed when ours were last as they are to be

    async def write(self, delta: Delta) -> str:
        self._take(delta)
        if not self._in_force:
            return await self._write_all()
        script = change(delta, self._node)
        if script:
            await self._apply(script, self._seen)
        return f"{len(delta.new)} places, {len(delta.gone)} removed" if script else ""

    async def verify(self) -> str:
        if self._in_force and self._seen == await self._generation.now():
            return ""
        return await self._write_all()

    async def clean_up_others(self) -> list[str]:
        return await clean_up_everywhere(OTHERS_PREFIX, (self._node.family,))

    def wanted(self) -> Wanted:
        return partial(_tables, tuple(self._frontends.values()), frozenset(self._own), self._node)

    def _take(self, delta: Delta) -> None:
        for gone in delta.gone:
            self._frontends.pop(gone.place, None)
        self._frontends |= {new.place: new for new in delta.new}
        self._own = (self._own - delta.gone_own) | delta.new_own

    async def _write_all(self) -> str:
        seen = await self._generation.now()
        standing = await self._nft.names(self._node.family.nft, TABLE)
        await self._apply(whole(self._frontends.values(), self._own, self._node, standing), seen)
        return f"all {len(self._frontends)} places"

    async def _apply(self, script: str, seen: int) -> None:
        self._in_force = False
        await self._nft.apply(script)
        self._in_force = True
        # Our own transaction counts for one; if it counts for more, somebody else's rules came in between.
        now = await self._generation.now()
        self._seen = now if now == seen + 1 else UNKNOWN


def _tables(frontends: Iterable[Frontend], own: Collection[str], node: ProxyNode) -> list[Table]:
    return [table_of(frontends, own, node)]


async def remove_table(nft: Nft, family: Family) -> bool:
    """Removes our table of that family; True when there was one. Raises CommandError."""
    try:
        standing = await nft.names(family.nft, TABLE)
    except NotInstalled:
        return False
    if standing:
        await nft.apply(f"delete table {family.nft} {TABLE}\n")
    return bool(standing)
