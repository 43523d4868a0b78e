"""Backups of a store that is in use, their retention, and the store out of one."""

from __future__ import annotations

import re
import shutil
import stat
from collections import namedtuple
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from master.apiserver.app.archives.backup import archives, back_up, back_up_into, newest
from master.apiserver.app.archives.restoring import restore, resumed_at
from master.apiserver.settings import ApiServerSettings
from master.store import archive
from master.store.archive import Header
from master.store.contract import Delete, Put
from master.store.errors import BadArchive, Compacted, Replaced, Unwritable
from master.store.sqlite.store import SqliteStore
from podlab.tls import Tls

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def said(tmp_path: Path) -> ApiServerSettings:
    (tmp_path / "data").mkdir()
    return ApiServerSettings("lab", "192.0.2.1", tmp_path / "data", Tls(Path("ca"), Path("cert"), Path("key")), ())


async def test_a_store_in_use_is_backed_up_and_comes_back_with_higher_revisions(
    said: ApiServerSettings, tmp_path: Path
) -> None:
    store = await SqliteStore.open(said.data_dir / "store.db")
    for number in range(5):
        await store.commit([Put(f"/registry/core/secrets/default/{number}", b"%d" % number, 0)])
    at = await store.commit([Delete("/registry/core/secrets/default/1", None), Put("/a", b"last", 0)])
    made = await back_up(said, tmp_path / "a")
    assert (made.header.cluster, made.header.revision, made.contents.objects) == ("lab", at, {"secrets": 4})
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    seen = await store.commit([Put("/lost", b"", 0)])
    with pytest.raises(Replaced, match=r"there is a store already; move .*store\.db and what is beside it away"):
        await restore(tmp_path / "a", "lab", said.data_dir)
    await store.close()
    (said.data_dir / "store.db").unlink()
    restored = await restore(tmp_path / "a", "lab", said.data_dir)
    assert not list(said.data_dir.glob("*restoring*"))
    again = await SqliteStore.open(said.data_dir / "store.db")
    entries = (await again.range("")).entries
    assert {entry.key: entry.value for entry in entries} == {
        "/a": b"last",
        **{f"/registry/core/secrets/default/{number}": b"%d" % number for number in (0, 2, 3, 4)},
    }
    assert min(entry.mod_revision for entry in entries) > restored.before > seen
    with pytest.raises(Compacted):  # who watched from before lists again
        await anext(aiter(again.watch("/", seen)))
    await again.close()


async def test_another_cluster_s_archive_and_a_damaged_one_leave_no_store(
    said: ApiServerSettings, tmp_path: Path
) -> None:
    store = await SqliteStore.open(said.data_dir / "store.db")
    await store.commit([Put("/a", b"1", 0)])
    await store.close()
    made = await back_up(said, tmp_path / "a")
    new = tmp_path / "new"
    new.mkdir()
    with pytest.raises(BadArchive, match="it is of cluster 'lab', and this one is 'other'; use another backup"):
        await restore(made.path, "other", new)
    made.path.write_bytes(made.path.read_bytes()[:-100])
    with pytest.raises(BadArchive, match="it is damaged"):
        await restore(made.path, "lab", new)
    assert not list(new.iterdir())


async def test_as_many_as_are_to_be_kept_stay_and_others_are_left_alone(
    said: ApiServerSettings, tmp_path: Path
) -> None:
    store = await SqliteStore.open(said.data_dir / "store.db")
    await store.close()
    directory = tmp_path / "backups"
    directory.mkdir()
    old = [directory / f"lab-2026-01-0{day}T000000Z.archive" for day in (1, 2, 3)]
    others = [directory / "notes", directory / "other-2026-01-01T000000Z.archive", directory / "lab-b.archive"]
    cut_off = directory / "lab-2026-01-04T000000Z.archive.partial"
    for path in (*old, *others, cut_off):
        path.write_bytes(b"")
    made, gone = await back_up_into(said, directory, keep=2)
    assert gone == [old[1], old[0]]
    assert set(directory.iterdir()) == {made.path, old[2], *others}
    assert archives("lab", directory) == [made.path, old[2]]
    assert re.fullmatch(r"lab-\d{4}-\d\d-\d\dT\d{6}Z\.archive", made.path.name)
    archive.verify(made.path)
    assert newest("lab", directory) == made.header.taken
    assert (newest("lab", None), newest("lab", tmp_path / "none"), newest("b", directory)) == ("", "", "")


async def test_a_backup_that_fails_leaves_older_ones_and_nothing_of_its_own(
    said: ApiServerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "backups"
    directory.mkdir()
    old = directory / "lab-2026-01-01T000000Z.archive"
    old.write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"store\.db: there is no store"):
        await back_up_into(said, directory, keep=1)
    await (await SqliteStore.open(said.data_dir / "store.db")).close()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 200 << 20))
    with pytest.raises(Unwritable, match="200 MiB are free, and a backup is made where 256 MiB are"):
        await back_up_into(said, directory, keep=1)
    assert list(directory.iterdir()) == [old]
    with pytest.raises(FileExistsError, match="there is a file already; name another"):
        await back_up(said, old)


def test_each_restore_goes_on_beyond_what_was_seen_of_any_before() -> None:
    header = Header("lab", "2026-11-30T12:00:00Z", 500)
    taken = datetime.fromisoformat(header.taken)
    first = resumed_at(header, taken + timedelta(hours=1))
    second = resumed_at(header, taken + timedelta(hours=2))
    assert first > header.revision + 1_000_000_000
    assert second - first >= 3600 * 10_000
    assert resumed_at(header, taken - timedelta(days=1)) > header.revision  # a clock that is behind
