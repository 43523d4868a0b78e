"""One TCP connection to a port of a pod, as from inside of it.

The socket is made in the pod's network namespace, where it stays for all its life, by a thread that enters there for
that moment and ends. So whatever listens in the pod is reached, on its loopback too, and TCP itself holds back whoever
is faster than the other side.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from node.kubelet.server.remote_command import FAREWELL_S
from podlab.errors import InternalError
from podlab.v1 import kubelet_pb2

CONNECT_TIMEOUT_S = 10.0
READ_BYTES = 64 * 1024
# The pod has said its last, and the caller has not: what comes in this time is still passed on.
LINGER_S = 1.0
_LOOPBACKS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_CLONE_NEWNET = 0x40000000

Response = kubelet_pb2.PortForwardResponse


async def forward(
    pid: int | None, port: int, requests: AsyncIterator[kubelet_pb2.PortForwardRequest]
) -> AsyncIterator[Response]:
    """What the pod says, until both have said their last. Raises InternalError.

    `pid` is of a process in the pod's network; None is the host's own.
    """
    reader, writer = await _connected(pid, port)
    feeding = asyncio.create_task(_feed(writer, requests))
    try:
        while chunk := await _read(reader):
            yield Response(data=chunk)
        yield Response(data_end=True)
        await asyncio.wait((feeding,), timeout=LINGER_S)
        writer.transport.abort()
        await asyncio.wait((feeding,), timeout=FAREWELL_S)  # a call that ends while its caller writes is broken off
    finally:
        feeding.cancel()
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(READ_BYTES)
    except ConnectionError:
        return b""


async def _feed(writer: asyncio.StreamWriter, requests: AsyncIterator[kubelet_pb2.PortForwardRequest]) -> None:
    """What the caller says, to its last word; once the pod's side has gone, which its reader sees as well, nowhere."""
    is_there = True
    async for request in requests:
        if request.WhichOneof("message") != "data":
            break
        if is_there and not writer.transport.is_closing():
            try:
                writer.write(request.data)
                await writer.drain()
            except ConnectionError:
                is_there = False
    if is_there and not writer.transport.is_closing():
        with contextlib.suppress(ConnectionError):
            writer.write_eof()


async def _connected(pid: int | None, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    why: list[str] = []
    for family, address in _LOOPBACKS:
        try:
            return await _connection(pid, family, address, port)
        except TimeoutError:
            why.append(f"dial tcp {address}:{port}: no answer within {CONNECT_TIMEOUT_S:.0f} s")
        except OSError as error:
            told = os.strerror(error.errno).lower() if error.errno else str(error)
            why.append(f"dial tcp {address}:{port}: connect: {told}")
    raise InternalError(f"failed to connect to localhost:{port} inside the pod's network: {'; '.join(why)}")


async def _connection(
    pid: int | None, family: socket.AddressFamily, address: str, port: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as once:
        made = await loop.run_in_executor(once, _socket, pid, family)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await loop.sock_connect(made, (address, port))
            return await asyncio.open_connection(sock=made)
    except BaseException:
        made.close()
        raise


def _socket(pid: int | None, family: socket.AddressFamily) -> socket.socket:
    """A socket of the network that the process is in. Ends in that network: the calling thread must not go on."""
    if pid is not None:
        _enter(pid)
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    return made


def _enter(pid: int) -> None:
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(namespace)
