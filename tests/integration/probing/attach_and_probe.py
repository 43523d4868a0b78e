"""Run as a node of its own, with the plugins' folder as argument: namespaces are attached, probe each other, and go."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import uvloop
from podlab_testing.pod_network import run

from node.network.cni import BRIDGE
from node.probing import attachment, session
from node.probing.attachment import PREFIX, attached, remove_leftovers
from node.probing.legs import Leg, probe
from node.probing.listener import listening
from podlab.v1 import kubelet_pb2

MTU = 1400
NETWORK = {
    "cniVersion": "1.0.0",
    "name": "podlab",
    "plugins": [
        {
            "type": "bridge",
            "bridge": BRIDGE,
            "isGateway": True,
            "ipMasq": False,
            "mtu": MTU,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": "10.244.1.0/24"}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}


def allocated() -> list[str]:
    return sorted(path.name for path in attachment.ALLOCATIONS.glob("podlab/10.*"))


def links() -> list[str]:
    shown = subprocess.run(["ip", "-j", "link"], check=True, capture_output=True, text=True).stdout
    return [each["ifname"] for each in json.loads(shown) if each["ifname"].startswith("veth")]


def configured() -> Path:
    folder = Path("/run/net.d")
    folder.mkdir()
    (folder / "10-podlab.conflist").write_text(json.dumps(NETWORK))
    return folder


async def probes_between_two_namespaces(where: list[Path]) -> None:
    async with attached(where) as one, attached(where) as two:
        assert (one.mtu, two.mtu) == (MTU, MTU)
        assert one.addresses != two.addresses
        (address,) = two.addresses
        async with listening(two.namespace, address) as port:
            for leg, expected in (
                (Leg("tcp", address, port), "answered"),
                (Leg("udp", address, port), "answered"),
                (Leg("udp", address, port, size_bytes=MTU), "answered"),
                (Leg("udp", address, port, size_bytes=MTU + 1), "failed"),
                (Leg("tcp", address, port + 1), "refused"),
                (Leg("udp", address, port + 1), "refused"),
                (Leg("tcp", "10.244.1.250", 80, timeout_s=0.3), "silent"),
            ):
                found = await probe(leg, one.namespace)
                assert found.outcome == expected, (leg, found)
    assert (allocated(), links()) == ([], [])


async def an_interrupted_one_leaves_nothing(where: list[Path]) -> None:
    inside = asyncio.Event()

    async def for_ever() -> None:
        async with attached(where):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(for_ever())
    await inside.wait()
    assert len(allocated()) == 1
    task.cancel()
    await asyncio.wait((task,))
    assert (allocated(), links()) == ([], [])


async def what_a_killed_agent_left_is_given_back_and_pods_keep_theirs(where: list[Path]) -> None:
    folder = attachment.ALLOCATIONS / "podlab"
    (folder / "10.244.1.77").write_text(f"{PREFIX}0123\r\neth0")
    (folder / "10.244.1.78").write_text("0123456789abcdef\r\neth0")
    assert await remove_leftovers(where) == [f"{PREFIX}0123"]
    assert allocated() == ["10.244.1.78"]


async def a_call_is_served_and_ends(where: list[Path]) -> None:
    asked: asyncio.Queue[kubelet_pb2.ProbeRequest | None] = asyncio.Queue()

    async def requests() -> AsyncIterator[kubelet_pb2.ProbeRequest]:
        while (request := await asked.get()) is not None:
            yield request

    before = allocated()
    responses = session.serve_apart(requests(), where)
    ready = (await anext(responses)).ready
    (listener,) = ready.listeners
    gateway = "10.244.1.1"
    for number, port in ((1, 9), (2, 10)):
        asked.put_nowait(
            kubelet_pb2.ProbeRequest(leg=kubelet_pb2.ProbeLeg(id=number, kind="tcp", address=gateway, port=port))
        )
    found = {(each.result.id, each.result.outcome) for each in [await anext(responses), await anext(responses)]}
    assert found == {(1, "refused"), (2, "refused")}
    assert (await probe(Leg("tcp", listener.address, listener.port), None)).outcome == "answered"
    asked.put_nowait(None)
    assert [each async for each in responses] == []
    assert allocated() == before


async def main(plugins: Path) -> None:
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    run("mount", "--mkdir", "-t", "tmpfs", "tmpfs", "/var/lib/cni")
    run("ip", "link", "set", "lo", "up")
    attachment.PLUGINS = plugins
    where = [configured()]
    await probes_between_two_namespaces(where)
    await an_interrupted_one_leaves_nothing(where)
    await what_a_killed_agent_left_is_given_back_and_pods_keep_theirs(where)
    await a_call_is_served_and_ends(where)


uvloop.run(main(Path(sys.argv[1])))
