from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from podlab_testing.waiting import WITHIN_S

from master.apiserver.egress.kubelet.dialing import Dialer
from master.apiserver.egress.kubelet.target import Target
from podlab import pki
from podlab.errors import ServiceUnavailable
from podlab.tls import Tls

LIMIT_S = 0.3


@pytest.fixture
async def dialer(tmp_path: Path) -> AsyncIterator[Dialer]:
    authority = pki.ensure_ca(tmp_path)
    pki.ensure_certificate(authority, tmp_path, "apiserver", "system:apiserver", ["system:masters"], ["127.0.0.1"])
    made = Dialer(Tls(tmp_path / "ca.crt", tmp_path / "apiserver.crt", tmp_path / "apiserver.key"), limit_s=LIMIT_S)
    yield made
    await made.close()


@asynccontextmanager
async def silent_host() -> AsyncIterator[int]:
    """Takes connections, and says nothing."""
    ended = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        ended.set()
        server.close()


async def test_a_host_that_says_nothing_is_given_up_after_the_limit(dialer: Dialer) -> None:
    async with silent_host() as port:
        target = Target("the kubelet", f"127.0.0.1:{port}")
        for _ in range(2):
            with pytest.raises(ServiceUnavailable, match=f"the kubelet at 127.0.0.1:{port} cannot be reached"):
                await asyncio.wait_for(dialer.dial(target), WITHIN_S)


async def test_a_port_where_nobody_listens_is_not_waited_for(dialer: Dialer) -> None:
    async with silent_host() as port:
        pass
    await asyncio.wait_for(dialer.dial(Target("the scheduler", f"127.0.0.1:{port}")), WITHIN_S)


async def test_another_hosts_certificate_is_not_taken_for_the_nodes(tmp_path: Path, dialer: Dialer) -> None:
    """It is good for the address: a node may say that it has the address of another."""
    pki.ensure_certificate(
        pki.ensure_ca(tmp_path), tmp_path, "n2", "system:node:n2", ["system:nodes"], ["n2", "127.0.0.1"]
    )
    server = grpc.aio.server()
    credentials = Tls(tmp_path / "ca.crt", tmp_path / "n2.crt", tmp_path / "n2.key").server_credentials()
    address = f"127.0.0.1:{server.add_secure_port('127.0.0.1:0', credentials)}"
    await server.start()
    try:
        for host, state in (("n2", grpc.ChannelConnectivity.READY), ("n1", grpc.ChannelConnectivity.TRANSIENT_FAILURE)):
            channel = await dialer.dial(Target("the kubelet", address, host))
            assert channel.get_state() is state
    finally:
        await server.stop(None)
