import os
import sqlite3
import stat
from pathlib import Path

import pytest

from master.store.contract import Put
from master.store.errors import Corrupt, Foreign, Locked, Unwritable
from master.store.sqlite.schema import APPLICATION_ID, open_writer
from master.store.sqlite.store import SqliteStore


def alter(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.close()


async def filled(path: Path) -> None:
    store = await SqliteStore.open(path)
    for number in range(50):
        await store.commit([Put(f"/{number}", os.urandom(2000), 0)])
    await store.close()


async def test_all_files_of_a_store_are_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = await SqliteStore.open(path)
    await store.commit([Put("/a", b"secret", 0)])
    modes = {name: stat.S_IMODE(os.stat(tmp_path / name).st_mode) for name in os.listdir(tmp_path)}
    await store.close()
    assert set(modes) == {"store.db", "store.db-wal", "store.db-shm", "store.db.lock"}
    assert set(modes.values()) == {0o600}


def test_a_commit_is_answered_only_when_it_is_on_disk(tmp_path: Path) -> None:
    full = 2
    for _ in ("new", "there already"):
        connection = open_writer(tmp_path / "store.db")
        assert connection.execute("PRAGMA synchronous").fetchone() == (full,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        connection.close()


async def test_a_second_opener_is_refused_with_the_holders_id_until_the_first_closes(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = await SqliteStore.open(path)
    with pytest.raises(Locked, match=f"process {os.getpid()}"):
        await SqliteStore.open(path)
    await store.commit([Put("/a", b"", 0)])
    await store.close()
    again = await SqliteStore.open(path)
    assert await again.get("/a") is not None
    await again.close()


async def test_a_file_that_is_no_database_is_refused_with_the_remedy_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"not a database at all" * 500)
    with pytest.raises(Corrupt, match=r"restore it from a backup.*store\.db-wal"):
        await SqliteStore.open(path)
    assert path.read_bytes().startswith(b"not a database")


async def test_a_damaged_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await filled(path)
    content = bytearray(path.read_bytes())
    for page in range(2, len(content) // 4096):
        content[page * 4096 : page * 4096 + 64] = os.urandom(64)
    path.write_bytes(content)
    with pytest.raises(Corrupt, match="backup"):
        await SqliteStore.open(path)


async def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await filled(path)
    os.truncate(path, path.stat().st_size // 8192 * 4096)
    with pytest.raises(Corrupt):
        await SqliteStore.open(path)


async def test_damage_that_shows_only_while_reading_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await filled(path)
    store = await SqliteStore.open(path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    with pytest.raises(Corrupt, match="backup"):
        await store.range("/")
    await store.close()


async def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    alter(path, "CREATE TABLE theirs (id INTEGER)")
    with pytest.raises(Foreign, match="another program"):
        await SqliteStore.open(path)


async def test_another_schema_version_is_refused_with_both_versions(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await filled(path)
    alter(path, "PRAGMA user_version = 7")
    with pytest.raises(Foreign, match="schema version 7, this Podlab reads 1"):
        await SqliteStore.open(path)
    alter(path, "PRAGMA user_version = 1")
    alter(path, f"PRAGMA application_id = {APPLICATION_ID + 1}")
    with pytest.raises(Foreign):
        await SqliteStore.open(path)


async def test_a_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unwritable, match=r"missing/store\.db: cannot write: No such file"):
        await SqliteStore.open(tmp_path / "missing" / "store.db")


async def test_a_refused_open_leaves_the_lock_free(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"x" * 10000)
    for _ in range(2):
        with pytest.raises(Corrupt):
            await SqliteStore.open(path)
    path.unlink()
    await (await SqliteStore.open(path)).close()
