"""Run in a network namespace of its own: rules of one backend give way to the other's; those of others stay."""

import subprocess

import uvloop
from podlab_testing.services import world

from node.iptables import Iptables, clean_up_everywhere
from node.proxy.iptables.layout import PREFIX

FOREIGN = ("nat", "FOREIGN"), ("filter", "FOREIGN")


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


async def main() -> None:
    nft, legacy = Iptables("nft"), Iptables("legacy")
    for program in ("iptables-nft", "iptables-legacy"):
        for table, chain in FOREIGN:
            run(program, "-t", table, "-N", chain)
            run(program, "-t", table, "-A", "OUTPUT", "-j", chain)
    before = {program: run(f"{program}-save") for program in ("iptables-nft", "iptables-legacy")}
    await nft.apply(world(3, 2), PREFIX)
    await legacy.apply(world(3, 2), PREFIX)
    assert await legacy.clean_up_others(PREFIX) == ["nft"]
    assert await legacy.clean_up_others(PREFIX) == []
    assert await nft.read() == {}
    assert (await legacy.read()).keys() == {"filter", "nat"}
    assert await Iptables("auto").resolve() in ("nft", "legacy")
    assert await clean_up_everywhere() == ["legacy"]
    for program, saved in before.items():
        assert rules(run(f"{program}-save")) == rules(saved), "another program's rules have changed"


def rules(saved: str) -> list[str]:
    return [line for line in saved.splitlines() if line.startswith("-A")]


subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
uvloop.run(main())
