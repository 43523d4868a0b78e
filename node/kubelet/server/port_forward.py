"""One TCP connection to a port of a pod, as from inside of it.

A thread enters the pod's network namespace, makes the socket there, and ends; the socket stays in the namespace. So
ports on the pod's loopback are reached too, and TCP's flow control works from end to end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator

from node import netns
from podlab.errors import InternalError
from podlab.v1 import kubelet_pb2

CONNECT_TIMEOUT_S = 10.0
READ_BYTES = 64 * 1024
# After the pod's side has closed, the caller's data is passed on for this time.
LINGER_S = 1.0
# How long the caller has to end the call after the last response.
CLOSE_TIMEOUT_S = 5.0
Addresses = tuple[tuple[socket.AddressFamily, str], ...]
_LOOPBACKS: Addresses = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))

Response = kubelet_pb2.PortForwardResponse


async def forward(
    pid: int | None,
    port: int,
    requests: AsyncIterator[kubelet_pb2.PortForwardRequest],
    *,
    pod_address: str = "",
    linger_s: float = LINGER_S,
    close_timeout_s: float = CLOSE_TIMEOUT_S,
) -> AsyncIterator[Response]:
    """The pod's data, until both sides have closed. Raises InternalError.

    `pid` is of a process in the pod's network namespace; None is the node's own. With a `pod_address` the connection is
    made to it, and `connected` is the first response.
    """
    reader, writer = await _connect(pid, port, _of(pod_address) if pod_address else _LOOPBACKS)
    input_task = asyncio.create_task(_pass_input(writer, requests))
    try:
        if pod_address:
            yield Response(connected=True)
        while chunk := await _read(reader):
            yield Response(data=chunk)
        yield Response(data_end=True)
        await asyncio.wait((input_task,), timeout=linger_s)
        writer.transport.abort()
        await asyncio.wait(
            (input_task,), timeout=close_timeout_s
        )  # gRPC breaks off a call that ends while its caller writes
    finally:
        input_task.cancel()
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(READ_BYTES)
    except ConnectionError:
        return b""


async def _pass_input(writer: asyncio.StreamWriter, requests: AsyncIterator[kubelet_pb2.PortForwardRequest]) -> None:
    """Passes the caller's data on, to its end. Data that comes after the pod's side has closed is dropped."""
    is_open = True
    async for request in requests:
        if request.WhichOneof("message") != "data":
            break
        if is_open and not writer.transport.is_closing():
            try:
                writer.write(request.data)
                await writer.drain()
            except ConnectionError:
                is_open = False
    if is_open and not writer.transport.is_closing():
        with contextlib.suppress(ConnectionError):
            writer.write_eof()


def _of(address: str) -> Addresses:
    return ((socket.AF_INET6 if ":" in address else socket.AF_INET, address),)


async def _connect(
    pid: int | None, port: int, addresses: Addresses
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    failures: list[str] = []
    for family, address in addresses:
        try:
            return await _connect_to(pid, family, address, port)
        except TimeoutError:
            failures.append(f"dial tcp {address}:{port}: no answer within {CONNECT_TIMEOUT_S:.0f} s")
        except OSError as error:
            reason = os.strerror(error.errno).lower() if error.errno else str(error)
            failures.append(f"dial tcp {address}:{port}: connect: {reason}")
    if addresses is not _LOOPBACKS:
        raise InternalError("; ".join(failures))
    raise InternalError(f"failed to connect to localhost:{port} inside the pod's network: {'; '.join(failures)}")


async def _connect_to(
    pid: int | None, family: socket.AddressFamily, address: str, port: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    made = await netns.make_socket(None if pid is None else netns.of_process(pid), family)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await loop.sock_connect(made, (address, port))
            return await asyncio.open_connection(sock=made)
    except BaseException:
        made.close()
        raise
