"""Run in a network namespace of its own: what another program does to our rules is mended, and its own rules stay."""

import sys

import uvloop
from podlab_testing.proxying import CLUSTER_IP, PORT, Proxied, answers, backend_of, listening, run

IN_IPTABLES = (
    ("-t", "nat", "-F"),
    ("-t", "nat", "-F", "PODLAB-SVC"),
    ("-t", "nat", "-D", "OUTPUT", "1"),
    ("-t", "nat", "-D", "PODLAB-SC-7F0000C8-t5353/50", "1"),
)
IN_NFTABLES = (
    ("flush", "ruleset"),
    ("delete", "table", "ip", "podlab"),
    ("flush", "chain", "ip", "podlab", "output"),
    ("delete", "element", "ip", "podlab", "services", f"{{ {CLUSTER_IP} . tcp . {PORT} }}"),
)


async def main(backend: str) -> None:
    program, damages = ("nft", IN_NFTABLES) if backend == "nftables" else (f"iptables-{backend}", IN_IPTABLES)
    service = Proxied(backend_of(backend))
    with listening("127.0.0.11"):
        await service.lead_to("127.0.0.11")
        assert answers()
        assert await service.backend.verify() == ""
        for damage in damages:
            run(program, *damage)
            assert not answers(), damage
            assert await service.backend.verify(), damage
            assert answers(), damage
            assert await service.backend.verify() == ""
        await others_rules_stay(service, "legacy" if backend == "legacy" else "nft")
    await service.lead_to()
    assert not answers(), "a Service without endpoints refuses"


async def others_rules_stay(service: Proxied, backend: str) -> None:
    program = f"iptables-{backend}"
    run(program, "-t", "nat", "-N", "FOREIGN")
    run(program, "-t", "nat", "-A", "OUTPUT", "-j", "FOREIGN")
    await service.backend.verify()
    await service.lead_to("127.0.0.11", "127.0.0.12")
    await service.lead_to("127.0.0.11")
    saved = run(f"{program}-save", "-t", "nat")
    assert "-A OUTPUT -j FOREIGN" in saved
    assert answers()


run("ip", "link", "set", "lo", "up")
uvloop.run(main(sys.argv[1]))
