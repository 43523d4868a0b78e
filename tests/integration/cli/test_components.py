"""Commands that a component answers: logs, exec, top and why, relayed by a real API server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import termios
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.command_line import Podlab
from podlab_testing.waiting import WITHIN_S

from podlab.client.client import Client
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import BadRequest, abort
from podlab.v1 import kubelet_pb2 as pb
from podlab.v1 import kubelet_pb2_grpc, scheduler_pb2, scheduler_pb2_grpc


class Kubelet(kubelet_pb2_grpc.KubeletServicer):
    """A shell of three words: cat, fail, size."""

    def __init__(self) -> None:
        self.logs: list[pb.LogsRequest] = []

    async def Logs(self, request: Any, context: Any) -> AsyncIterator[pb.LogsResponse]:  # noqa: N802
        self.logs.append(request)
        if request.previous:
            await abort(context, BadRequest("previous terminated container not found"))
        yield pb.LogsResponse(data=b"one\n")
        yield pb.LogsResponse(data=b"two\n")

    async def Exec(self, requests: Any, context: Any) -> AsyncIterator[pb.ExecResponse]:  # noqa: N802
        start = (await anext(requests)).start
        if start.command[0] == "none":
            message = "OCI failed: exec failed: unable to start container process: none: not found: unknown"
            yield pb.ExecResponse(exit=pb.ExecExit(code=127, message=message))
            return
        if start.command[0] == "head":
            yield pb.ExecResponse(stdout=(await anext(requests)).stdin[:4])
            yield pb.ExecResponse(exit=pb.ExecExit(code=0))
            return
        if start.command[0] == "fail":
            yield pb.ExecResponse(stderr=b"oh\n")
            yield pb.ExecResponse(exit=pb.ExecExit(code=int(start.command[1])))
            return
        async for request in requests:
            kind = request.WhichOneof("message")
            if start.command[0] == "size" and kind == "resize":
                yield pb.ExecResponse(stdout=f"{request.resize.width}x{request.resize.height}\r\n".encode())
            if kind == "stdin":
                yield pb.ExecResponse(stdout=request.stdin)
            if kind == "stdin_end" or (start.tty and request.stdin.endswith(b"\x04")):
                break
        yield pb.ExecResponse(exit=pb.ExecExit(code=0))

    async def Stats(self, request: Any, context: Any) -> pb.StatsResponse:  # noqa: N802
        pods = [
            pb.PodUsage(
                namespace="default",
                name="web",
                uid=self.uid,
                containers=[
                    pb.ContainerUsage(name="main", cpu_nanocores=1_500_000, memory_working_set_bytes=5 * 2**20),
                    pb.ContainerUsage(name="side", cpu_nanocores=0, memory_working_set_bytes=2**20),
                ],
            )
        ]
        return pb.StatsResponse(
            node_name=request.node_name, cpu_nanocores=500_000_000, memory_working_set_bytes=2**30, pods=pods
        )

    uid = ""


class Scheduler(scheduler_pb2_grpc.SchedulerServicer):
    async def Explain(self, request: Any, context: Any) -> scheduler_pb2.ExplainResponse:  # noqa: N802
        told = _explanation(request.namespace, request.name)
        told.recomputed = request.now
        return scheduler_pb2.ExplainResponse(explanation=told)

    async def Foresee(self, request: Any, context: Any) -> scheduler_pb2.ForeseeResponse:  # noqa: N802
        assert request.pod.spec.schedulerName == "default-scheduler", "defaults are there"
        metadata = request.pod.metadata
        return scheduler_pb2.ForeseeResponse(explanation=_explanation(metadata.namespace, metadata.name))


def _explanation(namespace: str, name: str) -> scheduler_pb2.Explanation:
    return scheduler_pb2.Explanation(
        namespace=namespace,
        name=name,
        scheduler_name="default-scheduler",
        node_name="n1",
        attempts=2,
        duration_us=1500,
        filters=["NodeName", "NodeResourcesFit"],
        scores=[{"name": "NodeResourcesFit", "weight": 1}],
        nodes=[
            {"node_name": "n1", "raw": [70], "normalized": [70], "total": 70},
            {"node_name": "n2", "refused_by": 1, "reasons": ["Insufficient cpu"]},
        ],
    )


@contextlib.asynccontextmanager
async def serving(add: Any, servicer: Any, tls: Any, address: str) -> AsyncIterator[int]:
    server = grpc.aio.server()
    add(servicer, server)
    port = server.add_secure_port(address, tls.server_credentials())
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


@pytest.fixture
async def kubelet(cluster: Cluster, admin: Client) -> AsyncIterator[Kubelet]:
    """Node n1 with pod web of two containers, n2 that nobody answers for, and a kubelet for n1."""
    servicer = Kubelet()
    add, tls = kubelet_pb2_grpc.add_KubeletServicer_to_server, cluster.authority.tls("system:node:n1")
    async with serving(add, servicer, tls, "127.0.0.1:0") as port:
        capacity = {"cpu": {"string": "2"}, "memory": {"string": "4Gi"}}
        await admin.create(
            Node(
                metadata={"name": "n1"},
                status={
                    "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                    "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "capacity": capacity,
                    "allocatable": capacity,
                },
            )
        )
        containers = [{"name": name, "image": "i"} for name in ("main", "side")]
        made = await admin.create(
            Pod(metadata={"name": "web", "namespace": "default"}, spec={"nodeName": "n1", "containers": containers})
        )
        servicer.uid = made.metadata.uid
        yield servicer


async def test_logs_are_shown_of_the_container_that_is_meant(podlab: Podlab, kubelet: Kubelet) -> None:
    result = await podlab("logs", "web", "--tail", "5", "--since", "1h30m", "--timestamps")
    assert (result.code, result.out) == (0, "one\ntwo\n")
    assert result.err == 'Defaulted container "main" out of: main, side\n'
    (request,) = kubelet.logs
    assert (request.container, request.tail_lines, request.since_seconds, request.timestamps) == ("main", 5, 5400, True)
    assert await podlab.ok("logs", "pod/web", "-c", "side") == "one\ntwo\n"
    assert "previous terminated container not found" in await podlab.fails("logs", "web", "-c", "side", "-p")
    assert "container x is not in pod web: it has main, side" in await podlab.fails("logs", "web", "-c", "x")
    assert 'pods "nope" not found' in await podlab.fails("logs", "nope")


@pytest.mark.parametrize("variable", ["grpc_proxy", "https_proxy", "http_proxy"])
async def test_a_proxy_of_the_environment_is_not_asked_for_the_cluster(
    podlab: Podlab, kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Neither by the command for the API server, nor by the API server for the kubelet."""
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    assert await podlab.ok("logs", "web", "-c", "side") == "one\ntwo\n"


