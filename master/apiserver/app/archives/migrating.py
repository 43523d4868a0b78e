"""The store copied between a SQLite file and etcd, while no API server uses either."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from google.protobuf.message import DecodeError

from master.apiserver.app.opening import STORE_FILE, etcd_access
from master.apiserver.app.server_leases import DURATION_S, IDENTITY, IDENTITY_LABEL
from master.apiserver.settings import ApiServerSettings, EtcdSettings
from master.apiserver.watchcache.keys import scope_prefix
from master.store.contract import Entry, Store
from master.store.errors import InUse, Replaced
from master.store.etcd.store import EtcdStore
from master.store.migration import Copied, copy
from master.store.shifted import ShiftedStore
from master.store.sqlite import founding, schema
from master.store.sqlite.store import SqliteStore
from podlab.api import kinds
from podlab.client.leaderelection.decide import ADDRESS, NAMESPACE
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.settings import SettingsError

SQLITE, ETCD = "sqlite", "etcd"
_NEW = "store.db.migrating"
_LEASES = scope_prefix(kinds.of(Lease), NAMESPACE)
# A server that lives renews its Lease well within that time; one that was killed has left it.
_LEASES_WITHIN_S, _LEASES_EVERY_S = DURATION_S + 1.0, 0.5


async def migrate(said: ApiServerSettings, to: str) -> Copied:
    """Copy the store between the file in `data_dir` and the etcd of the settings. The other way for `to` sqlite.

    Raises SettingsError, StoreError, OSError.
    """
    if said.etcd is None:
        raise SettingsError("etcd: it is missing; write the section of the etcd to migrate to, or from")
    file = said.data_dir / STORE_FILE
    if to == ETCD:
        return await _to_etcd(file, said.etcd)
    return await _to_sqlite(said.etcd, file)


async def _to_etcd(file: Path, said: EtcdSettings) -> Copied:
    where = etcd_access(said)
    async with _sqlite(file) as source:
        target = await EtcdStore.begin(where, await source.revision())
        try:
            copied = await copy(source, ShiftedStore(target, target.shift))
            await target.complete()
        finally:
            await target.close()
        return copied


async def _to_sqlite(said: EtcdSettings, file: Path) -> Copied:
    if await asyncio.to_thread(founding.is_there, file):
        raise Replaced(str(file), "there is a store already", f"move {file} and what is beside it away")
    new = file.with_name(_NEW)
    opened = await EtcdStore.open(etcd_access(said))
    try:
        source = ShiftedStore(opened, opened.shift)
        await unused(source)
        await asyncio.to_thread(schema.make, new, await source.revision())
        async with _sqlite(new) as target:
            copied = await copy(source, target)
    finally:
        await opened.close()
    await asyncio.to_thread(founding.move, new, file)
    new.with_name(f"{new.name}.lock").unlink(missing_ok=True)
    return copied


@asynccontextmanager
async def _sqlite(file: Path) -> AsyncIterator[Store]:
    """A store that is there. Raises SettingsError when there is none."""
    if not await asyncio.to_thread(founding.is_there, file):
        raise SettingsError(f"data_dir: there is no {file} to copy; name the directory that the API server used")
    store = await SqliteStore.open(file)
    try:
        yield store
    finally:
        await store.close()


async def unused(store: Store, within_s: float = _LEASES_WITHIN_S) -> None:
    """Return once it is sure that no API server uses a store that several may share: each deletes its Lease when it is
    stopped. Raises InUse as soon as one renews it."""
    first = await _servers(store)
    until_s = time.monotonic() + within_s
    while first and time.monotonic() < until_s:
        now = await _servers(store)
        if alive := sorted(address for address, revision in now.items() if first.get(address) != revision):
            raise InUse(alive)
        if not now:
            return
        await asyncio.sleep(_LEASES_EVERY_S)


async def _servers(store: Store) -> dict[str, int]:
    """The address of each API server that has a Lease, and the Lease's revision."""
    found = (await store.range(_LEASES)).entries
    return {address: entry.mod_revision for entry in found if (address := _address(entry))}


def _address(entry: Entry) -> str:
    """Where the API server is whose Lease that is; empty for other Leases."""
    try:
        lease = Lease.FromString(entry.value)
    except DecodeError:
        return ""
    is_server = lease.metadata.labels.get(IDENTITY_LABEL) == IDENTITY
    return lease.metadata.annotations.get(ADDRESS, lease.metadata.name) if is_server else ""
