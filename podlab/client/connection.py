"""The connection of a client to the API servers, made anew when the certificates change that it stands on."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import grpc

from podlab.client.servers import Servers
from podlab.client.tracecontext import interceptors
from podlab.errors import METADATA_OPTIONS
from podlab.tls import Loaded, Tls
from podlab.v1 import apiserver_pb2, apiserver_pb2_grpc

LOOKED_AT_EVERY_S = 1.0
CONNECTED_WITHIN_S = 5.0
# More than any call has but watches, which go on over the new connection.
CALLS_END_WITHIN_S = 600.0
_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5_000),  # despite its name: how long one attempt, TLS included, may take
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # Components and tests of one process must not share a connection that carries another's certificate.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),  # a proxy of the environment is for the world outside, not for the cluster
    *METADATA_OPTIONS,
)
WatchCall = grpc.aio.UnaryStreamCall[apiserver_pb2.WatchRequest, apiserver_pb2.WatchResponse]
T = TypeVar("T")
log = logging.getLogger(__name__)


class ApiConnection:
    """`channel` and `stub` are those of now: calls go on where they began, new ones begin here."""

    def __init__(
        self, servers: Servers, tls: Tls, agent: str, in_force: Callable[[Loaded], None], traceparent: str = ""
    ) -> None:
        """`in_force` is told what the connection shows and trusts, now and whenever it changes. With a `traceparent`
        all calls are made in that trace. Raises OSError, ValueError."""
        self._interceptors = interceptors(traceparent)
        self._options = [*_OPTIONS, *servers.options(), ("grpc.primary_user_agent", agent)]
        self._target = servers.target(random.SystemRandom())
        self._in_force = in_force
        self._renewed = tls.renewed()
        self._loaded = self._renewed()
        self._watches: set[WatchCall] = set()
        self._moved: set[WatchCall] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self.channel = self._dialled(self._loaded)
        self.stub: apiserver_pb2_grpc.ApiServerAsyncStub = apiserver_pb2_grpc.ApiServerStub(self.channel)
        in_force(self._loaded)

    def _dialled(self, loaded: Loaded) -> grpc.aio.Channel:
        return grpc.aio.secure_channel(
            self._target,
            loaded.channel_credentials(),
            options=self._options,
            interceptors=self._interceptors or None,
        )

    async def follow(self) -> None:
        """Look at the files for ever."""
        while True:
            await asyncio.sleep(LOOKED_AT_EVERY_S)
            await self.renew()

    async def renew(self) -> None:
        """Go over to another connection if the files changed, once a server accepts it: what stands is kept till then,
        and so it is where a new authority has reached us and not yet the server."""
        loaded = self._renewed()
        if loaded is self._loaded:
            return
        channel = self._dialled(loaded)
        try:
            is_accepted = await connected(channel, CONNECTED_WITHIN_S)
        except BaseException:
            await channel.close()
            raise
        # One that cannot connect either has nothing to lose.
        if not is_accepted and await connected(self.channel, 0):
            await channel.close()
            return
        self._go_over(channel, loaded)

    def _go_over(self, channel: grpc.aio.Channel, loaded: Loaded) -> None:
        old, self.channel, self._loaded = self.channel, channel, loaded
        self.stub = apiserver_pb2_grpc.ApiServerStub(channel)
        for call in list(self._watches):
            self._moved.add(call)
            call.cancel()
        leaving = asyncio.create_task(old.close(CALLS_END_WITHIN_S))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        self._in_force(loaded)
        log.info("connected with the certificates that are in force now")

    def watch(self, request: apiserver_pb2.WatchRequest) -> WatchCall:
        """Whoever is done with it calls `ended`."""
        call: WatchCall = self.stub.Watch(request)
        self._watches.add(call)
        return call

    def is_moved(self, call: WatchCall) -> bool:
        """Whether it was ended because the connection changed, and nobody else wants its reader to end: watch again."""
        task = asyncio.current_task()
        return call in self._moved and not (task is not None and task.cancelling())

    def ended(self, call: WatchCall) -> None:
        """Nobody reads it any more."""
        call.cancel()
        self._watches.discard(call)
        self._moved.discard(call)

    async def close(self) -> None:
        """End it, and the calls that are under way."""
        for task in list(self._leaving):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self.channel.close()


async def connected(channel: grpc.aio.Channel, within_s: float) -> bool:
    """Whether the connection stands, waited for at most so long; tries to make it."""
    try:
        async with asyncio.timeout(within_s):
            while (state := channel.get_state(try_to_connect=True)) is not grpc.ChannelConnectivity.READY:
                await channel.wait_for_state_change(state)
    except TimeoutError:
        return False
    return True
