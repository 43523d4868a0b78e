"""A store never begins anew by mistake."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from master.store.contract import Put
from master.store.errors import Corrupt, Incomplete
from master.store.sqlite.store import SqliteStore

PARTS = [
    ({"": b""}, "has 0 bytes"),
    ({"": b"", "-wal": b"x" * 5000}, "has 0 bytes"),
    ({"": b"", "-wal": b"", "-shm": b"x" * 32768}, "has 0 bytes"),
    ({"-wal": b"x" * 5000}, "is missing"),
    ({"-wal": b""}, "is missing"),
    ({"-shm": b"x" * 32768}, "is missing"),
    ({"-journal": b"x" * 512}, "is missing"),
]


@pytest.mark.parametrize(("parts", "what"), PARTS)
async def test_a_part_of_a_store_is_refused_by_name_and_left_as_it_is(
    tmp_path: Path, parts: dict[str, bytes], what: str
) -> None:
    path = tmp_path / "store.db"
    for suffix, content in parts.items():
        path.with_name(f"store.db{suffix}").write_bytes(content)
    for _ in range(2):
        with pytest.raises(Incomplete) as refused:
            await SqliteStore.open(path)
    told = str(refused.value)
    assert f"{path} {what}" in told
    assert "store.db-wal from one backup" in told
    assert all(f"{path}{suffix}" in told for suffix in parts)
    assert {suffix: path.with_name(f"store.db{suffix}").read_bytes() for suffix in parts} == parts


async def test_a_new_store_is_made_where_no_file_of_one_is(tmp_path: Path) -> None:
    for name in ("store.db.lock", "store.db.new", "store.db.new-wal"):  # of a first start that was cut off
        (tmp_path / name).write_bytes(b"x" * 100)
    store = await SqliteStore.open(tmp_path / "store.db")
    assert await store.revision() == 1
    await store.close()
    assert set(os.listdir(tmp_path)) == {"store.db", "store.db.lock"}
    assert stat.S_IMODE((tmp_path / "store.db").stat().st_mode) == 0o600


async def test_a_new_store_is_whole_in_its_file_before_the_first_write(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db")
    copied = tmp_path / "copied.db"
    copied.write_bytes((tmp_path / "store.db").read_bytes())
    await store.close()
    again = await SqliteStore.open(copied)
    assert await again.revision() == 1
    await again.close()


async def test_a_backup_beside_the_log_of_what_came_later_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = await SqliteStore.open(path)
    for number in range(300):
        await store.commit([Put(f"/{number:03}", os.urandom(3000), 0)])
    await store.close()
    later = await SqliteStore.open(path)
    for number in range(300):
        await later.commit([Put(f"/{number:03}", os.urandom(2000), None)])
    log = (tmp_path / "store.db-wal").read_bytes()
    await later.close()
    other = tmp_path / "restored.db"
    backup = await SqliteStore.open(other)
    for number in range(20):
        await backup.commit([Put(f"/{number}", os.urandom(900), 0)])
    await backup.close()
    other.with_name("restored.db-wal").write_bytes(log)
    with pytest.raises(Corrupt, match="restored"):
        await SqliteStore.open(other)
