"""All objects as bytes in memory, fed by one watch of the store. Reads and watches are answered from here.

A read waits until the cache has reached the store's revision, so it sees every acknowledged write.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict

from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cached_object import CachedObject
from master.apiserver.watchcache.kind_window import KindWindow
from master.apiserver.watchcache.moment import Moments
from master.store.contract import Change, Store
from master.store.errors import Closed, Compacted, FutureRevision, Overrun, Unreachable
from podlab.api.kinds import GroupKind, Kind
from podlab.errors import Timeout
from podlab.kinds import builtin
from podlab.kinds.catalog import Catalog
from podlab.kinds.current import CurrentCatalog
from podlab.kinds.resource import Resource

# So many of the last revisions are replayed at start, so that watchers of before a restart can go on, also those of
# other servers. Who sees nothing has a bookmark of half a minute ago, in which a thousand nodes beat 3,000 times.
REPLAYED_REVISIONS = 5000
BEHIND_LIMIT_S = 10.0

log = logging.getLogger(__name__)


class Cache:
    """`load`, then `run` for ever. Lives in the event loop."""

    def __init__(
        self, store: Store, kinds: CurrentCatalog | None = None, *, behind_limit_s: float = BEHIND_LIMIT_S
    ) -> None:
        self.store = store
        self._behind_limit_s = behind_limit_s
        self.kinds = kinds or CurrentCatalog(builtin.catalog())
        """The kinds that there are now, which this follows."""
        self.moments = Moments(store)
        self.revision = 0
        self.claims: dict[str, bytes] = {}
        """Who holds which address or port, by the claim's key."""
        self._windows: dict[GroupKind, KindWindow] = {}
        self._by_prefix: dict[str, KindWindow] = {}
        self._unserved: defaultdict[str, dict[str, tuple[bytes, int]]] = defaultdict(dict)
        """What is stored of kinds that are not served, by prefix and key, and since which revision: they may be served
        one day."""
        self._advanced = asyncio.Event()
        self.kinds.follow(self._become)

    @property
    def catalog(self) -> Catalog:
        """The kinds that there are now."""
        return self.kinds.catalog

    def window(self, kind: Kind) -> KindWindow:
        """The objects of a kind."""
        return self._windows[kind.group_kind]

    def get(self, kind: Kind, key: str) -> CachedObject | None:
        """The object at `key`, as of the cache's own revision."""
        return self._windows[kind.group_kind].entries.get(key)

    def written(self, kind: Kind, key: str, value: bytes, revision: int) -> CachedObject:
        """An object that was just committed: the one that is cached, if the cache has come so far and no further.

        So the answer, the events and later reads share one object, and its JSON is rendered once.
        """
        entry = self.get(kind, key)
        return entry if entry is not None and entry.revision == revision else CachedObject(kind, key, value, revision)

    async def catch_up(self) -> None:
        """Wait until everything acknowledged so far is here: for what is no request, and has no moment."""
        await self.reach(await self.moments.now())

    async def reach(self, revision: int) -> None:
        """Wait until `revision` is here. Raises Timeout when the feed is stuck."""
        if self.revision >= revision:
            return
        try:
            async with asyncio.timeout(self._behind_limit_s):
                while self.revision < revision:
                    await self._advanced.wait()
        except TimeoutError as error:
            raise Timeout(
                f"the watch cache is at revision {self.revision} and did not reach {revision} in "
                f"{self._behind_limit_s:.0f} s; "
                "retry, and look at the apiserver's log when it stays so"
            ) from error

    def wake_all(self) -> None:
        """Let every watcher look, news or not."""
        for window in self._windows.values():
            window.wake_all()

    async def load(self) -> None:
        """Read all objects as of a little while ago; `run` then replays what followed."""
        current = await self.store.revision()
        try:
            found = await self.store.range(keys.ROOT, revision=max(1, current - REPLAYED_REVISIONS))
        except Compacted as error:
            found = await self.store.range(keys.ROOT, revision=max(1, error.oldest))
        fresh: dict[str, dict[str, CachedObject]] = {prefix: {} for prefix in self._by_prefix}
        self.claims, self._unserved = {}, defaultdict(dict)
        for entry in found.entries:
            if entry.key.startswith(keys.CLAIMS):
                self.claims[entry.key] = entry.value
            elif (window := self._window_of(entry.key)) is not None:
                fresh[window.prefix][entry.key] = window.stored(entry.key, entry.value, entry.mod_revision)
            else:
                self._unserved[keys.prefix_of(entry.key)][entry.key] = entry.value, entry.mod_revision
        for prefix, window in self._by_prefix.items():
            window.load(fresh[prefix], found.revision)
        self._advance(found.revision)

    async def run(self) -> None:
        """Follow the store until it is closed."""
        while True:
            try:
                async for changes in self.store.watch(keys.ROOT, self.revision):
                    self._take(changes)
            except Overrun:
                log.warning("the watch cache fell behind at revision %d; reading on from there", self.revision)
            except (Compacted, FutureRevision) as error:
                log.warning("the watch cache starts anew: %s", error)
                await self._load_again()
            except Closed:
                return

    async def _load_again(self) -> None:
        """However long the store does not answer."""
        while True:
            try:
                return await self.load()
            except Unreachable as error:
                log.warning("the watch cache cannot be loaded yet: %s", error)

    def _take(self, changes: list[Change]) -> None:
        touched: set[KindWindow] = set()
        for change in changes:
            if change.key.startswith(keys.CLAIMS):
                self._take_claim(change)
            elif (window := self._window_of(change.key)) is not None:
                window.apply(change.key, change.value, change.revision)
                touched.add(window)
            elif change.value is not None:
                self._unserved[keys.prefix_of(change.key)][change.key] = change.value, change.revision
            else:
                self._unserved[keys.prefix_of(change.key)].pop(change.key, None)
        self._advance(changes[-1].revision)
        for window in touched:
            window.wake()

    def _take_claim(self, change: Change) -> None:
        if change.value is None:
            self.claims.pop(change.key, None)
        else:
            self.claims[change.key] = change.value

    def _window_of(self, key: str) -> KindWindow | None:
        """None for what is of no kind that is served."""
        return self._by_prefix.get(keys.prefix_of(key))

    def _become(self, catalog: Catalog) -> None:
        """Hold the objects of these kinds. Whoever watches one that is gone is told that it is too late."""
        wanted = {kind.group_kind: kind for kind in catalog.stored}
        for gone in [known for known, window in self._windows.items() if wanted.get(known) is not window.kind]:
            window = self._windows.pop(gone)
            del self._by_prefix[window.prefix]
            left = {key: (entry.value, entry.revision) for key, entry in window.entries.items()}
            self._unserved[window.prefix] |= left
            window.load({}, self.revision)
        for group_kind, kind in wanted.items():
            if group_kind not in self._windows:
                window = _window(catalog.resource(kind))
                self._windows[group_kind] = self._by_prefix[window.prefix] = window
                if self.revision:
                    window.load(self._served_again(window), self.revision)

    def _served_again(self, window: KindWindow) -> dict[str, CachedObject]:
        """What is stored of a kind that is served from now on."""
        return {key: window.stored(key, *found) for key, found in self._unserved.pop(window.prefix, {}).items()}

    def _advance(self, revision: int) -> None:
        self.revision = revision
        self._advanced.set()
        self._advanced = asyncio.Event()


def _window(resource: Resource) -> KindWindow:
    return KindWindow(resource.kind, kept_apart_by=resource.kept_apart_by, strategy=lambda: resource.strategy)
