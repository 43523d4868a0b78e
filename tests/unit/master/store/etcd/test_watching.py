from __future__ import annotations

import asyncio
import socket

import grpc
import pytest
from podlab_testing.waiting import WITHIN_S

from master.store.etcd.watching import sent
from podlab.foreign.etcd.v3 import rpc_pb2, rpc_pb2_grpc


async def test_a_stream_that_ends_before_it_began_keeps_nobody_waiting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{silent.getsockname()[1]}") as channel:
            stream = rpc_pb2_grpc.WatchStub(channel).Watch()
            sending = asyncio.ensure_future(sent(stream, rpc_pb2.WatchRequest()))
            await asyncio.sleep(0)  # it waits for the connection
            stream.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(sending, WITHIN_S)
