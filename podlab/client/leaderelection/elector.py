"""Takes a Lease, renews it, and gives it up: what `decide` says, done at the API server."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine

from podlab.api.values import times
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Informer
from podlab.client.leaderelection.decide import (
    NAMESPACE,
    Candidate,
    Sighting,
    Terms,
    free_in_s,
    released,
    renewed,
    sighted,
    taken,
)
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.errors import AlreadyExists, ApiError, Conflict, NotFound

RELEASE_LIMIT_S = 2.0
"""So long a stop may take to give the Lease up; another takes it later, when it has run out."""
TERMS = Terms()

log = logging.getLogger(__name__)


class LeaseLost(RuntimeError):
    """The holder could not renew its Lease in time, or it is another's. The process has to end: only so it is certain
    that nothing of its work goes on."""


class LeaderElector:
    """`run` for ever; `leading` is set while the Lease is held. `waiting` is set once another's was seen."""

    def __init__(
        self,
        client: Client,
        name: str,
        candidate: Candidate,
        recorder: EventRecorder,
        *,
        terms: Terms = TERMS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.leading = asyncio.Event()
        self.waiting = asyncio.Event()
        self._client = client
        self._name = name
        self._candidate = candidate
        self._recorder = recorder
        self._terms = terms
        self._clock = clock
        self._leases = Informer(client, Lease, namespace=NAMESPACE, field_selector=f"metadata.name={name}")
        self._changed = asyncio.Event()
        self._seen: Sighting | None = None
        self._held: Lease | None = None
        self._renewed_s = 0.0
        self._leases.on_change(lambda _: self._look())

    async def run(self, *work: Coroutine[object, object, None]) -> None:
        """Take the Lease and renew it, beside the work, which waits for `leading` itself. Ends when one of them does.

        However that is, the Lease is given up once the work has ended. Raises LeaseLost, and what the work raises.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for each in (self._elect(), self._recorder.run(), *work):
                    group.create_task(each)
        except BaseExceptionGroup as errors:
            if len(errors.exceptions) == 1:  # callers expect the error itself, not a group of one
                raise errors.exceptions[0] from None
            raise
        finally:
            await self._release()

    async def _elect(self) -> None:
        following = asyncio.create_task(self._leases.run())
        try:
            await self._leases.synced.wait()
            self._look()
            await self._take()
        finally:
            following.cancel()  # the holder knows what is in its Lease
            await asyncio.gather(following, return_exceptions=True)
        await self._keep()

    async def _release(self) -> None:
        """So that another takes the Lease at once."""
        if self._held is None:
            return
        held, self._held = self._held, None
        self.leading.clear()
        self._tell(held, "stopped leading")
        try:
            async with asyncio.timeout(RELEASE_LIMIT_S):
                await self._client.update(released(held, times.now_micro()))
                log.info("Lease %s is given up", self._name)
                await self._recorder.flush()
        except (ApiError, TimeoutError) as error:
            log.warning("not all was told at the end of Lease %s: %s", self._name, error or "no answer in time")

    def _look(self) -> None:
        self._seen = sighted(self._seen, self._leases.get(self._name, NAMESPACE), self._clock())
        self._changed.set()

    async def _take(self) -> None:
        doing = f"take the Lease {self._name}"
        while self._held is None:
            self._changed.clear()
            assert self._seen is not None
            wait_s = free_in_s(self._seen, self._candidate, self._clock())
            if wait_s > 0:
                self.waiting.set()
            else:
                wait_s = self._terms.retry_s
                try:
                    await self._written(self._taken(self._seen.lease))
                    break
                except (Conflict, AlreadyExists, NotFound) as error:
                    log.info("Lease %s: another was first: %s", self._name, error)
                except ApiError as error:
                    self._client.outages.failed(doing, error)
            await _within(wait_s, self._changed.wait)
        self._client.outages.ended(doing)
        self._begin()

    def _begin(self) -> None:
        assert self._held is not None
        log.info("Lease %s is ours (%s): the work begins", self._name, self._candidate.identity)
        self._tell(self._held, "became leader")
        self.leading.set()

    async def _keep(self) -> None:
        doing = f"renew the Lease {self._name}"
        while True:
            await asyncio.sleep(min(self._terms.retry_s, max(0.0, self._left_s())))
            try:
                async with asyncio.timeout(self._left_s()):
                    await self._renew()
                self._client.outages.ended(doing)
            except TimeoutError as error:
                raise self._lost(f"could not be renewed for {self._terms.renew_deadline_s:.0f} s") from error
            except ApiError as error:
                self._client.outages.failed(doing, error)

    def _left_s(self) -> float:
        """Until the work has to end, unless the Lease is renewed by then."""
        return self._renewed_s + self._terms.renew_deadline_s - self._clock()

    async def _renew(self) -> None:
        assert self._held is not None
        try:
            await self._written(renewed(self._held, times.now_micro()))
        except (Conflict, NotFound):
            found = await self._found()
            if found is not None and found.spec.holderIdentity != self._candidate.identity:
                raise self._lost(f'is "{found.spec.holderIdentity}"\'s') from None
            await self._written(self._taken(found) if found is None else renewed(found, times.now_micro()))

    def _lost(self, why: str) -> LeaseLost:
        self._held = None
        self.leading.clear()
        return LeaseLost(
            f"the Lease {NAMESPACE}/{self._name} {why}: another may lead now, so the work ends here; "
            "started again, this process is a candidate"
        )

    async def _found(self) -> Lease | None:
        try:
            return await self._client.get(Lease, self._name, NAMESPACE)
        except NotFound:
            return None

    def _taken(self, found: Lease | None) -> Lease:
        return taken(found, self._name, self._candidate, self._terms, times.now_micro())

    async def _written(self, lease: Lease) -> None:
        """The Lease counts from when it was asked for: its answer may have been long on its way."""
        asked_s = self._clock()
        write = self._client.update if lease.metadata.resourceVersion else self._client.create
        self._held = await write(lease)
        self._renewed_s = asked_s

    def _tell(self, lease: Lease, what: str) -> None:
        self._recorder.event(lease, "Normal", "LeaderElection", f"{self._candidate.identity} {what}")


async def _within(limit_s: float, wait: Callable[[], Awaitable[object]]) -> None:
    try:
        async with asyncio.timeout(limit_s):
            await wait()
    except TimeoutError:
        return
