"""What the kernel's rules are known by, so that it is noticed for little when another program changes them."""

from __future__ import annotations

import hashlib
from typing import Protocol

from node.family import Family
from node.iptables import Iptables
from node.nftables import Nft
from node.proxy.generation import OwnGeneration

UNKNOWN = ""
TABLES = ("filter", "nat")


class Fingerprint(Protocol):
    """Two that are equal and not UNKNOWN mean that none of our rules was changed in between."""

    async def now(self) -> str:
        """Raises CommandError."""

    def after(self, before: str, restored: str) -> str:
        """What it will be once iptables-restore has been given the text, if nobody else writes; or UNKNOWN."""


class GenerationFingerprint:
    """Of iptables-nft: the kernel counts the changes. It costs nothing, and changes with all rules in the tables."""

    def __init__(self, nft: Nft, family: Family) -> None:
        self._generation = OwnGeneration(nft, TABLES, family)

    async def now(self) -> str:
        return str(await self._generation.now())

    def after(self, before: str, restored: str) -> str:
        # Each table is a transaction.
        return str(int(before) + restored.count("\nCOMMIT\n")) if before else UNKNOWN


class TextFingerprint:
    """Of legacy iptables, which counts nothing: a digest of our rules."""

    def __init__(self, iptables: Iptables, prefix: str) -> None:
        self._iptables = iptables
        self._prefix = prefix

    async def now(self) -> str:
        lines = (line for line in (await self._iptables.save()).splitlines() if self._prefix in line)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def after(self, before: str, restored: str) -> str:
        return UNKNOWN if restored else before


async def fingerprint_of(iptables: Iptables, nft: Nft, family: Family, prefix: str) -> Fingerprint:
    """That of the backend. Raises CommandError."""
    return (
        GenerationFingerprint(nft, family) if await iptables.resolve() == "nft" else TextFingerprint(iptables, prefix)
    )