async def test_exec_passes_input_output_and_exit_code(podlab: Podlab, kubelet: Kubelet) -> None:
    text = b"x" * 200_000
    result = await podlab("exec", "-i", "web", "-c", "main", "--", "cat", stdin=text)
    assert (result.code, result.out, result.err) == (0, text.decode(), "")
    result = await podlab("exec", "web", "-c", "main", "--", "fail", "7")
    assert (result.code, result.out, result.err) == (7, "", "oh\ncommand terminated with exit code 7\n")
    result = await podlab("exec", "web", "-c", "main", "--", "none")
    assert (result.code, result.err) == (127, "error: the command could not be run: none: not found\n")


async def test_a_command_that_ends_before_its_input_does_ends_exec(podlab: Podlab, kubelet: Kubelet) -> None:
    result = await podlab("exec", "-i", "web", "-c", "main", "--", "head", stdin=b"y\n" * 4_000_000)
    assert (result.code, result.out, result.err) == (0, "y\ny\n", "")


async def test_exec_gives_the_command_a_terminal_and_puts_it_back(podlab: Podlab, kubelet: Kubelet) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (33, 101))
    before = termios.tcgetattr(theirs)
    process = await podlab.start("exec", "-it", "web", "-c", "main", "--", "size", stdin=theirs)
    assert process.stdout is not None
    async with asyncio.timeout(WITHIN_S):
        assert await process.stdout.readline() == b"101x33\r\n"
        os.write(ours, b"\x03keys\x04")  # neither Ctrl-C nor Ctrl-D ends anything here
        assert await process.stdout.read() == b"\x03keys\x04"
        assert await process.wait() == 0
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


