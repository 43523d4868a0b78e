"""A store is read whole beside the process that writes it, and is not touched."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from master.store.contract import Delete, Put
from master.store.errors import Corrupt, Foreign, Incomplete
from master.store.sqlite.snapshot import snapshot
from master.store.sqlite.store import SqliteStore


async def test_what_is_committed_meanwhile_is_not_in_it(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = await SqliteStore.open(path)
    await store.commit([Put("/a", b"1", 0), Put("/b", b"2", 0)])
    at = await store.commit([Put("/a", b"3", None)])
    with snapshot(path) as found:
        await store.commit([Delete("/b", None), Put("/c", b"4", 0)])
        entries = {entry.key: (entry.value, entry.create_revision, entry.mod_revision) for entry in found.entries}
    assert (found.revision, entries) == (at, {"/a": (b"3", at - 1, at), "/b": (b"2", at - 1, at - 1)})
    with snapshot(path) as later:
        assert (later.revision, [entry.key for entry in later.entries]) == (at + 1, ["/a", "/c"])
    await store.close()


async def test_the_log_of_a_server_that_was_killed_is_read_and_stays(tmp_path: Path) -> None:
    path, copy = tmp_path / "store.db", tmp_path / "killed" / "store.db"
    store = await SqliteStore.open(path)
    await store.commit([Put("/a", b"1", 0)])
    copy.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    await store.close()
    logged = copy.with_name("store.db-wal")
    before = logged.read_bytes()
    assert before
    with snapshot(copy) as found:
        assert [entry.key for entry in found.entries] == ["/a"]
    assert logged.read_bytes() == before


async def test_what_is_no_whole_store_is_refused_and_none_is_made(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with pytest.raises(FileNotFoundError, match=f"{path}: there is no store"), snapshot(path):
        pass
    assert not os.listdir(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(Incomplete), snapshot(path):
        pass
    path.write_bytes(b"x" * 5000)
    with pytest.raises(Corrupt), snapshot(path):
        pass
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE t (a)")
    with pytest.raises(Foreign, match="a database of another program"), snapshot(path):
        pass


async def test_a_key_whose_value_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = await SqliteStore.open(path)
    await store.commit([Put("/a", b"1", 0), Put("/b", b"2", 0)])
    await store.close()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("DELETE FROM log WHERE key = '/a'")
    with pytest.raises(Corrupt, match="1 keys whose values are not there"), snapshot(path) as found:
        list(found.entries)
