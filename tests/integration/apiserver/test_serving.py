"""The server as a process and as a gRPC server."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import signal
import sys
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from podlab_testing.cluster import Cluster
from podlab_testing.waiting import WITHIN_S

from master.apiserver.app import assembly
from master.apiserver.app.server import running
from master.apiserver.flowcontrol.inflight_limits import REQUEST_BYTES, InflightLimits
from podlab.client.client import Client
from podlab.core.v1 import config_pb2
from podlab.errors import RequestTooLarge, ServiceUnavailable, TooManyRequests


async def test_health_and_reflection_answer(admin: Client) -> None:
    health: Any = health_pb2_grpc.HealthStub(admin.channel)
    answer = await health.Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    reflection: Any = reflection_pb2_grpc.ServerReflectionStub(admin.channel)
    call = reflection.ServerReflectionInfo()
    await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    listed = await call.read()
    names = {service.name for service in listed.list_services_response.service}
    assert names >= {f"podlab.v1.{name}" for name in ("ApiServer", "Kubelet", "Proxy", "Scheduler")}
    await call.write(reflection_pb2.ServerReflectionRequest(file_containing_symbol="podlab.v1.ApiServer"))
    assert (await call.read()).file_descriptor_response.file_descriptor_proto
    call.cancel()


async def test_a_client_that_knows_only_reflection_can_call(cluster: Cluster) -> None:
    """As grpcurl does: services, methods and messages are learnt from the server, none is known before."""

    def learn_and_call() -> dict[str, Any]:
        with grpc.secure_channel(cluster.server, cluster.authority.tls().channel_credentials()) as channel:
            known = ProtoReflectionDescriptorDatabase(channel)
            assert "podlab.v1.ApiServer" in known.get_services()
            method = DescriptorPool(known).FindServiceByName("podlab.v1.ApiServer").methods_by_name["Get"]
            request, answer = (GetMessageClass(kind) for kind in (method.input_type, method.output_type))
            call = channel.unary_unary(
                "/podlab.v1.ApiServer/Get",
                request_serializer=request.SerializeToString,
                response_deserializer=answer.FromString,
            )
            told: Any = call(request(kind="Service", namespace="default", name="kubernetes"), timeout=WITHIN_S)
            return json_format.MessageToDict(told)

    told = await asyncio.to_thread(learn_and_call)
    assert told["object"]["service"]["spec"]["clusterIP"] == "10.96.0.1"


async def test_a_port_that_is_taken_is_named(cluster: Cluster, tmp_path: Path) -> None:
    settings = dataclasses.replace(cluster.settings, data_dir=tmp_path / "second")
    with pytest.raises(RuntimeError, match=f"cannot listen on 127.0.0.1:{settings.port}"):
        async with running(settings):
            pass


async def test_the_process_keeps_what_it_acknowledged_when_it_is_killed(
    cluster: Cluster, tmp_path: Path, config_map: Any
) -> None:
    await cluster.stop()
    config = cluster.settings_file(tmp_path)
    command = (sys.executable, "-m", "master.apiserver.main", "--config", str(config))
    client = await cluster.client()
    process = await asyncio.create_subprocess_exec(*command)
    try:
        await _answers(client)
        await client.create(config_map("kept"))
        process.kill()
        await process.wait()
        process = await asyncio.create_subprocess_exec(*command)
        await _answers(client)
        assert await client.get(config_pb2.ConfigMap, "kept", "default")
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), WITHIN_S) == 0


async def _answers(client: Client) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            try:
                await client.version()
                return
            except ServiceUnavailable:
                await asyncio.sleep(0.05)


async def test_a_request_above_the_limit_is_refused_unread(admin: Client, config_map: Any) -> None:
    with pytest.raises(RequestTooLarge, match="Received message larger than max"):
        await admin.create(config_map("huge", filling="x" * REQUEST_BYTES))
    assert await admin.create(config_map("small"))


async def test_a_user_with_too_many_streams_is_told_when_to_come_again(
    cluster: Cluster, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cluster.stop()
    monkeypatch.setattr(assembly, "InflightLimits", functools.partial(InflightLimits, calls=10, streams=2))
    await cluster.start()
    async with asyncio.timeout(WITHIN_S), AsyncExitStack() as open_watches:
        assert await admin.connected(WITHIN_S)
        for _ in range(2):
            watch = await open_watches.enter_async_context(aclosing(admin.watch(config_pb2.ConfigMap)))
            await anext(watch)
        with pytest.raises(TooManyRequests) as refused:
            await anext(admin.watch(config_pb2.ConfigMap))
        assert refused.value.retry_after_s == 1
        assert await admin.list(config_pb2.ConfigMap)  # calls are counted apart
        await anext((await cluster.client("jane", "system:masters")).watch(config_pb2.ConfigMap))
    async with asyncio.timeout(WITHIN_S):
        while True:  # those that were closed count no longer, as soon as the server has heard of it
            with contextlib.suppress(TooManyRequests):
                await anext(admin.watch(config_pb2.ConfigMap))
                break


async def test_a_slow_handshake_is_waited_for(cluster: Cluster) -> None:
    """A busy host takes its time; the client's patience with one attempt is seconds."""
    pipes: set[asyncio.Task[None]] = set()

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            await asyncio.sleep(0.1)  # the slow network itself
            writer.write(data)
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", cluster.settings.port)
        for source, sink in ((reader, there_writer), (there_reader, writer)):
            pipes.add(asyncio.create_task(slowly(source, sink)))

    network = await asyncio.start_server(connect, "127.0.0.1", 0)
    port = network.sockets[0].getsockname()[1]
    async with Client(f"127.0.0.1:{port}", cluster.authority.tls()) as client:
        assert (await client.version()).cluster_name == "test"
    network.close()
    await asyncio.wait(pipes, timeout=WITHIN_S)
