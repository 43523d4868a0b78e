"""A local copy of all objects of one kind, kept up to date by list and watch.

Level-triggered: handlers learn that a key changed; what is true now is in the store.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypedDict, TypeVar

from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.api.objects import Key, key
from podlab.client.client import Client, WatchEvent
from podlab.errors import ApiError, Expired, ServiceUnavailable

M = TypeVar("M", bound=Message)
log = logging.getLogger(__name__)

BACKOFF_BASE_S = 0.1
BACKOFF_LIMIT_S = 2.0


@dataclass(frozen=True)
class Change(Generic[M]):
    """`old` is None for a new object, `new` for one that is gone. Neither may be mutated."""

    key: Key
    old: M | None
    new: M | None


class _Selectors(TypedDict):
    label_selector: str
    field_selector: str


class Informer(Generic[M]):
    """`run` for ever; read `store` (and never mutate what it holds); wait for `synced` before trusting an absence.

    Where all objects of a large kind are followed, `trim` makes of each what is to be kept of it, its name and
    resourceVersion among it.
    """

    def __init__(
        self,
        client: Client,
        kind: type[M] | Kind,
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        trim: Callable[[M], M] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.store: dict[Key, M] = {}
        self.synced = asyncio.Event()
        self._client = client
        self._kind = kind
        self._namespace = namespace
        self._selectors: _Selectors = {"label_selector": label_selector, "field_selector": field_selector}
        self._trim = trim
        self._handlers: list[Callable[[Change[M]], None]] = []
        self._revision = ""
        self._failures = 0
        self._sleep = sleep

    def on_change(self, handler: Callable[[Change[M]], None]) -> None:
        """Calls `handler` for every later change, in order, after the store took it in. It must not block."""
        self._handlers.append(handler)

    def get(self, name: str, namespace: str = "") -> M | None:
        return self.store.get(Key.of(self._kind, namespace, name))

    def list(self, namespace: str = "") -> list[M]:
        """All objects, or those of one namespace."""
        return [obj for at, obj in self.store.items() if not namespace or at.namespace == namespace]

    async def run(self) -> None:
        """Lists and watches until cancelled; outlives the server's restarts."""
        plural, outages = kinds.known(self._kind).plural, self._client.outages
        doing = f"follow {plural}"
        while True:
            began_s = time.monotonic()
            try:
                await self._follow(lambda: outages.ended(doing))
                log.info("watch of %s ended; watching again", plural)
                await self._rest(began_s, 0)
            except Expired:
                self._revision = ""
                await self._rest(began_s, 0)
            except ApiError as error:
                outages.failed(doing, error)
                await self._rest(began_s, error.retry_after_s)
                if isinstance(error, ServiceUnavailable):
                    await self._client.connected(BACKOFF_LIMIT_S)

    async def _follow(self, on_open: Callable[[], None]) -> None:
        if not self._revision:
            self._revision = await self._relist()
        watch = self._client.watch(self._kind, self._revision, self._namespace, on_open=on_open, **self._selectors)
        async for batch in watch:
            self._failures = 0
            for event in batch:
                self._take(event)
                self._revision = event.resource_version or self._revision

    async def _rest(self, began_s: float, least_s: float) -> None:
        """Longer each time, unless the try that began then brought something, or held for a while."""
        if time.monotonic() - began_s > BACKOFF_LIMIT_S:
            self._failures = 0
        delay_s = min(BACKOFF_LIMIT_S, BACKOFF_BASE_S * 2 ** min(self._failures, 16)) * random.uniform(0.5, 1.0)  # noqa: S311
        self._failures += 1
        await self._sleep(max(delay_s, least_s))

    async def _relist(self) -> str:
        listed = await self._client.list(self._kind, self._namespace, trim=self._trim, **self._selectors)
        present = {key(obj): obj for obj in listed.items}
        for gone in self.store.keys() - present.keys():
            self._set(gone, None)
        for at, obj in present.items():
            self._set(at, obj)
        self.synced.set()
        return listed.resource_version

    def _take(self, event: WatchEvent[M]) -> None:
        if event.object is not None:
            self._set(key(event.object), None if event.type == "DELETED" else self._kept(event.object))

    def _kept(self, whole: M) -> M:
        return whole if self._trim is None else self._trim(whole)

    def _set(self, at: Key, new: M | None) -> None:
        old = self.store.get(at)
        if new is None:
            self.store.pop(at, None)
        elif old is not None and _revision(old) == _revision(new):
            return
        else:
            self.store[at] = new
        if old is None and new is None:
            return
        change = Change(at, old, new)
        for handler in self._handlers:
            handler(change)


def _revision(obj: Message) -> str:
    return str(obj.metadata.resourceVersion)  # type: ignore[attr-defined]
