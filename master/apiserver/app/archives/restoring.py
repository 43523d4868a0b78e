"""A store out of an archive, where there is none."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from master.apiserver.app.opening import IDENTITY_FILE, STORE_FILE, etcd_access
from master.apiserver.settings import EtcdSettings
from master.store import archive
from master.store.archive import Header
from master.store.contract import Entry
from master.store.errors import BadArchive, Replaced
from master.store.etcd.store import EtcdStore
from master.store.migration import Copied, fill
from master.store.shifted import ShiftedStore
from master.store.sqlite import founding, schema
from master.store.sqlite.store import SqliteStore

_RESTORING = "store.db.restoring"
# Of revisions: no store has taken so many between a backup and its loss, and none takes them faster than that.
_LEAP = 1_000_000_000
_LEAP_PER_SECOND = 10_000


async def restore(path: Path, cluster: str, data_dir: Path, etcd: EtcdSettings | None = None) -> Copied:
    """Make the cluster's store out of an archive, in `data_dir` or in etcd. There is none yet; every entry is compared
    afterwards.

    Raises SettingsError, StoreError, OSError.
    """
    header, _ = archive.verify(path)
    if header.cluster != cluster:
        raise BadArchive(path, f"it is of cluster {header.cluster!r}, and this one is {cluster!r}")
    found = list(archive.entries(path))
    at = resumed_at(header, datetime.now(UTC))
    if etcd is not None:
        return await _into_etcd(etcd, data_dir / IDENTITY_FILE, found, at)
    return await _into_sqlite(data_dir / STORE_FILE, found, at)


def resumed_at(header: Header, now: datetime) -> int:
    """After which revision a restored store goes on: one that no client has seen, of the lost store or of one that was
    restored from the same archive earlier."""
    age_s = (now - datetime.fromisoformat(header.taken)).total_seconds()
    return header.revision + _LEAP + _LEAP_PER_SECOND * max(0, int(age_s))


async def _into_etcd(said: EtcdSettings, identity: Path, found: list[Entry], at: int) -> Copied:
    target = await EtcdStore.begin(etcd_access(said), at)
    try:
        filled = await fill(ShiftedStore(target, target.shift), found, at)
        await target.complete()
    finally:
        await target.close()
    await asyncio.to_thread(identity.unlink, missing_ok=True)  # it names the store that was lost
    return filled


async def _into_sqlite(file: Path, found: list[Entry], at: int) -> Copied:
    if founding.is_there(file):
        raise Replaced(str(file), "there is a store already", f"move {file} and what is beside it away")
    new = file.with_name(_RESTORING)
    await asyncio.to_thread(schema.make, new, at)
    target = await SqliteStore.open(new)
    try:
        filled = await fill(target, found, at)
    finally:
        await target.close()
    founding.move(new, file)
    new.with_name(f"{new.name}.lock").unlink(missing_ok=True)
    return filled
