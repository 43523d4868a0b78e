"""Connections to ports, to real servers on loopback."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from podlab_testing.kubelet_pods import Listen
from podlab_testing.waiting import WITHIN_S

from node.kubelet.server.port_forward import forward
from podlab.errors import InternalError
from podlab.v1.kubelet_pb2 import PortForwardRequest, PortForwardResponse

# In the host's own network, and in that of a process, which here is the same.
networks = pytest.mark.parametrize(
    "pid",
    [None, pytest.param(os.getpid(), marks=pytest.mark.skipif(os.getuid() != 0, reason="root"))],
    ids=["of the host", "of a pod"],
)


async def _all(pid: int | None, port: int, *requests: PortForwardRequest) -> list[PortForwardResponse]:
    async def given() -> AsyncIterator[PortForwardRequest]:
        for request in requests:
            yield request

    async with asyncio.timeout(WITHIN_S):
        return [response async for response in forward(pid, port, given())]


@networks
async def test_the_answer_comes_after_the_callers_last_word(listen: Listen, pid: int | None) -> None:
    async def capitals(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())
        await writer.drain()

    big = b"x" * 300_000
    got = await _all(pid, await listen(capitals), PortForwardRequest(data=big), PortForwardRequest(data_end=True))
    assert b"".join(one.data for one in got) == big.upper()
    assert got[-1].data_end


async def test_a_port_that_nobody_listens_on_is_refused_in_words(unused_port: int) -> None:
    with pytest.raises(InternalError, match=f"localhost:{unused_port} inside .* connection refused"):
        await _all(None, unused_port)


async def test_a_connection_to_the_pods_address_is_told_before_anything_is_said(listen: Listen) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    ended = asyncio.Event()

    async def silent() -> AsyncIterator[PortForwardRequest]:
        await ended.wait()
        yield PortForwardRequest(data_end=True)

    port = await listen(mute)
    async with asyncio.timeout(WITHIN_S):
        responses = forward(None, port, silent(), pod_address="127.0.0.1")
        assert (await anext(responses)).connected
        ended.set()
        assert [one.data_end async for one in responses] == [True]


async def test_a_port_of_the_pods_address_that_is_closed_is_told_as_go_tells_it(unused_port: int) -> None:
    async def nothing() -> AsyncIterator[PortForwardRequest]:
        return
        yield PortForwardRequest()

    with pytest.raises(InternalError, match=f"^dial tcp 127.0.0.1:{unused_port}: connect: connection refused$"):
        await anext(aiter(forward(None, unused_port, nothing(), pod_address="127.0.0.1")))


async def test_a_pod_that_hangs_up_ends_it_though_the_caller_goes_on(listen: Listen) -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye")
        await writer.drain()

    async def endless() -> AsyncIterator[PortForwardRequest]:
        yield PortForwardRequest(data=b"hello")
        await asyncio.Event().wait()

    async with asyncio.timeout(WITHIN_S):
        responses = forward(None, await listen(rude), endless(), linger_s=0.1, close_timeout_s=0.1)
        got = [response async for response in responses]
    assert b"".join(one.data for one in got) == b"bye"
