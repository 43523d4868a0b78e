"""Run in a network namespace of its own: what single changes make of the table is what would be written anew."""

import re
import sys
from collections.abc import Mapping

import uvloop
from podlab_testing.proxying import backend_of, run
from podlab_testing.services import CLUSTER_CIDRS, endpoint_slice, exposures, service

from node.family import FAMILIES, IPV4, IPV6
from node.nftables import Nft
from node.proxy.exposures import Exposures, ServiceName
from node.proxy.frontends import Exposure
from node.proxy.nftables.layout import TABLE
from node.proxy.nftables.writer import remove_table
from node.proxy.node import ProxyNode

FAMILY = {each.name: each for each in FAMILIES}[sys.argv[1]]
ADDRESS = {IPV4: "192.0.2.1", IPV6: "2001:db8::1"}[FAMILY]
NODE = ProxyNode("n1", CLUSTER_CIDRS[FAMILY], frozenset({ADDRESS}), family=FAMILY)
# Services and endpoints of each; 20 are more than shared chains choose among.
WORLDS = ((7, 3), (7, 0), (9, 2), (5, 20), (5, 2), (0, 0))


def world(services: int, endpoints: int, before: Exposures) -> Mapping[ServiceName, Exposure]:
    found = exposures(
        [service(n, FAMILY) for n in range(services)],
        [endpoint_slice(n, endpoints, FAMILY) for n in range(services)],
        NODE,
    )
    return {name: found.get(name, Exposure()) for name in {*before.names(), *found}}


async def table() -> list[str]:
    """Chains, rules, and elements in order."""
    listed = await Nft().listing(FAMILY.nft, TABLE)
    return sorted(
        part.strip() for part in re.split(r"\n|, (?=[0-9t])|,$|elements = { | }$", listed, flags=re.MULTILINE)
    )


async def main() -> None:
    known, backend = Exposures(), backend_of("nftables", NODE)
    for size in WORLDS:
        await backend.write(known.change(world(*size, known)))
        changed = await table()
        anew = backend_of("nftables", NODE)
        await anew.write(Exposures().change(world(*size, Exposures())))
        assert await table() == changed, size
        run("nft", "add", "table", FAMILY.nft, "another")
        assert await anew.verify() == "", "another program's table is none of ours"
        assert await backend.verify(), "somebody else has written"
        assert await backend.verify() == ""
    assert await remove_table(Nft(), FAMILY)
    assert not await remove_table(Nft(), FAMILY)


run("ip", "link", "set", "lo", "up")
uvloop.run(main())
