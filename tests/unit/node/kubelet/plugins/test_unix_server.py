from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from node.kubelet.plugins import unix_server


def _add(server: grpc.aio.Server) -> None:
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)


async def _answer(socket: Path) -> int:
    async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest()
        return int((await stub.Check(request, timeout=10, wait_for_ready=True)).status)


async def test_a_restart_makes_the_socket_anew() -> None:
    with TemporaryDirectory(prefix="sockets-") as directory:
        socket, inodes = Path(directory) / "below" / "kubelet.sock", []
        for _ in range(2):
            task = asyncio.create_task(unix_server.run(socket, _add))
            assert await _answer(socket) == health_pb2.HealthCheckResponse.SERVING
            inodes.append(socket.stat().st_ctime_ns)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        assert inodes[0] != inodes[1]
