"""Which member of etcd is asked, and moving on from one that is dead, hangs, or is cut off from the others.

The member in use is asked for a linearizable read whenever it has not answered for half a second. Where it does not
answer that within a second, and another does, the other is used from then on. So a member that can be reached, but
knows nothing new because it is cut off from the others, is given up as well.

What was handed to a leader that died is lost, and the member that handed it on would wait seven seconds to say so. So
what is unanswered half a second after a new leader was heard of is given up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import grpc

from master.store.errors import Closed, Refused, Undecided, Unreachable
from master.store.etcd.access import Access
from master.store.etcd.answers import Meaning, meaning, remedy
from master.store.etcd.member import Answer, Left, Member, Metadata, Request
from podlab.foreign.etcd.v3 import rpc_pb2 as rpc

PATIENCE_S = 5.0
"""How long a caller waits for any member, and a commit for its answer."""
_PROBED_AFTER_S = 0.5
_PROBE_S = 1.0
_AGAIN_S = 0.2
_LEADER_CHANGED_S = 0.5

log = logging.getLogger(__name__)


class OutOfRange(Exception):  # a refusal that its caller puts into the store's words
    """The revision asked for is compacted, or has not happened."""

    def __init__(self, what: Meaning) -> None:
        super().__init__(what.name)
        self.meaning = what


class Members:
    """`open`, then ask. Lives in the event loop."""

    def __init__(self, access: Access, probed_key: bytes) -> None:
        """Raises OSError for a file that cannot be read."""
        self._access = access
        self._probe = rpc.RangeRequest(key=probed_key, keys_only=True)
        self._members = [Member(endpoint, access.tls) for endpoint in access.endpoints]
        self.current = self._members[0]
        self._usable = asyncio.Event()
        self._suspected = asyncio.Event()
        self._trouble = "it has not been asked yet"
        self._term = 0
        """The number of the leader's term, the highest that was heard of."""
        self._token: str | None = None
        self._renewing = asyncio.Lock()
        self._attending: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def endpoints(self) -> Sequence[str]:
        """Of all members that are known."""
        return self._access.endpoints

    async def open(self) -> None:
        """Find a member that answers. Raises Unreachable."""
        self._attending = asyncio.create_task(self._attend())
        await self.usable(PATIENCE_S)

    async def close(self) -> None:
        """Whoever waits gets Closed."""
        self._closed = True
        if self._attending is not None:
            self._attending.cancel()
            await asyncio.gather(self._attending, return_exceptions=True)
        self._usable.set()
        await asyncio.gather(*(member.close() for member in self._members))

    async def usable(self, patience_s: float | None = None) -> Member:
        """The member to ask. Raises Unreachable when none answers for so long, and Closed."""
        try:
            async with asyncio.timeout(patience_s):
                await self._usable.wait()
        except TimeoutError:
            raise Unreachable(self.endpoints, self._trouble) from None
        self.check_open()
        return self.current

    def check_open(self) -> None:
        """Raise Closed once it is."""
        if self._closed:
            raise Closed

    async def ask(
        self, method: Callable[[Member], grpc.aio.UnaryUnaryMultiCallable[Request, Answer]], request: Request
    ) -> Answer:
        """The answer to what may be asked twice. Raises OutOfRange, Refused, Unreachable, Closed."""
        return await self._asked(method, request, once=False)

    async def send(
        self, method: Callable[[Member], grpc.aio.UnaryUnaryMultiCallable[Request, Answer]], request: Request
    ) -> Answer:
        """The answer to what is done once. Raises Undecided when it may have been done, and as `ask`."""
        return await self._asked(method, request, once=True)

    async def _asked(
        self,
        method: Callable[[Member], grpc.aio.UnaryUnaryMultiCallable[Request, Answer]],
        request: Request,
        *,
        once: bool,
    ) -> Answer:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + PATIENCE_S
        while True:
            member = await self.usable(max(0.0, until_s - loop.time()))
            reason = "the connection was given up"
            try:
                metadata = await self.metadata(member)
                return await member.ask(method, request, metadata=metadata, timeout_s=PATIENCE_S)
            except Left:
                what = Meaning.UNKNOWN
            except grpc.aio.AioRpcError as error:
                reason = told(error)
                what = meaning(error.code(), error.details() or "")
                await self._judge(member, what, reason)
            if what is Meaning.UNKNOWN and once:
                raise Undecided(member.endpoint, reason)
            self.check_open()
            if loop.time() >= until_s:
                raise Unreachable(self.endpoints, reason)

    async def _judge(self, member: Member, what: Meaning, reason: str) -> None:
        """Prepare for asking again, or raise what ends it."""
        if what in (Meaning.COMPACTED, Meaning.FUTURE):
            raise OutOfRange(what)
        if what is Meaning.REFUSED:
            raise Refused(member.endpoint, reason, remedy(reason))
        if what is Meaning.STALE_TOKEN:
            self.forget_token()
        else:
            self.suspect(member, reason)

    def suspect(self, member: Member, reason: str) -> None:
        """Nobody is to ask it before it has answered again."""
        if member is self.current and not self._closed:
            self._trouble = f"{member.endpoint}: {reason}"
            self._usable.clear()
            self._suspected.set()

    async def metadata(self, member: Member) -> Metadata:
        """What shows who asks. Raises AioRpcError, Left."""
        if not self._access.user:
            return ()
        async with self._renewing:
            if self._token is None:
                request = rpc.AuthenticateRequest(name=self._access.user, password=self._access.password)
                answer = await member.ask(lambda to: to.auth.Authenticate, request, metadata=(), timeout_s=PATIENCE_S)
                self._token = answer.token
            return (("token", self._token),)

    def forget_token(self) -> None:
        """The next who asks gets a new one: tokens end, and with every change of etcd's users."""
        self._token = None

    async def _attend(self) -> None:
        """For ever, see that the current member is one that answers."""
        loop = asyncio.get_running_loop()
        while True:
            quiet_s = loop.time() - self.current.heard_s
            if not self._usable.is_set() or quiet_s >= _PROBED_AFTER_S:
                await self._look()
            self._suspected.clear()
            wait_s = _PROBED_AFTER_S if self._usable.is_set() else _AGAIN_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._suspected.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        """Use the current member if it answers, else the first of the others that does."""
        if await self._answers(self.current) or await self._moved():
            if not self._usable.is_set():
                log.info("etcd at %s answers", self.current.endpoint)
            self._usable.set()
        else:
            if self._usable.is_set():
                log.error("no member of etcd answers: %s", self._trouble)
            self._usable.clear()

    async def _moved(self) -> bool:
        """Go to the first of the others that answers; False when none does."""
        left = self.current
        others = [asyncio.create_task(self._answering(each)) for each in self._members if each is not left]
        try:
            for first in asyncio.as_completed(others):
                member = await first
                if member is not None:
                    log.warning("etcd at %s is given up for %s: %s", left.endpoint, member.endpoint, self._trouble)
                    self.current = member
                    left.leave()
                    return True
            return False
        finally:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    async def _answering(self, member: Member) -> Member | None:
        return member if await self._answers(member) else None

    async def _answers(self, member: Member) -> bool:
        """Whether it knows what is new: it answers a linearizable read, or refuses it."""
        try:
            await member.renewed()
            metadata = await self.metadata(member)
            answer = await member.ask(lambda to: to.kv.Range, self._probe, metadata=metadata, timeout_s=_PROBE_S)
        except grpc.aio.AioRpcError as error:
            what = meaning(error.code(), error.details() or "")
            if what is Meaning.STALE_TOKEN:
                self.forget_token()
            if what in (Meaning.STALE_TOKEN, Meaning.REFUSED):
                return True
            self._trouble = f"{member.endpoint}: {told(error)}"
            return False
        except Left:
            return False
        except OSError as error:
            self._trouble = str(error)
            return False
        self._hear_of_leader(answer.header.raft_term)
        return True

    def _hear_of_leader(self, term: int) -> None:
        if self._term and term > self._term:
            loop = asyncio.get_running_loop()
            loop.call_later(_LEADER_CHANGED_S, self.current.give_up, self.current.under_way())
        self._term = max(self._term, term)


def told(error: grpc.aio.AioRpcError) -> str:
    """What the other side, or gRPC, says of it."""
    return error.details() or error.code().name
