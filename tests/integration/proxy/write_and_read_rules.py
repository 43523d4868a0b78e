"""Run in a network namespace of its own: writes several worlds of rules one after another and reads each back."""

import sys

import uvloop
from podlab_testing.services import CLUSTER_CIDRS, world

from node.family import FAMILIES, Family
from node.iptables import Iptables, restore_input
from node.network import masquerade
from node.proxy.iptables.layout import PREFIX


async def main(backend: str, family: Family) -> None:
    tables = Iptables(backend, family)
    for wanted in (world(*size, family) for size in ((7, 3), (70, 2), (7, 0), (5, 2), (0, 0))):
        assert await tables.apply(wanted, PREFIX), "the first write changes something"
        left = restore_input(await tables.read(PREFIX), wanted)
        assert left == "", f"what iptables-save prints is not what was written:\n{left}"
    network = masquerade.render(CLUSTER_CIDRS[family])
    assert await tables.apply(network, masquerade.PREFIX)
    assert not await tables.apply(network, masquerade.PREFIX), "the second write changes nothing"
    assert not await tables.apply(world(0, 0, family), PREFIX), "the network's chains are not the proxy's"
    assert await tables.clean_up()
    assert await tables.read() == {}


uvloop.run(main(sys.argv[1], {each.name: each for each in FAMILIES}[sys.argv[2]]))
