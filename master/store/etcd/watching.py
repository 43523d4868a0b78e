"""Watches of etcd: one stream for each, on whichever member is in use."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import grpc

from master.store.contract import Change
from master.store.errors import Compacted, Refused, Unreachable
from master.store.etcd.answers import Meaning, meaning, remedy
from master.store.etcd.following import Following
from master.store.etcd.keyspace import Keyspace
from master.store.etcd.member import Left, Member, Stream, is_cancelled
from master.store.etcd.members import Members, told
from podlab.foreign.etcd.v3 import rpc_pb2 as rpc

_ATTEMPTS = 5


class Watching:
    """Lives in the event loop."""

    def __init__(self, members: Members, space: Keyspace) -> None:
        self._members = members
        self._space = space

    async def followed(self, first: bytes, end: bytes, following: Following) -> AsyncGenerator[list[Change], None]:
        """The changes of keys from `first` up to `end`, until the stream ends: whoever goes on calls again.

        etcd itself would also watch from a revision whose own changes are gone: so it is asked for the last revision
        that was seen once more. Raises Compacted, Refused, Closed.
        """
        member = await self._members.usable()
        try:
            stream = member.stream(await self._members.metadata(member))
        except (grpc.aio.AioRpcError, Left) as error:
            self._lost(member, error)
            return
        start = max(1, following.seen)
        asked = rpc.WatchCreateRequest(key=first, range_end=end, start_revision=start, prev_kv=True, fragment=True)
        try:
            async with contextlib.aclosing(self._answers(member, stream, asked)) as answers:
                async for answer in answers:
                    if answer.canceled:
                        self._ended(member, answer, following.seen)
                        return
                    if changes := following.taken(answer):
                        yield changes
        finally:
            member.ended(stream)

    async def oldest(self) -> int:
        """The oldest revision that is kept. etcd tells it to whoever watches from an older one. Raises Unreachable."""
        for _ in range(_ATTEMPTS):
            following = Following(self._space, 0)
            try:
                async with contextlib.aclosing(self.followed(self._space.mark, b"", following)) as changes:
                    async for _ in changes:
                        return 1
            except Compacted as refusal:
                return refusal.oldest
        raise Unreachable(self._members.endpoints, f"it ended a watch, {_ATTEMPTS} times in a row")

    async def _answers(
        self, member: Member, stream: Stream, asked: rpc.WatchCreateRequest
    ) -> AsyncGenerator[rpc.WatchResponse, None]:
        """Those of one stream, up to its end, whatever ends it."""
        try:
            await sent(stream, rpc.WatchRequest(create_request=asked))
            async for answer in stream:
                yield answer
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
            self._lost(member, error)
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            self._members.check_open()  # else the member was given up

    def _ended(self, member: Member, answer: rpc.WatchResponse, seen: int) -> None:
        """etcd ended the watch, and said so."""
        if answer.compact_revision:
            raise Compacted(seen, answer.compact_revision)
        what = meaning(grpc.StatusCode.CANCELLED, answer.cancel_reason)
        if what is Meaning.STALE_TOKEN:
            self._members.forget_token()
        elif "permission denied" in answer.cancel_reason:
            raise Refused(member.endpoint, answer.cancel_reason, remedy("etcdserver: permission denied"))
        else:
            self._members.suspect(member, answer.cancel_reason or "it ended a watch")

    def _lost(self, member: Member, error: Exception) -> None:
        """The stream ended, or could not begin."""
        self._members.check_open()
        if isinstance(error, grpc.aio.AioRpcError):
            if meaning(error.code(), error.details() or "") is Meaning.STALE_TOKEN:
                self._members.forget_token()
            else:
                self._members.suspect(member, told(error))
        else:
            self._members.suspect(member, f"a watch ended: {error}")


async def sent(stream: Stream, request: rpc.WatchRequest) -> None:
    """Send it; is cancelled with the stream. A write of gRPC's waits for ever on a call that ended before it began."""
    writing = asyncio.ensure_future(stream.write(request))

    def ended(_: object) -> None:
        writing.cancel()

    stream.add_done_callback(ended)
    await writing
