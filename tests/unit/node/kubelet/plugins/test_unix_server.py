from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from podlab_testing.waiting import WITHIN_S

# As in life, a restart is another process: within one, gRPC removes an old server's socket after the new one has bound.
SERVER = """
import asyncio, sys
from pathlib import Path
from grpc_health.v1 import health, health_pb2_grpc
from node.kubelet.plugins import unix_server

def add(server):
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)

asyncio.run(unix_server.run(Path(sys.argv[1]), add))
"""


@asynccontextmanager
async def _served(socket: Path) -> AsyncIterator[None]:
    """Another process serves, and is killed at the end: the socket stays."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVER, str(socket))
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def _answer(socket: Path) -> int:
    async with grpc.aio.insecure_channel(f"unix:{socket}", options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest()
        return int((await stub.Check(request, timeout=WITHIN_S, wait_for_ready=True)).status)


async def test_a_restart_makes_the_socket_anew() -> None:
    with TemporaryDirectory(prefix="sockets-") as directory:
        socket, made = Path(directory) / "below" / "kubelet.sock", []
        for _ in range(2):
            async with _served(socket):
                assert await _answer(socket) == health_pb2.HealthCheckResponse.SERVING
                made.append(socket.stat().st_ctime_ns)
        assert made[0] != made[1]
