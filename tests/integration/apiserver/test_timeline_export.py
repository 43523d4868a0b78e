"""Ways of pods, told to a collector that reads them with OpenTelemetry's own messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from podlab_testing.cluster import Authority, Cluster
from podlab_testing.ports import reserved_ports
from podlab_testing.waiting import WITHIN_S

from master.apiserver.app.tracing import exporter
from podlab.client.client import Client
from podlab.core.v1.pod_pb2 import Pod
from podlab.spans.way import Way
from podlab.v1 import timeline_pb2 as pb

Make = Callable[..., Any]
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """A collector that keeps what it is told."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[trace_service_pb2.ExportTraceServiceRequest] = asyncio.Queue()

    async def Export(self, request: Any, context: Any) -> trace_service_pb2.ExportTraceServiceResponse:  # noqa: N802
        self.told.put_nowait(request)
        return trace_service_pb2.ExportTraceServiceResponse()

    async def next(self) -> tuple[dict[str, list[Span]], dict[str, str]]:
        """The spans of each service, and the attributes of the first resource."""
        async with asyncio.timeout(WITHIN_S):
            request = await self.told.get()
        spans = {
            _texts(each.resource.attributes)["service.name"]: list(each.scope_spans[0].spans)
            for each in request.resource_spans
        }
        return spans, _texts(request.resource_spans[0].resource.attributes)


def _texts(attributes: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in attributes}


@asynccontextmanager
async def _listening(receiver: Receiver, port: int) -> AsyncIterator[None]:
    server = grpc.aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(receiver, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)


@pytest.fixture
def port() -> Iterator[int]:
    with reserved_ports(1) as (port,):
        yield port


@pytest.fixture
async def exporting(cluster: Cluster, port: int, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The cluster, whose API server tells the collector at the port."""
    monkeypatch.setattr(exporter, "RETRY_S", 0.2)
    monkeypatch.setattr(exporter, "SETTLED_AFTER_S", 0.2)
    await cluster.stop()
    cluster.settings = replace(cluster.settings, otlp_endpoint=f"http://127.0.0.1:{port}")
    await cluster.start()
    return cluster


async def _ready_pod(client: Client, pod: Make, name: str = "web") -> Pod:
    made: Pod = await client.create(pod(name))
    made.status.conditions.add(type="Ready", status="True")
    return await client.update_status(made)


async def test_a_pod_that_is_ready_is_told_as_one_trace_under_its_uid(exporting: Cluster, port: int, pod: Make) -> None:
    receiver = Receiver()
    async with _listening(receiver, port):
        made = await _ready_pod(await exporting.client(), pod)
        spans, about = await receiver.next()
    root, stored = spans["podlab-apiserver"]
    assert about["k8s.pod.name"] == "web"
    assert (root.name, root.parent_span_id) == ("pod default/web", b"")
    assert (stored.name, stored.parent_span_id) == ("admitted and stored", root.span_id)
    assert {each.trace_id.hex() for each in (root, stored)} == {made.metadata.uid.replace("-", "")}
    assert root.start_time_unix_nano <= stored.start_time_unix_nano < stored.end_time_unix_nano
    assert len({root.span_id, stored.span_id}) == 2


async def test_the_trace_is_linked_to_that_of_who_asked_for_the_pod(
    exporting: Cluster, port: int, pod: Make, authority: Authority
) -> None:
    receiver = Receiver()
    async with _listening(receiver, port), Client(exporting.server, authority.tls(), traceparent=CALLER) as client:
        await _ready_pod(client, pod)
        spans, _ = await receiver.next()
    (link,) = spans["podlab-apiserver"][0].links
    assert f"00-{link.trace_id.hex()}-{link.span_id.hex()}-01" == CALLER


async def test_what_a_collector_has_missed_it_is_told_when_it_is_back(
    exporting: Cluster, port: int, pod: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()
    monkeypatch.setattr(exporter.log, "warning", lambda *_: failed.set())
    await _ready_pod(await exporting.client(), pod)
    async with asyncio.timeout(WITHIN_S):
        await failed.wait()
    receiver = Receiver()
    async with _listening(receiver, port):
        spans, _ = await receiver.next()
    assert spans["podlab-apiserver"][0].name == "pod default/web"


async def test_a_fault_while_a_timeline_is_told_does_not_end_the_server(
    exporting: Cluster, port: int, pod: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failed = exporter.way, asyncio.Event()

    def broken(answer: pb.PodTimelineResponse) -> Way:
        if failed.is_set():
            return real(answer)
        failed.set()
        raise ValueError("a fault")

    monkeypatch.setattr(exporter, "way", broken)
    receiver, client = Receiver(), await exporting.client()
    async with _listening(receiver, port):
        await _ready_pod(client, pod)
        spans, _ = await receiver.next()
    assert failed.is_set()
    assert spans["podlab-apiserver"][0].name == "pod default/web"
    assert (await client.get(Pod, "web", "default")).metadata.name == "web"
