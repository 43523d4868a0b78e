"""Connections to components, opened with the apiserver's own certificate and kept."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from master.apiserver.egress.kubelet.target import Target
from podlab.errors import METADATA_OPTIONS, ServiceUnavailable
from podlab.tls import Tls

DIAL_LIMIT_S = 5.0
# Sessions in containers go on over the connection that they began on.
STREAMS_END_WITHIN_S = 86_400.0
_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),  # of each ping, a minute otherwise
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", int(DIAL_LIMIT_S * 1000)),  # despite its name: how long one attempt may take
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),  # a proxy of the environment is for the world outside, not for the cluster
    *METADATA_OPTIONS,
)
_SETTLED = (grpc.ChannelConnectivity.READY, grpc.ChannelConnectivity.SHUTDOWN)


class Dialer:
    """One connection for each address, and each name that it has to prove. When certificates change, the next call gets
    a new one, and those that are under way go on over the old one. Raises OSError, ValueError for certificates."""

    def __init__(self, tls: Tls, *, limit_s: float = DIAL_LIMIT_S) -> None:
        self._renewed = tls.renewed()
        self._loaded = self._renewed()
        self._leaving: set[asyncio.Task[None]] = set()
        self._limit_s = limit_s
        self._channels: dict[tuple[str, str], grpc.aio.Channel] = {}

    async def dial(self, target: Target) -> grpc.aio.Channel:
        """A connection that stands, or that has just been refused: a call on it then fails with the reason.

        Raises ServiceUnavailable when nothing answers within the limit.
        """
        self._follow()
        channel = self._channels.get((target.address, target.host))
        if channel is None:
            named = (("grpc.ssl_target_name_override", target.host),) if target.host else ()
            credentials = self._loaded.channel_credentials()
            channel = grpc.aio.secure_channel(target.address, credentials, options=(*_OPTIONS, *named))
            self._channels[target.address, target.host] = channel
        try:
            async with asyncio.timeout(self._limit_s):
                await _attempt(channel)
        except TimeoutError as error:
            if channel.get_state() is grpc.ChannelConnectivity.TRANSIENT_FAILURE:
                return channel  # it was refused again and again; the call says by whom
            raise ServiceUnavailable(
                f"{target} cannot be reached: no answer within {self._limit_s:.0f} s; is the host up?"
            ) from error
        return channel

    async def close(self) -> None:
        """Close all connections."""
        for task in list(self._leaving):
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        for channel in self._channels.values():
            await channel.close()
        self._channels.clear()

    def _follow(self) -> None:
        if (loaded := self._renewed()) is self._loaded:
            return
        self._loaded = loaded
        for old in self._channels.values():
            leaving = asyncio.create_task(old.close(STREAMS_END_WITHIN_S))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        self._channels.clear()


async def _attempt(channel: grpc.aio.Channel) -> None:
    """Wait until the connection stands, or an attempt has failed since this call began."""
    state = channel.get_state(try_to_connect=True)
    tried = state is not grpc.ChannelConnectivity.TRANSIENT_FAILURE
    while state not in _SETTLED:
        if state is grpc.ChannelConnectivity.TRANSIENT_FAILURE and tried:
            return
        await channel.wait_for_state_change(state)
        tried = True
        state = channel.get_state(try_to_connect=True)
