"""Calls that a component answers, relayed by the API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.waiting import WITHIN_S

from podlab.client.client import Client
from podlab.errors import BadRequest, Forbidden, NotFound, ServiceUnavailable, abort, from_rpc_error
from podlab.v1 import images_pb2, images_pb2_grpc, kubelet_pb2_grpc, scheduler_pb2, scheduler_pb2_grpc
from podlab.v1 import kubelet_pb2 as pb

Make = Callable[..., Any]


class FakeKubelet(kubelet_pb2_grpc.KubeletServicer):
    """Echoes what it is given."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()

    async def Logs(self, request: Any, context: Any) -> AsyncIterator[pb.LogsResponse]:  # noqa: N802
        if request.container == "missing":
            await abort(context, NotFound("container missing is not in the pod"))
        yield pb.LogsResponse(data=b"line\n")
        if request.follow:
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled.set()

    async def Exec(self, requests: Any, context: Any) -> AsyncIterator[pb.ExecResponse]:  # noqa: N802
        count = 0
        async for request in requests:
            if request.WhichOneof("message") == "stdin":
                count += len(request.stdin)
                yield pb.ExecResponse(stdout=request.stdin)
        yield pb.ExecResponse(exit=pb.ExecExit(code=count))

    async def Stats(self, request: Any, context: Any) -> pb.StatsResponse:  # noqa: N802
        return pb.StatsResponse(node_name=request.node_name)


class FakeImages(images_pb2_grpc.ImagesServicer):
    """Counts what it is given."""

    async def ImportImage(self, requests: Any, context: Any) -> images_pb2.ImportImageResponse:  # noqa: N802
        size = sum([len(request.chunk) async for request in requests])
        return images_pb2.ImportImageResponse(image_names=[str(size)])


@pytest.fixture
async def kubelet(cluster: Cluster, admin: Client, node: Make, pod: Make) -> AsyncIterator[FakeKubelet]:
    """Node n1 with pod web, and a kubelet that answers for it."""
    async with _serving(cluster) as (fake, port):
        await admin.create(node("n1", "127.0.0.1", port))
        await admin.create(pod("web", node="n1"))
        yield fake


@asynccontextmanager
async def _serving(cluster: Cluster) -> AsyncIterator[tuple[FakeKubelet, int]]:
    server = grpc.aio.server()
    fake = FakeKubelet()
    kubelet_pb2_grpc.add_KubeletServicer_to_server(fake, server)
    images_pb2_grpc.add_ImagesServicer_to_server(FakeImages(), server)
    port = server.add_secure_port("127.0.0.1:0", cluster.authority.tls("system:node:n1").server_credentials())
    await server.start()
    try:
        yield fake, port
    finally:
        await server.stop(None)


def stub(client: Client) -> Any:
    return kubelet_pb2_grpc.KubeletStub(client.channel)


async def test_each_shape_of_call_passes_through(kubelet: FakeKubelet, admin: Client) -> None:
    logs = [one.data async for one in stub(admin).Logs(pb.LogsRequest(namespace="default", pod="web"))]
    assert logs == [b"line\n"]
    assert (await stub(admin).Stats(pb.StatsRequest(node_name="n1"))).node_name == "n1"
    images, parts = images_pb2_grpc.ImagesStub(admin.channel), [{"node_name": "n1"}, *[{"chunk": b"x" * 1000}] * 5]
    requests = [images_pb2.ImportImageRequest(**part) for part in parts]  # type: ignore[arg-type]
    assert list((await images.ImportImage(iter(requests))).image_names) == ["5000"]


async def test_exec_ends_when_its_input_does(kubelet: FakeKubelet, admin: Client) -> None:
    call = stub(admin).Exec()
    async with asyncio.timeout(WITHIN_S):
        await call.write(pb.ExecRequest(start=pb.ExecStart(namespace="default", pod="web")))
        await call.write(pb.ExecRequest(stdin=b"abc"))
        assert (await call.read()).stdout == b"abc"
        await call.done_writing()
        assert (await call.read()).exit.code == 3
        assert await call.read() is grpc.aio.EOF


async def test_a_caller_that_leaves_ends_the_call_behind(kubelet: FakeKubelet, admin: Client) -> None:
    call = stub(admin).Logs(pb.LogsRequest(namespace="default", pod="web", follow=True))
    async with asyncio.timeout(WITHIN_S):
        assert (await call.read()).data == b"line\n"
        call.cancel()
        await kubelet.cancelled.wait()


async def test_the_components_error_arrives_as_it_is(kubelet: FakeKubelet, admin: Client) -> None:
    with pytest.raises(NotFound, match="container missing is not in the pod"):
        await _logs(admin, container="missing")


async def test_what_cannot_be_relayed_is_told(kubelet: FakeKubelet, admin: Client, pod: Make, cluster: Cluster) -> None:
    with pytest.raises(NotFound, match='pods "nowhere" not found'):
        await _logs(admin, pod="nowhere")
    await admin.create(pod("homeless"))
    with pytest.raises(BadRequest, match="on no node yet"):
        await _logs(admin, pod="homeless")
    with pytest.raises(BadRequest, match="must name the pod"):
        await _logs(admin, pod="")
    with pytest.raises(Forbidden, match='cannot get resource "pods/log"'):
        await _logs(await cluster.client("jane"))


async def test_a_component_that_cannot_be_reached_is_named_with_its_address(
    cluster: Cluster, admin: Client, node: Make, pod: Make
) -> None:
    async with _serving(cluster) as (_, port):
        pass
    await admin.create(node("n1", "127.0.0.1", port))
    await admin.create(pod("web", node="n1"))
    with pytest.raises(ServiceUnavailable, match=f'the kubelet of node "n1" at 127.0.0.1:{port} cannot be reached'):
        await _logs(admin)
    scheduler: Any = scheduler_pb2_grpc.SchedulerStub(admin.channel)
    with pytest.raises(grpc.aio.AioRpcError, match=f"the scheduler at {cluster.settings.scheduler} cannot be reached"):
        await scheduler.Explain(scheduler_pb2.ExplainRequest(namespace="default", name="web"))


async def _logs(client: Client, **request: Any) -> None:
    asked = {"namespace": "default", "pod": "web"} | request
    try:
        async for _ in stub(client).Logs(pb.LogsRequest(**asked), timeout=WITHIN_S):
            pass
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
