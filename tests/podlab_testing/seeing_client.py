"""A client whose writes return when informers have them: a test that writes and then looks sees what it wrote."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from google.protobuf.message import Message

from master.controllers.framework.informers import Informers
from podlab.api import objects
from podlab.api.kinds import GroupKind, Kind
from podlab.api.objects import Key
from podlab.client.client import Client
from podlab.client.informer import Change
from podlab_testing.waiting import WITHIN_S

M = TypeVar("M", bound=Message)


class SeeingClient(Client):
    """Waits for `informers` from `look_at` on. Kinds that these do not follow are not waited for."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._informers: Informers | None = None
        self._seen: Counter[GroupKind] = Counter()  # the latest revision
        self._removed: Counter[Key] = Counter()  # how often
        self._changed = asyncio.Event()

    def look_at(self, informers: Informers) -> None:
        """These must run when the client writes."""
        self._informers = informers
        informers.on_any_change(self._note)

    async def create(self, obj: M, *, dry_run: bool = False) -> M:
        return await self._shown(super().create(obj, dry_run=dry_run), dry_run)

    async def update(self, obj: M, *, dry_run: bool = False) -> M:
        return await self._shown(super().update(obj, dry_run=dry_run), dry_run)

    async def update_status(self, obj: M) -> M:
        return await self._shown(super().update_status(obj))

    async def patch(self, kind: type[M] | Kind, name: str, namespace: str = "", *, patch: Any, **options: Any) -> M:
        patching = super().patch(kind, name, namespace, patch=patch, **options)
        return await self._shown(patching, bool(options.get("dry_run")))

    async def delete(self, kind: type[M] | Kind, name: str, namespace: str = "", **options: Any) -> bool:
        at = Key.of(kind, namespace, name)
        known = self._object(at)
        removed = await super().delete(kind, name, namespace, **options)
        if known is not None and not options.get("dry_run"):
            await self._until(lambda: self._is_going(at, known.metadata.uid), f"{at} to go")
        return removed

    async def _shown(self, writing: Awaitable[M], dry_run: bool = False) -> M:
        """What takes an object's last finalizer removes it: then it is not shown, but gone."""
        removed = self._removed.copy()
        written = await writing
        at, revision = objects.key(written), int(objects.metadata(written).resourceVersion)
        if not dry_run and self._informers is not None and at.group_kind in self._informers.by_kind:
            await self._until(
                lambda: self._seen[at.group_kind] >= revision or self._removed[at] > removed[at],
                f"{at} as of revision {revision}",
            )
        return written

    async def _until(self, holds: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(WITHIN_S):
                while not holds():
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"the informers do not show {what} within {WITHIN_S:.0f} s") from None

    def _object(self, at: Key) -> Any:
        informer = self._informers.by_kind.get(at.group_kind) if self._informers is not None else None
        return None if informer is None else informer.store.get(at)

    def _is_going(self, at: Key, uid: str) -> bool:
        """Gone, replaced, or to go when its finalizers and its grace period let it."""
        now = self._object(at)
        return now is None or now.metadata.uid != uid or now.metadata.HasField("deletionTimestamp")

    def _note(self, change: Change[Any]) -> None:
        kind = change.key.group_kind
        if change.new is None:
            self._removed[change.key] += 1
        else:
            self._seen[kind] = max(self._seen[kind], int(change.new.metadata.resourceVersion))
        changed, self._changed = self._changed, asyncio.Event()  # whoever waits looks again, and then for what is next
        changed.set()
