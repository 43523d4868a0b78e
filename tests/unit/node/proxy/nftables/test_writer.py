"""The backend of nftables on an nft that only notes what it is given."""

from __future__ import annotations

import pytest
from podlab_testing.services import CLUSTER_CIDR, endpoint_slice, exposures, service

from node.command import CommandError
from node.nftables import Nft
from node.proxy.exposures import Delta, Exposures
from node.proxy.generation import OwnGeneration
from node.proxy.nftables.writer import NftablesBackend
from node.proxy.node import ProxyNode

NODE = ProxyNode("n1", CLUSTER_CIDR)


class Noted(Nft):
    def __init__(self) -> None:
        self.scripts: list[str] = []
        self.changes = 7
        self.fail = False

    async def apply(self, script: str) -> None:
        if self.fail:
            self.fail = False
            raise CommandError("nft -f -: exit 1: Device or resource busy")
        self.scripts.append(script)
        self.changes += 1

    async def names(self, family: str, table: str) -> set[str]:
        return set()


class Counted(OwnGeneration):
    """As often as scripts were applied."""

    def __init__(self, nft: Noted) -> None:
        super().__init__(nft, ())
        self._noted = nft

    async def now(self) -> int:
        return self._noted.changes


def backend_on(nft: Noted) -> NftablesBackend:
    return NftablesBackend(NODE, nft, Counted(nft))


def change(known: Exposures, number: int) -> Delta:
    return known.change(exposures([service(number)], [endpoint_slice(number, 2)], NODE))


async def test_at_first_everything_is_written_and_then_only_the_difference() -> None:
    nft, known = Noted(), Exposures()
    backend = backend_on(nft)
    assert await backend.write(change(known, 1))
    assert await backend.write(change(known, 2))
    assert ["flush table" in script for script in nft.scripts] == [True, False]
    assert await backend.write(Delta()) == ""
    assert len(nft.scripts) == 2


async def test_everything_is_written_again_when_somebody_else_has_changed_rules() -> None:
    nft = Noted()
    backend = backend_on(nft)
    await backend.write(change(Exposures(), 1))
    assert await backend.verify() == ""
    nft.changes += 1
    assert await backend.verify()
    assert await backend.verify() == ""
    assert len(nft.scripts) == 2


async def test_a_write_that_fails_is_part_of_the_next() -> None:
    nft, known = Noted(), Exposures()
    backend = backend_on(nft)
    await backend.write(change(known, 1))
    nft.fail = True
    with pytest.raises(CommandError, match="busy"):
        await backend.write(change(known, 2))
    await backend.write(Delta())
    assert "10.96.1.2 . tcp . 80" in nft.scripts[-1]
    assert "10.96.1.3 . tcp . 80" in nft.scripts[-1]
