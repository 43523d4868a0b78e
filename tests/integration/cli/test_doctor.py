"""`podlab doctor network` on ten nodes whose kubelets this process plays, relayed by a real API server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.command_line import Podlab

from podlab.client.client import Client
from podlab.core.v1.node_pb2 import Node
from podlab.v1 import kubelet_pb2 as pb
from podlab.v1 import kubelet_pb2_grpc

NODES, PORT = 10, 4000
LEG_S, START_S = 3.0, 30.0  # one leg after another would take n3 a minute
EGRESS = "192.0.2.1:443"
Answer = Callable[[pb.ProbeLeg], str]


@dataclass
class Kubelet(kubelet_pb2_grpc.KubeletServicer):
    """Of one node, whose pods have `address`. `answer` is the outcome of a leg; what is silent takes its time."""

    address: str
    answer: Answer = lambda leg: "answered"
    opens: asyncio.Event = field(default_factory=asyncio.Event)

    async def Probe(self, requests: Any, context: Any) -> AsyncIterator[pb.ProbeResponse]:  # noqa: N802
        assert (await anext(requests)).start.apart
        await self.opens.wait()
        yield pb.ProbeResponse(ready={"listeners": [{"address": self.address, "port": PORT}], "mtu": 1450})
        waiting: set[asyncio.Task[pb.ProbeResult]] = set()
        async for request in requests:
            waiting.add(asyncio.create_task(self._tried(request.leg)))
            if len(waiting) == 2 * (NODES - 1) + 3:  # all that it will be asked
                break
        for each in asyncio.as_completed(waiting):
            yield pb.ProbeResponse(result=await each)

    async def _tried(self, leg: pb.ProbeLeg) -> pb.ProbeResult:
        outcome = self.answer(leg)
        if outcome == "silent":
            await asyncio.sleep(leg.timeout_ms / 1000)
        return pb.ProbeResult(id=leg.id, outcome=outcome, seconds=0.001)


@pytest.fixture
async def kubelets(cluster: Cluster, admin: Client) -> AsyncIterator[list[Kubelet]]:
    """Of nodes n0 to n9; each opens at once unless a test clears that."""
    made = [Kubelet(f"10.244.{number}.2") for number in range(NODES)]
    async with contextlib.AsyncExitStack() as stack:
        for number, kubelet in enumerate(made):
            kubelet.opens.set()
            name, server = f"n{number}", grpc.aio.server()
            kubelet_pb2_grpc.add_KubeletServicer_to_server(kubelet, server)
            credentials = cluster.authority.tls(f"system:node:{name}").server_credentials()
            port = server.add_secure_port("127.0.0.1:0", credentials)
            await server.start()
            stack.push_async_callback(server.stop, None)
            address = {"type": "InternalIP", "address": "127.0.0.1"}
            status = {"addresses": [address], "daemonEndpoints": {"kubeletEndpoint": {"Port": port}}}
            await admin.create(Node(metadata={"name": name}, status=status))
        yield made


async def checked(podlab: Podlab, *words: str) -> tuple[list[dict[str, Any]], float]:
    """The broken legs, and how long it took."""
    began_s = time.monotonic()
    done = await podlab("doctor", "network", "-o", "json", "--egress", EGRESS, "--timeout", str(LEG_S), *words)
    assert done.code in (0, 1), done.err
    broken = [each for each in json.loads(done.out)["legs"] if each["outcome"] != "answered"]
    assert bool(broken) == bool(done.code)
    return broken, time.monotonic() - began_s


async def test_a_node_that_loses_all_is_named_in_the_time_of_one_leg(podlab: Podlab, kubelets: list[Kubelet]) -> None:
    for kubelet in kubelets:
        kubelet.answer = lambda leg: "silent" if leg.address == kubelets[3].address else "answered"
    kubelets[3].answer = lambda leg: "silent"
    broken, took_s = await checked(podlab)
    ways = [each for each in broken if each["kind"] == "pod to pod"]
    assert {each["from"] for each in ways} | {each["to"] for each in ways} == {f"n{number}" for number in range(NODES)}
    assert len(ways) == 2 * (NODES - 1)
    assert {each["cause"] for each in ways if each["from"] == "n3"} == {"pods of n3 reach nobody"}
    assert {each["cause"] for each in ways if each["to"] == "n3"} == {"nobody reaches pods of n3"}
    assert took_s < LEG_S + START_S


async def test_when_time_is_up_what_was_found_is_told_and_the_rest_is_named(
    podlab: Podlab, kubelets: list[Kubelet]
) -> None:
    kubelets[7].opens.clear()
    broken, took_s = await checked(podlab, "--overall", "4")
    (agent,) = broken
    assert (agent["kind"], agent["from"], agent["outcome"]) == ("agent", "n7", "not tried")
    assert agent["cause"] == "the kubelet of n7 had not answered when the time was up (--overall)"
    assert took_s < 4 + START_S


async def test_legs_that_had_no_outcome_in_time_are_named_beside_those_that_had(
    podlab: Podlab, kubelets: list[Kubelet]
) -> None:
    kubelets[2].answer = lambda leg: "silent" if leg.kind == "name" else "refused" if leg.port == 443 else "answered"
    broken, _ = await checked(podlab, "--overall", "4", "--timeout", "30")
    outcomes = {(each["kind"], each["from"]): each["outcome"] for each in broken}
    assert outcomes[("name", "n2")] == "not tried"
    assert outcomes[("egress", "n2")] == "refused"
    assert {each["from"] for each in broken} == {"n2"}


async def test_a_kubelet_that_is_gone_is_named_with_the_reason(
    podlab: Podlab, kubelets: list[Kubelet], admin: Client
) -> None:
    port = 9  # discard: nobody listens
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    await admin.create(Node(metadata={"name": "gone"}, status=status))
    broken, _ = await checked(podlab)
    (agent,) = [each for each in broken if each["kind"] == "agent"]
    assert (agent["from"], agent["outcome"]) == ("gone", "failed")
    assert "127.0.0.1:9" in agent["cause"]
    assert "systemctl status podlab-kubelet" in agent["remedy"]
