from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from master.store.contract import Put
from master.store.encrypted import EncryptedStore
from master.store.errors import Compacted, Undecryptable
from master.store.keyring import MARK, Keyring
from master.store.sqlite.store import SqliteStore

ONE, TWO = ("one", b"1" * 32), ("two", b"2" * 16)
KEY, VALUE = "/registry/core/secrets/default/db", b"hunter2-hunter2"
SECRETS = ["/registry/core/secrets/"]


async def test_only_what_is_wanted_is_encrypted(model_store: Any) -> None:
    inner = model_store()
    store = EncryptedStore(inner, Keyring([ONE]), SECRETS)
    await store.commit([Put(KEY, VALUE, 0), Put("/registry/core/pods/default/web", b"plain", 0)])
    raw = {entry.key: entry.value for entry in (await inner.range("/")).entries}
    assert raw["/registry/core/pods/default/web"] == b"plain"
    assert raw[KEY].startswith(MARK + b"one:")
    assert VALUE not in raw[KEY]
    assert (await store.get(KEY)).value == VALUE  # type: ignore[union-attr]


async def test_the_same_value_never_looks_the_same(model_store: Any) -> None:
    inner = model_store()
    store = EncryptedStore(inner, Keyring([ONE]), SECRETS)
    await store.commit([Put(f"{KEY}-{number}", VALUE, 0) for number in range(20)])
    assert len({entry.value for entry in (await inner.range("/")).entries}) == 20


async def test_a_value_cannot_be_moved_to_another_key(model_store: Any) -> None:
    inner = model_store()
    store = EncryptedStore(inner, Keyring([ONE]), SECRETS)
    await store.commit([Put(KEY, VALUE, 0)])
    await inner.commit([Put(f"{KEY}-copy", (await inner.get(KEY)).value, 0)])
    with pytest.raises(Undecryptable, match="db-copy cannot be decrypted: the encryption key 'one' does not open it"):
        await store.get(f"{KEY}-copy")


async def test_a_missing_key_is_named(model_store: Any) -> None:
    inner = model_store()
    await EncryptedStore(inner, Keyring([ONE]), SECRETS).commit([Put(KEY, VALUE, 0)])
    with pytest.raises(Undecryptable, match="needs the encryption key 'one'; there are two"):
        await EncryptedStore(inner, Keyring([TWO]), SECRETS).range("/")


async def test_keys_rotate(model_store: Any) -> None:
    inner = model_store()
    await inner.commit([Put(f"{KEY}-old", b"plain", 0)])
    await EncryptedStore(inner, Keyring([ONE]), SECRETS).commit([Put(KEY, VALUE, 0)])
    both = EncryptedStore(inner, Keyring([TWO, ONE]), SECRETS)
    assert [entry.value for entry in (await both.range("/")).entries] == [VALUE, b"plain"]
    assert await both.renew() == 2
    assert await both.renew() == 0
    new = EncryptedStore(inner, Keyring([TWO]), SECRETS)
    assert [entry.value for entry in (await new.range("/")).entries] == [VALUE, b"plain"]
    with pytest.raises(Compacted):  # what the old key wrote is not there to be read any more
        await new.range("/", revision=2)


async def test_the_files_never_hold_a_value(tmp_path: Path) -> None:
    inner = await SqliteStore.open(tmp_path / "store.db")
    await inner.commit([Put(f"{KEY}-plain", b"before-" + VALUE, 0)])
    store = EncryptedStore(inner, Keyring([ONE]), SECRETS)
    await store.commit([Put(KEY, VALUE, 0)])
    assert VALUE in files(tmp_path)  # from before there were keys
    await store.renew()
    await store.commit([Put(KEY, b"again-" + VALUE, None)])
    await store.close()
    assert VALUE not in files(tmp_path)


def files(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.iterdir()))


@pytest.mark.parametrize("keys", [[], [("short", b"1" * 15)]])
def test_keys_that_are_none_are_refused(keys: list[tuple[str, bytes]]) -> None:
    with pytest.raises(ValueError):
        Keyring(keys)


async def test_two_servers_that_encrypt_anew_at_once_do_not_hinder_each_other(model_store: Any) -> None:
    inner = model_store()
    await EncryptedStore(inner, Keyring([ONE]), SECRETS).commit([Put(f"{KEY}-{one}", VALUE, 0) for one in range(3)])
    keyring = Keyring([TWO, ONE])
    first, commit = EncryptedStore(inner, keyring, SECRETS), inner.commit

    async def overtaken(operations: Any) -> int:
        inner.commit = commit
        assert await EncryptedStore(inner, keyring, SECRETS).renew() == 3
        return int(await commit(operations))

    inner.commit = overtaken
    assert await first.renew() == 0
    assert all(keyring.is_current(entry.value) for entry in (await inner.range("/")).entries)
