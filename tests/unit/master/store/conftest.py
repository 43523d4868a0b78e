"""The stores under test: SQLite on a fresh file, a real etcd, and a model that is too simple to be wrong."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from podlab_testing.etcd import PROGRAM, EtcdCluster, running

from master.apiserver.flowcontrol.write_rates import ChargedStore
from master.store.contract import Change, Delete, Entry, Put, Range, Store
from master.store.encrypted import EncryptedStore
from master.store.errors import Closed, Compacted, FutureRevision, Mismatch
from master.store.etcd.access import access
from master.store.etcd.store import EtcdStore
from master.store.keyring import Keyring
from master.store.operations import check_operations
from master.store.shifted import ShiftedStore
from master.store.sqlite.decide import LIMITS
from master.store.sqlite.store import SqliteStore


class ModelStore:
    """The contract by replaying all of history for every question. Passes the same tests; the oracle of others."""

    def __init__(self) -> None:
        self.limits = LIMITS
        self.current = 1
        self.compacted = 0
        self.history: list[Change] = []
        self._news = asyncio.Event()
        self._closed = False

    def standing(self, revision: int) -> dict[str, Entry]:
        """Every key as of a revision."""
        entries: dict[str, Entry] = {}
        for change in self.history:
            if change.revision > revision:
                break
            entries.pop(change.key, None)
            if change.value is not None:
                entries[change.key] = Entry(change.key, change.value, change.create_revision, change.revision)
        return dict(sorted(entries.items()))

    async def get(self, key: str) -> Entry | None:
        self._check_open()
        return self.standing(self.current).get(key)

    async def range(self, prefix: str, *, start_after: str = "", limit: int = 0, revision: int = 0) -> Range:
        self._check_open()
        if revision:
            self._check_revision(revision)
        revision = revision or self.current
        found = [
            entry for key, entry in self.standing(revision).items() if key.startswith(prefix) and key > start_after
        ]
        shown = found[:limit] if limit else found
        return Range(tuple(shown), revision, len(shown) < len(found))

    async def commit(self, operations: Sequence[Put | Delete]) -> int:
        self._check_open()
        check_operations(operations, self.limits)
        before = self.standing(self.current)
        for operation in operations:
            found = before[operation.key].mod_revision if operation.key in before else 0
            if operation.expected not in (None, found):
                raise Mismatch(operation.key, operation.expected or 0, found)
        changes = []
        for operation in operations:
            old = before.get(operation.key)
            value = operation.value if isinstance(operation, Put) else None
            if old is not None or value is not None:
                created = old.create_revision if old else self.current + 1
                changes.append(Change(self.current + 1, operation.key, value, created))
        if changes:
            self.current += 1
            self.history += changes
            self._news.set()
            self._news = asyncio.Event()
        return self.current

    async def watch(self, prefix: str, from_revision: int) -> AsyncIterator[list[Change]]:
        self._check_open()
        self._check_revision(from_revision)
        while True:
            found = [c for c in self.history if c.revision > from_revision and c.key.startswith(prefix)]
            from_revision = self.current
            if found:
                yield found
            else:
                await self._news.wait()
            self._check_open()

    async def revision(self) -> int:
        self._check_open()
        return self.current

    async def compact(self, revision: int) -> None:
        self._check_open()
        if revision > self.current:
            raise FutureRevision(revision, self.current)
        self.compacted = max(self.compacted, revision)

    async def close(self) -> None:
        self._closed = True
        self._news.set()

    def _check_open(self) -> None:
        if self._closed:
            raise Closed

    def _check_revision(self, revision: int) -> None:
        if revision < self.compacted:
            raise Compacted(revision, self.compacted)
        if revision > self.current:
            raise FutureRevision(revision, self.current)


async def _open_model(path: Path) -> ModelStore:
    return ModelStore()


async def _open_encrypted(path: Path) -> EncryptedStore:
    return EncryptedStore(ModelStore(), Keyring([("one", bytes(32))]), ["/"])


async def _open_shifted(path: Path) -> ShiftedStore:
    return ShiftedStore(ModelStore(), 1000)


async def _open_charged(path: Path) -> ChargedStore:
    return ChargedStore(ModelStore())


_prefixes = itertools.count()


async def open_etcd(cluster: EtcdCluster) -> EtcdStore:
    """An empty store beside those that others have in the same etcd."""
    return await EtcdStore.open(access(cluster.endpoints, prefix=f"/test{next(_prefixes)}"))


_BACKENDS: dict[str, Callable[[Path], Awaitable[Store]]] = {
    "sqlite": SqliteStore.open,
    "model": _open_model,
    "encrypted": _open_encrypted,
    "charged": _open_charged,
    "shifted": _open_shifted,
}


@pytest.fixture(scope="session")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    """One real member, which all tests share. Left out where there is no etcd."""
    if not PROGRAM.exists():
        pytest.skip(f"there is no {PROGRAM} (scripts/bootstrap servers)")
    with running(tmp_path_factory.mktemp("etcd")) as cluster:
        yield cluster


@pytest.fixture(params=[*_BACKENDS, "etcd"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store, once for each backend."""
    if request.param == "etcd":
        opened: Store = await open_etcd(request.getfixturevalue("etcd"))
    else:
        opened = await _BACKENDS[request.param](tmp_path / "store.db")
    yield opened
    await opened.close()


@pytest.fixture
def model_store() -> type[ModelStore]:
    """The model's class, for tests that compare with it."""
    return ModelStore
