"""Asks webhooks for custom objects in other versions, in batches, each object once for all who wait for it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Final, Protocol, TypeVar

from master.apiserver.conversion import review
from master.apiserver.conversion.review import ConversionRequest, Refusal
from master.apiserver.watchcache.cached_object import CachedObject
from podlab.api.conversion.versions import ConversionNeeded
from podlab.api.kinds import Kind
from podlab.api.objects import typed
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apiextensions.v1.customresourcedefinition_pb2 import WebhookClientConfig
from podlab.errors import ApiError, InternalError
from podlab.kinds.custom.conversion import WebhookConversion

T = TypeVar("T")

TOGETHER: Final = 500
TOGETHER_BYTES: Final = 4 << 20
"""So many objects, and bytes of them, are sent to a webhook at once."""
AT_ONCE: Final = 16
"""So many requests wait for one definition's webhook: more wait for their turn."""
MOST_ROUNDS: Final = 32
"""One write needs a conversion to the version of each field manager at most, and these are bounded."""


class Ask(Protocol):
    """Sends a ConversionReview."""

    async def __call__(self, client: WebhookClientConfig, body: bytes) -> bytes:
        """The answer. Raises ApiError, whose message says what failed as Kubernetes does."""
        ...


async def nobody(client: WebhookClientConfig, body: bytes) -> bytes:
    """For servers that can reach nobody."""
    raise InternalError("this server reaches no webhooks")


class Conversions:
    """Lives in the event loop."""

    def __init__(self, ask: Ask = nobody) -> None:
        self._ask = ask
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._running: dict[tuple[CachedObject, Kind], asyncio.Task[None]] = {}

    async def run(self, decide: Callable[[], T]) -> T:
        """What `decide` returns, which converts as if everything were known, and is called again whenever a webhook had
        to be asked. Raises InternalError when that fails, and what `decide` raises."""
        asked: list[tuple[ConversionNeeded, Custom]] = []
        while True:
            try:
                return decide()
            except ConversionNeeded as needed:
                if len(asked) == MOST_ROUNDS:
                    raise InternalError(f"{needed}: converted {MOST_ROUNDS} times, and it is not enough") from needed
                (converted,) = await self._converted([needed.message], needed.kind)
                asked.append((needed, converted))
                for known, answer in asked:  # others may have had theirs remembered instead
                    _webhook_of(known.kind).remember(known.message, known.kind, answer)

    async def run_async(self, decide: Callable[[], Awaitable[T]]) -> T:
        """The same, for what awaits others before or after it converts."""
        for _ in range(MOST_ROUNDS):
            try:
                return await decide()
            except ConversionNeeded as needed:
                (converted,) = await self._converted([needed.message], needed.kind)
                _webhook_of(needed.kind).remember(needed.message, needed.kind, converted)
        raise InternalError(f"converted {MOST_ROUNDS} times, and it is not enough")

    async def shown(self, entries: Sequence[CachedObject], kind: Kind) -> list[CachedObject]:
        """Custom objects in the version that `kind` is of; others as they are. Raises InternalError."""
        if kind.message is not Custom:
            return list(entries)
        await self._prepare(entries, kind)
        return [entry.shown_in(kind) for entry in entries]

    async def one(self, entry: CachedObject, kind: Kind) -> CachedObject:
        """The same, of one."""
        (found,) = await self.shown([entry], kind)
        return found

    async def _prepare(self, entries: Sequence[CachedObject], kind: Kind) -> None:
        """Have all that a webhook has to convert converted."""
        if kind.conversion is None or not kind.conversion.by_webhook:
            return
        missing = [entry for entry in dict.fromkeys(entries) if not entry.has_shown(kind)]
        fresh = [entry for entry in missing if (entry, kind) not in self._running]
        for batch in _batches(fresh):
            task = asyncio.create_task(self._fill(batch, kind))
            for entry in batch:
                self._running[entry, kind] = task
            task.add_done_callback(partial(self._done, batch, kind))
        for task in dict.fromkeys(self._running[entry, kind] for entry in missing):
            await asyncio.shield(task)

    def _done(self, batch: Sequence[CachedObject], kind: Kind, task: asyncio.Task[None]) -> None:
        for entry in batch:
            del self._running[entry, kind]
        if not task.cancelled():
            task.exception()  # whoever waits raises it; that all of them have left is no error

    async def _fill(self, batch: Sequence[CachedObject], kind: Kind) -> None:
        messages = [typed(entry.message(), Custom) for entry in batch]
        for entry, converted in zip(batch, await self._converted(messages, kind), strict=True):
            entry.keep_shown(kind, converted)

    async def _converted(self, messages: Sequence[Custom], kind: Kind) -> list[Custom]:
        """What the kind's webhook makes of objects of one version. Raises InternalError."""
        webhook = _webhook_of(kind)
        turns = self._turns.setdefault(webhook.name, asyncio.Semaphore(AT_ONCE))
        found: list[Custom] = []
        async with turns:
            try:
                version = review.spoken(webhook.client.conversionReviewVersions)
                request = ConversionRequest(str(uuid.uuid4()), version, kind, messages)
                found = review.answered(request, await self._answer(webhook, request))
            except Refusal as why:
                raise InternalError(str(why)) from why
        return [webhook.pruned(one) for one in found]

    async def _answer(self, webhook: WebhookConversion, request: ConversionRequest) -> bytes:
        try:
            return await self._ask(webhook.client.clientConfig, request.encoded())
        except ApiError as error:
            raise Refusal(f"conversion webhook for {request.of} failed: {error.message}") from error


def _webhook_of(kind: Kind) -> WebhookConversion:
    assert isinstance(kind.conversion, WebhookConversion)  # or nothing would be needed
    return kind.conversion


def _batches(entries: Sequence[CachedObject]) -> Iterator[list[CachedObject]]:
    """Of bounded size, each of objects of one version."""
    by_version: dict[str, list[CachedObject]] = {}
    for entry in entries:
        by_version.setdefault(entry.api_version, []).append(entry)
    for alike in by_version.values():
        batch: list[CachedObject] = []
        size = 0
        for entry in alike:
            if batch and (len(batch) == TOGETHER or size + len(entry.element) > TOGETHER_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(entry)
            size += len(entry.element)
        yield batch
