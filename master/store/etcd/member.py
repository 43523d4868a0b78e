"""One member of etcd: a connection to it, and what is under way there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias, TypeVar

import grpc

from master.store.etcd.access import ClientTls
from podlab.foreign.etcd.v3 import rpc_pb2 as rpc
from podlab.foreign.etcd.v3 import rpc_pb2_grpc

Metadata: TypeAlias = tuple[tuple[str, str], ...]
Request = TypeVar("Request")
Answer = TypeVar("Answer")
Stream: TypeAlias = grpc.aio.StreamStreamCall[rpc.WatchRequest, rpc.WatchResponse]

# A member that has lost its leader says so, rather than to keep the caller.
NEEDS_LEADER: Metadata = (("hasleader", "true"),)
_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_retries", 0),  # what was sent is not sent again behind our back
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.keepalive_time_ms", 10_000),  # etcd refuses more than one in 5 s
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),  # which is how long connecting may take
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


class Left(Exception):  # no error: another member is asked
    """The member was given up while a call was under way. What the call asked for may have been done."""


class Member:
    """Connects when it is first asked. Lives in the event loop."""

    def __init__(self, endpoint: str, tls: ClientTls | None) -> None:
        """Raises OSError for a file that cannot be read."""
        self.endpoint = endpoint
        self._tls = tls
        self.heard_s = float("-inf")
        """When it last answered, by the event loop's clock."""
        self._under_way: set[grpc.aio.Call] = set()
        self._streams: set[grpc.aio.Call] = set()
        self._stamps = _stamps(tls)
        self._connect()

    def _connect(self) -> None:
        if self._tls is None:
            self.channel = grpc.aio.insecure_channel(self.endpoint, options=_OPTIONS)
        else:
            self.channel = grpc.aio.secure_channel(self.endpoint, self._tls.credentials(), options=_OPTIONS)
        self.kv = rpc_pb2_grpc.KVStub(self.channel)
        self.auth = rpc_pb2_grpc.AuthStub(self.channel)
        self.maintenance = rpc_pb2_grpc.MaintenanceStub(self.channel)
        self._watch = rpc_pb2_grpc.WatchStub(self.channel)

    async def renewed(self) -> None:
        """Connect anew where certificates were changed since. Raises OSError."""
        stamps = _stamps(self._tls)
        if stamps != self._stamps:
            old, self._stamps = self.channel, stamps
            self._connect()
            await old.close()

    async def ask(
        self,
        method: Callable[[Member], grpc.aio.UnaryUnaryMultiCallable[Request, Answer]],
        request: Request,
        *,
        metadata: Metadata,
        timeout_s: float,
    ) -> Answer:
        """Raises grpc.aio.AioRpcError, and Left."""
        call = method(self)(request, metadata=(*NEEDS_LEADER, *metadata), timeout=timeout_s)
        self._under_way.add(call)
        try:
            answer = await call
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            raise Left from None
        finally:
            self._under_way.discard(call)
        self.heard_s = asyncio.get_running_loop().time()
        return answer

    def stream(self, metadata: Metadata) -> Stream:
        """Of watches. Whoever is done with it calls `ended`."""
        call = self._watch.Watch(metadata=(*NEEDS_LEADER, *metadata))
        self._streams.add(call)
        return call

    def ended(self, call: Stream) -> None:
        """Nobody reads it any more."""
        call.cancel()
        self._streams.discard(call)

    def under_way(self) -> frozenset[grpc.aio.Call]:
        """What has been asked and not been answered yet, but for streams."""
        return frozenset(self._under_way)

    def give_up(self, calls: frozenset[grpc.aio.Call]) -> None:
        """End those that are still under way: each caller gets Left."""
        for call in calls & self._under_way:
            call.cancel()

    def leave(self) -> None:
        """End what is under way: each caller gets Left, and each stream is cancelled."""
        for call in (*self._under_way, *self._streams):
            call.cancel()

    async def close(self) -> None:
        """Leave, and end the connection."""
        self.leave()
        await self.channel.close()


def is_cancelled() -> bool:
    """Whether it is the running task that was cancelled, rather than a call that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _stamps(tls: ClientTls | None) -> tuple[int, ...]:
    return tuple(path.stat().st_mtime_ns for path in tls.files()) if tls is not None else ()
