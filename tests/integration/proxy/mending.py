"""Run in a network namespace of its own: what another program does to our rules is mended, and its own rules stay."""

import sys

import uvloop
from podlab_testing.proxying import CLUSTER_IP, Proxied, answers, backend_of, listening, run


async def main(backend: str) -> None:
    program = f"iptables-{backend}"
    run(program, "-t", "nat", "-N", "FOREIGN")
    run(program, "-t", "nat", "-A", "OUTPUT", "-j", "FOREIGN")
    service = Proxied(backend_of(backend))
    with listening("127.0.0.11"):
        await service.lead_to("127.0.0.11")
        assert answers()
        assert await service.backend.verify() == ""
        for damage in (
            ("-t", "nat", "-F"),
            ("-t", "nat", "-F", "PODLAB-SVC"),
            ("-t", "nat", "-D", "OUTPUT", "1"),
            ("-t", "nat", "-D", f"PODLAB-SC-{CLUSTER_IP}/50".replace(CLUSTER_IP, "7F0000C8-t5353"), "1"),
        ):
            run(program, *damage)
            assert not answers(), damage
            assert await service.backend.verify(), damage
            assert answers(), damage
            assert await service.backend.verify() == ""
    run(program, "-t", "nat", "-A", "FOREIGN", "-j", "RETURN")
    assert await service.backend.verify() == "", "another program's rule is none of ours"
    assert "-A FOREIGN -j RETURN" in run(f"{program}-save")
    await service.lead_to()
    assert not answers(), "a Service without endpoints refuses"


run("ip", "link", "set", "lo", "up")
uvloop.run(main(sys.argv[1]))
