"""metrics.k8s.io: figures of kubelets, as kubectl top asks for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import grpc
import pytest
from podlab_testing.cluster import Cluster

from podlab.client.client import Client
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.errors import Forbidden
from podlab.v1 import kubelet_pb2 as pb
from podlab.v1 import kubelet_pb2_grpc

ROOT = "/apis/metrics.k8s.io/v1beta1"


class Kubelet(kubelet_pb2_grpc.KubeletServicer):
    """Tells of one pod."""

    uid = ""

    async def Stats(self, request: Any, context: Any) -> pb.StatsResponse:  # noqa: N802
        web = pb.PodUsage(namespace="default", name="web", uid=self.uid)
        web.containers.add(name="main", cpu_nanocores=1_500_000, memory_working_set_bytes=64 << 20)
        return pb.StatsResponse(
            node_name=request.node_name,
            cpu_nanocores=250_000_000,
            memory_working_set_bytes=1 << 30,
            pods=[web, pb.PodUsage(namespace="default", name="gone", uid="gone")],
            time_ns=1_700_000_000 * 10**9,
            window_ns=15 * 10**9,
        )


@pytest.fixture
async def kubelet(cluster: Cluster, admin: Client) -> AsyncIterator[None]:
    """Node n1 answers, with pod web on it; n2 does not."""
    server, fake = grpc.aio.server(), Kubelet()
    kubelet_pb2_grpc.add_KubeletServicer_to_server(fake, server)
    port = server.add_secure_port("127.0.0.1:0", cluster.authority.tls("system:node:n1").server_credentials())
    await server.start()
    for name in ("n1", "n2"):
        node = node_pb2.Node()
        node.metadata.name = name
        node.metadata.labels["zone"] = name
        if name == "n1":
            node.status.addresses.add(type="InternalIP", address="127.0.0.1")
            node.status.daemonEndpoints.kubeletEndpoint.Port = port
        await admin.create(node)
    for name in ("web", "idle"):
        pod = pod_pb2.Pod()
        pod.metadata.name, pod.metadata.namespace = name, "default"
        pod.metadata.labels["app"] = name
        pod.spec.nodeName = "n1"
        pod.spec.containers.add(name="main", image="i")
        created = await admin.create(pod)
        fake.uid = created.metadata.uid if name == "web" else fake.uid
    yield
    await server.stop(0)


async def get(http: aiohttp.ClientSession, path: str, code: int = 200) -> Any:
    async with http.get(ROOT + path) as response:
        assert response.status == code, await response.text()
        return await response.json()


async def test_nodes_that_answer_are_told(http: aiohttp.ClientSession, kubelet: None) -> None:
    (node,) = (await get(http, "/nodes"))["items"]
    assert node["metadata"]["name"] == "n1"
    assert (node["usage"], node["window"]) == ({"cpu": "250000000n", "memory": "1048576Ki"}, "15s")
    assert node["timestamp"] == "2023-11-14T22:13:20Z"
    assert (await get(http, "/nodes/n1"))["kind"] == "NodeMetrics"
    assert (await get(http, "/nodes/n2", 404))["message"] == 'nodes.metrics.k8s.io "n2" not found'
    assert (await get(http, "/nodes?labelSelector=zone=n2"))["items"] == []


async def test_pods_that_were_measured_are_told(http: aiohttp.ClientSession, kubelet: None) -> None:
    for path in (
        "/pods",
        "/namespaces/default/pods",
        "/pods?labelSelector=app=web",
        "/pods?fieldSelector=metadata.name=web",
    ):
        (pod,) = (await get(http, path))["items"]
        assert (pod["metadata"]["name"], pod["metadata"]["labels"]) == ("web", {"app": "web"})
        assert pod["containers"] == [{"name": "main", "usage": {"cpu": "1500000n", "memory": "65536Ki"}}]
    assert (await get(http, "/namespaces/default/pods/web"))["kind"] == "PodMetrics"
    await get(http, "/namespaces/default/pods/idle", 404)
    assert (await get(http, "/namespaces/other/pods"))["items"] == []
    await get(http, "/pods?labelSelector=a%20b", 400)


async def test_they_are_printed_as_tables(http: aiohttp.ClientSession, kubelet: None) -> None:
    for path, cells in (
        ("/nodes", ["n1", "250000000n", "1048576Ki", "15s"]),
        ("/nodes/n1", ["n1", "250000000n", "1048576Ki", "15s"]),
        ("/pods", ["web", "1500000n", "65536Ki", "15s"]),
    ):
        async with http.get(ROOT + path, headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}) as answer:
            table = await answer.json()
        assert table["kind"] == "Table"
        assert [column["name"].upper() for column in table["columnDefinitions"]] == ["NAME", "CPU", "MEMORY", "WINDOW"]
        assert [row["cells"] for row in table["rows"]] == [cells]


async def test_they_can_only_be_read(http: aiohttp.ClientSession) -> None:
    async with http.delete(f"{ROOT}/nodes/n1") as response:
        assert response.status == 405
    verbs = {one["name"]: one["verbs"] for one in (await get(http, ""))["resources"]}
    assert verbs == {"nodes": ["get", "list"], "pods": ["get", "list"]}


async def test_grpc_tells_the_same_of_pods(admin: Client, cluster: Cluster, kubelet: None) -> None:
    (pod,) = await admin.pod_metrics("default", label_selector="app=web")
    assert [(one.name, one.usage["cpu"].string) for one in pod.containers] == [("main", "1500000n")]
    assert await admin.pod_metrics("default", label_selector="app=idle") == []
    with pytest.raises(Forbidden):
        await (await cluster.client("nobody")).pod_metrics("default")
