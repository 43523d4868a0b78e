"""pods/log, relayed from a kubelet that the test plays."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import grpc
import pytest
from kubernetes import client as k8s
from podlab_testing.cluster import Cluster
from podlab_testing.waiting import WITHIN_S
from yarl import URL

from podlab.client.client import Client
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.errors import BadRequest, abort
from podlab.meta.v1 import meta_pb2
from podlab.v1 import kubelet_pb2, kubelet_pb2_grpc

LOG = "/api/v1/namespaces/default/pods/p/log"


class Kubelet(kubelet_pb2_grpc.KubeletServicer):
    """Tells what it was asked, line by line; `wait` never says anything."""

    async def Logs(  # noqa: N802
        self, request: kubelet_pb2.LogsRequest, context: Any
    ) -> AsyncIterator[kubelet_pb2.LogsResponse]:
        if request.container == "none":
            await abort(context, BadRequest('container "none" is not in the pod'))
        if request.container == "quiet":
            await asyncio.Event().wait()
        told = f"tail={request.tail_lines} previous={request.previous} timestamps={request.timestamps}\n"
        if request.since_time_ns:
            told = f"since={request.since_time_ns}\n"
        yield kubelet_pb2.LogsResponse(data=told.encode())
        yield kubelet_pb2.LogsResponse(data=b"end\n")


@pytest.fixture
async def logged_pod(cluster: Cluster, admin: Client) -> AsyncIterator[None]:
    server = grpc.aio.server()
    kubelet_pb2_grpc.add_KubeletServicer_to_server(Kubelet(), server)  # type: ignore[no-untyped-call]
    port = server.add_secure_port("127.0.0.1:0", cluster.authority.tls("system:node:n1").server_credentials())
    await server.start()
    node = node_pb2.Node(metadata=meta_pb2.ObjectMeta(name="n1"))
    node.status.addresses.add(type="InternalIP", address="127.0.0.1")
    node.status.daemonEndpoints.kubeletEndpoint.Port = port
    await admin.create(node)
    pod = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name="p", namespace="default"))
    pod.spec.nodeName = "n1"
    pod.spec.containers.add(name="c", image="podlab.local/hello:1.0")
    await admin.create(pod)
    yield
    await server.stop(0)


@pytest.mark.usefixtures("logged_pod")
async def test_a_log_is_text_from_the_pods_node(http: aiohttp.ClientSession) -> None:
    async with http.get(f"{LOG}?tailLines=5&previous=true&timestamps=true") as response:
        assert response.headers["Content-Type"] == "text/plain"
        assert await response.text() == "tail=5 previous=True timestamps=True\nend\n"


@pytest.mark.usefixtures("logged_pod")
async def test_a_time_is_passed_on_to_the_instant(http: aiohttp.ClientSession) -> None:
    for told, nanoseconds in (
        ("2026-01-31T12:00:00.25Z", 1_769_860_800_250_000_000),
        ("1970-01-01T01:00:00.5%2B01:00", 500_000_000),
        ("9999-12-31T00:00:00Z", 2**63 - 1),
    ):
        async with http.get(URL(f"{LOG}?sinceTime={told}", encoded=True)) as response:
            assert (await response.text()).splitlines()[0] == f"since={nanoseconds}"
    for told in ("yesterday", "2026-01-31T12:00:00", "2026-01-31T12:00:00Z&sinceSeconds=5"):
        async with http.get(f"{LOG}?sinceTime={told}") as response:
            assert response.status == 400


@pytest.mark.usefixtures("logged_pod")
async def test_the_python_client_reads_a_log(api_client: k8s.ApiClient) -> None:
    read = k8s.CoreV1Api(api_client).read_namespaced_pod_log
    assert "end" in await asyncio.to_thread(read, "p", "default", tail_lines=1)


@pytest.mark.usefixtures("logged_pod")
async def test_what_the_kubelet_refuses_is_a_status(http: aiohttp.ClientSession) -> None:
    async with http.get(f"{LOG}?container=none") as response:
        assert (response.status, (await response.json())["message"]) == (400, 'container "none" is not in the pod')


@pytest.mark.usefixtures("logged_pod")
async def test_a_follower_of_a_quiet_container_is_answered_before_it_speaks(http: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(WITHIN_S), http.get(f"{LOG}?container=quiet&follow=true") as response:
        assert response.status == 200


async def test_a_pod_that_waits_for_a_node_has_said_nothing(http: aiohttp.ClientSession) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    async with http.post(LOG.removesuffix("/p/log"), json=pod) as response:
        assert response.status == 201
    async with http.get(LOG) as response:
        assert (response.status, response.content_type, await response.read()) == (200, "text/plain", b"")


@pytest.mark.usefixtures("logged_pod")
@pytest.mark.parametrize("protocol", ["binary.k8s.io", "base64.binary.k8s.io", ""])
async def test_a_log_comes_over_a_websocket_too(http: aiohttp.ClientSession, protocol: str) -> None:
    said = b""
    async with http.ws_connect(LOG, protocols=[protocol] if protocol else []) as socket, asyncio.timeout(WITHIN_S):
        async for message in socket:
            said += base64.b64decode(message.data) if protocol.startswith("base64") else message.data
    assert said.endswith(b"end\n")
