"""The store, which may be in use, written to archives; how many of them are kept."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from master.apiserver.app.opening import IDENTITY_FILE, STORE_FILE, etcd_access
from master.apiserver.settings import ApiServerSettings
from master.store import archive
from master.store.archive import ArchiveWriter, Contents, Header
from master.store.contract import Entry
from master.store.errors import Unwritable
from master.store.etcd.store import EtcdStore
from master.store.migration import entries_at
from master.store.shifted import ShiftedStore
from master.store.sqlite import founding
from master.store.sqlite.snapshot import snapshot
from podlab.settings import SettingsError

SUFFIX = ".archive"
_PARTIAL = ".partial"
# What a backup leaves free on its file system, which may be the store's own.
_SPARE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Backup:
    """An archive that was made, and has been read again."""

    path: Path
    header: Header
    contents: Contents


async def back_up(said: ApiServerSettings, path: Path) -> Backup:
    """Write all of the store, which may be in use, to a new file of mode 0600: whole, or not at all.

    Raises SettingsError, StoreError, OSError.
    """
    partial = _partial(path)
    _check_room(path.parent, said)
    try:
        with _new_file(partial) as file:
            async with _source(said) as (revision, entries):
                writer = ArchiveWriter(file, Header(said.cluster_name, _now(), revision))
                async for entry in entries:
                    writer.add(entry)
                writer.finish()
        header, contents = archive.verify(partial)
        founding.move(partial, path)
    finally:
        _remove([partial])
    return Backup(path, header, contents)


async def back_up_into(said: ApiServerSettings, directory: Path, keep: int) -> tuple[Backup, list[Path]]:
    """A backup named by its time, and what of older ones went: `keep` of this cluster stay, the new one among them.

    Raises as `back_up`.
    """
    _remove(_cut_off(directory))
    made = await back_up(said, directory / f"{said.cluster_name}-{_now().replace(':', '')}{SUFFIX}")
    others = [path for path in archives(said.cluster_name, directory) if path != made.path]
    gone = others[max(keep, 1) - 1 :]
    _remove(gone)
    return made, gone


def archives(cluster: str, directory: Path) -> list[Path]:
    """Those of the cluster, the newest first."""
    return sorted(directory.glob(f"{cluster}-????-??-??T??????Z{SUFFIX}"), reverse=True)


def newest(cluster: str, directory: Path | None) -> str:
    """When the last of these was made (RFC 3339); empty when there is none that can be seen."""
    found = archives(cluster, directory) if directory is not None else []
    if not found:
        return ""
    day, _, clock = found[0].name[len(cluster) + 1 : -len(SUFFIX)].partition("T")
    return f"{day}T{clock[:2]}:{clock[2:4]}:{clock[4:]}"


@contextlib.asynccontextmanager
async def _source(said: ApiServerSettings) -> AsyncIterator[tuple[int, AsyncIterator[Entry]]]:
    """The store's revision, and its entries as of it."""
    if said.etcd is None:
        with snapshot(said.data_dir / STORE_FILE) as found:
            yield found.revision, _each(found.entries)
        return
    identity = said.data_dir / IDENTITY_FILE
    if not identity.exists():
        raise SettingsError(f"etcd: this server has not used the store there yet ({identity} is missing)")
    opened = await EtcdStore.open(etcd_access(said.etcd), identity)
    try:
        store = ShiftedStore(opened, opened.shift)
        revision = await store.revision()
        yield revision, entries_at(store, revision)
    finally:
        await opened.close()


async def _each(entries: Iterator[Entry]) -> AsyncIterator[Entry]:
    for entry in entries:
        yield entry


def _partial(path: Path) -> Path:
    """What the file is called until it is whole. Raises FileExistsError."""
    if path.exists():
        raise FileExistsError(f"{path}: there is a file already; name another")
    return path.with_name(path.name + _PARTIAL)


def _new_file(path: Path) -> BinaryIO:
    path.unlink(missing_ok=True)  # of an attempt that was cut off
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _cut_off(directory: Path) -> list[Path]:
    """What earlier attempts left."""
    return list(directory.glob(f"*{SUFFIX}{_PARTIAL}"))


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _check_room(directory: Path, said: ApiServerSettings) -> None:
    """Raises Unwritable rather than take the space that the store itself needs."""
    store = said.data_dir / STORE_FILE
    wanted = _SPARE_BYTES + (store.stat().st_size if said.etcd is None and store.exists() else 0)
    if (free := shutil.disk_usage(directory).free) < wanted:
        raise Unwritable(directory, f"{free >> 20} MiB are free, and a backup is made where {wanted >> 20} MiB are")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
