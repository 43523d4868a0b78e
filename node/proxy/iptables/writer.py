"""The backend of iptables: writes the chains that differ, and notices when another program has changed them."""

from __future__ import annotations

from node.iptables import Iptables, restore_input
from node.nftables import Nft
from node.proxy.backend import Wanted
from node.proxy.exposures import Delta
from node.proxy.iptables.fingerprint import UNKNOWN, Fingerprint, fingerprint_of
from node.proxy.iptables.layout import PREFIX, Layout, difference, to_ruleset
from node.proxy.nftables.writer import remove_table
from node.proxy.node import ProxyNode
from node.tracing.iptables_rules import wanted_tables


class IptablesBackend:
    """Implements Backend."""

    def __init__(self, node: ProxyNode, iptables: Iptables, nft: Nft) -> None:
        """`iptables` runs the commands of the node's family."""
        self.name = "iptables"
        self._layout = Layout(node)
        self._family = node.family
        self._nft = nft
        self._iptables = iptables
        self._in_force = False  # whether the kernel has the layout, as far as we know
        self._seen = UNKNOWN  # the fingerprint of the rules in force
        self._fingerprint: Fingerprint | None = None

    async def write(self, delta: Delta) -> str:
        before = self._layout
        self._layout = before.changed(delta)
        if not self._in_force:
            return await self._write_all()
        text = restore_input(*difference(before, self._layout))
        await self._restore(text, self._seen)
        return _summary(text)

    async def verify(self) -> str:
        if self._in_force and self._seen == await (await self._marks()).now() != UNKNOWN:
            return ""
        return await self._write_all()

    async def clean_up_others(self) -> list[str]:
        others = await self._iptables.clean_up_others(PREFIX)
        return [*others, "nftables"] if await remove_table(self._nft, self._family) else others

    def wanted(self) -> Wanted:
        layout = self._layout
        return lambda: wanted_tables(to_ruleset(layout.tables()), layout.node.family.nft)

    async def _write_all(self) -> str:
        """Compares everything with what stands. Rules of an earlier release give way in the same transaction."""
        seen = await (await self._marks()).now()
        text = restore_input(await self._iptables.read(PREFIX), to_ruleset(self._layout.tables()))
        await self._restore(text, seen)
        return _summary(text)

    async def _restore(self, text: str, seen: str) -> None:
        self._in_force, self._seen = False, (await self._marks()).after(seen, text)
        await self._iptables.restore(text)
        self._in_force = True

    async def _marks(self) -> Fingerprint:
        if self._fingerprint is None:
            self._fingerprint = await fingerprint_of(self._iptables, self._nft, self._family, PREFIX)
        return self._fingerprint


def _summary(restored: str) -> str:
    counts = [restored.count(f"\n{word}") for word in (":", "-A ", "-X ")]  # no text begins with one of these
    return "{} chains with {} rules, {} chains removed".format(*counts) if restored else ""