async def test_top_shows_use_and_names_nodes_that_do_not_answer(
    podlab: Podlab, kubelet: Kubelet, admin: Client
) -> None:
    out = await podlab.ok("top", "nodes")
    assert [line.split() for line in out.splitlines()] == [
        ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"],
        ["n1", "500m", "25%", "1024Mi", "25%"],
    ]
    assert (await podlab.ok("top", "pods", "--no-headers")).split() == ["web", "2m", "6Mi"]
    assert len((await podlab.ok("top", "pod", "web", "--containers")).splitlines()) == 3
    await admin.create(Node(metadata={"name": "n2"}))
    result = await podlab("top", "nodes")
    assert result.code == 1
    assert "n2     <unknown>" in result.out
    assert "error: node n2 did not say what it uses: " in result.err


@contextlib.asynccontextmanager
async def scheduling(cluster: Cluster) -> AsyncIterator[None]:
    add, tls = scheduler_pb2_grpc.add_SchedulerServicer_to_server, cluster.authority.tls("system:kube-scheduler")
    async with serving(add, Scheduler(), tls, cluster.settings.scheduler):
        yield


async def test_why_shows_who_refuses_and_the_scores(podlab: Podlab, kubelet: Kubelet, cluster: Cluster) -> None:
    async with scheduling(cluster):
        lines = [line.split() for line in (await podlab.ok("why", "pod", "web")).splitlines()]
        told = json.loads(await podlab.ok("why", "pod", "web", "-o", "json"))
        page = await podlab.ok("why", "web", "-o", "html")
        now = await podlab.ok("why", "pod/web", "--now")
    assert lines[0] == ["pod", "default/web", "goes", "to", "n1"]
    assert ["1", "NodeResourcesFit", "Insufficient", "cpu", "n2"] in lines
    assert ["NodeResourcesFit", "1", "70", ">", "70", ">", "70"] in lines
    assert told["nodes"][1] == {"node_name": "n2", "refused_by": 1, "reasons": ["Insufficient cpu"]}
    assert page.startswith("<!doctype html>")
    assert "this is not what was decided then" in now
    assert "only pods are placed" in await podlab.fails("why", "node/n1")


async def test_why_tells_what_would_happen_to_a_manifests_pod(
    podlab: Podlab, kubelet: Kubelet, cluster: Cluster
) -> None:
    shared = {"apiVersion": "v1", "metadata": {"name": "new"}}
    pod = {**shared, "kind": "Pod", "spec": {"containers": [{"name": "c", "image": "x"}]}}
    (podlab.directory / "pod.yaml").write_text(json.dumps(pod))
    (podlab.directory / "map.yaml").write_text(json.dumps({**shared, "kind": "ConfigMap"}))
    async with scheduling(cluster):
        out = await podlab.ok("why", "-f", "pod.yaml")
    assert out.startswith(
        "pod default/new would go to n1\njudged now in 1.5 ms by default-scheduler; nothing was made\n"
    )
    assert "not found" in await podlab.fails("get", "pod", "new")
    assert "takes one Pod" in await podlab.fails("why", "-f", "map.yaml")
    assert "neither a pod's name nor --now" in await podlab.fails("why", "pod", "web", "-f", "pod.yaml")
