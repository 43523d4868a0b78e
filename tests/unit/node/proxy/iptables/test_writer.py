"""The backend of iptables on tables that are only in memory."""

from __future__ import annotations

import pytest
from podlab_testing.services import CLUSTER_CIDR, endpoint_slice, exposures, service

from node.command import CommandError
from node.iptables import Iptables
from node.nftables import Nft
from node.proxy.exposures import Delta, Exposures
from node.proxy.iptables.writer import IptablesBackend
from node.proxy.node import ProxyNode

NODE = ProxyNode("n1", CLUSTER_CIDR)
SERVICES = 40


class Tables(Iptables):
    """Keeps what restore was given, and prints it as iptables-save would, instead of a kernel."""

    def __init__(self) -> None:
        super().__init__("legacy")
        self.restored: list[str] = []
        self.saved = ""
        self.saves = 0
        self.fail = False

    async def save(self) -> str:
        self.saves += 1
        return self.saved

    async def restore(self, text: str) -> None:
        if self.fail:
            self.fail = False
            raise CommandError("iptables-restore: exit 4: another program holds the lock")
        if text:
            self.restored.append(text)
            self.saved = text.replace(" 1 -m comment", " -m comment").replace("-I ", "-A ")


def change(known: Exposures, number: int, endpoints: int) -> Delta:
    return known.change(exposures([service(number)], [endpoint_slice(number, endpoints)], NODE))


async def test_at_first_all_is_compared_with_what_stands_and_then_only_the_difference_is_written() -> None:
    tables, known = Tables(), Exposures()
    backend = IptablesBackend(NODE, tables, Nft())
    for number in range(SERVICES):
        delta = change(known, number, 2)
        assert await backend.write(delta)
    saves = tables.saves
    assert "podlab services" in tables.restored[0]
    assert not any("podlab services" in text for text in tables.restored[1:])
    assert len(tables.restored[-1].splitlines()) < 100
    assert await backend.write(change(known, 3, 2)) == "", "nothing to do"
    assert tables.saves == saves


async def test_what_stands_is_compared_again_only_when_it_has_another_digest() -> None:
    tables = Tables()
    backend = IptablesBackend(NODE, tables, Nft())
    await backend.write(change(Exposures(), 1, 2))
    assert await backend.verify() == "", "all is as it was written"
    saves = tables.saves
    assert await backend.verify() == ""
    assert tables.saves == saves + 1
    tables.saved = tables.saved.replace("-j DNAT", "-j ACCEPT", 1)
    assert await backend.verify()
    assert len(tables.restored[-1].splitlines()) < 12, "only the chain that was changed"


async def test_a_write_that_fails_is_part_of_the_next_from_what_then_stands() -> None:
    tables, known = Tables(), Exposures()
    backend = IptablesBackend(NODE, tables, Nft())
    await backend.write(change(known, 1, 2))
    tables.fail = True
    with pytest.raises(CommandError, match="another program holds the lock"):
        await backend.write(change(known, 2, 2))
    assert await backend.write(Delta())
    assert "--dport 30002" in tables.restored[-1]
