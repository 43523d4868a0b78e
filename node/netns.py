"""Sockets in other network namespaces, and namespaces of our own. A thread enters, does one thing, and ends."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

_CLONE_NEWNET = 0x40000000
_GET_MTU, _SET_MTU = 0x8921, 0x8922  # linux/sockios.h
_OWN = "/proc/thread-self/ns/net"


def of_process(pid: int) -> str:
    """The path of a process' network namespace."""
    return f"/proc/{pid}/ns/net"


async def make_socket(
    namespace: str | None, family: socket.AddressFamily, kind: socket.SocketKind = socket.SOCK_STREAM
) -> socket.socket:
    """A socket in the namespace of that path; None is our own. Whoever is cancelled meanwhile leaves none behind.

    Raises OSError.
    """
    with ThreadPoolExecutor(1) as once:
        making = once.submit(_socket, namespace, family, kind)
        try:
            return await asyncio.wrap_future(making)
        except asyncio.CancelledError:
            once.shutdown()
            if not making.cancelled() and making.exception() is None:
                making.result().close()
            raise


async def mtu_of(namespace: str, interface: str) -> int:
    """Of an interface there. Raises OSError."""
    with await make_socket(namespace, socket.AF_INET, socket.SOCK_DGRAM) as made:
        asked = struct.pack("16si", interface.encode(), 0)  # struct ifreq
        return int(struct.unpack_from("16si", fcntl.ioctl(made, _GET_MTU, asked))[1])


async def set_mtu(namespace: str, interface: str, mtu: int) -> None:
    """Of an interface there, in bytes. Raises OSError."""
    with await make_socket(namespace, socket.AF_INET, socket.SOCK_DGRAM) as made:
        fcntl.ioctl(made, _SET_MTU, struct.pack("16si", interface.encode(), mtu))


@contextlib.asynccontextmanager
async def new() -> AsyncIterator[str]:
    """The path of a new namespace, which has no name and goes with the block, or with this process. Raises OSError."""
    with ThreadPoolExecutor(1) as once:
        descriptor = await asyncio.wrap_future(once.submit(_unshare))
    try:
        yield f"/proc/{os.getpid()}/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _socket(namespace: str | None, family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
    """The calling thread stays in the namespace, so it must end."""
    if namespace is not None:
        _enter(namespace)
    made = socket.socket(family, kind)
    made.setblocking(False)
    return made


def _unshare() -> int:
    """A descriptor of the new namespace, which holds it."""
    _done(ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET))
    return os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)


def _enter(path: str) -> None:
    namespace = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _done(ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET))
    finally:
        os.close(namespace)


def _done(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
