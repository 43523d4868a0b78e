"""A master's store and keys are found and put aside whole, and what podlab-store complains of is told."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from podlab_testing.ansible_code import load

podlab_store: Any = load("podlab_store")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of a host that has no API server."""
    for name, folder in (("DATA", "data"), ("KEYS", "keys")):
        (tmp_path / folder).mkdir()
        monkeypatch.setattr(podlab_store, name, tmp_path / folder)
    (tmp_path / "data/apiserver").mkdir()
    monkeypatch.setattr(podlab_store, "PROGRAM", tmp_path / "podlab-store")
    monkeypatch.setattr(podlab_store, "CONFIG", tmp_path / "apiserver.yaml")
    monkeypatch.setattr(podlab_store, "UNITS", ("podlab-none-such",))
    monkeypatch.setattr(podlab_store, "ETCD_UNIT", "podlab-none-such-either")
    return tmp_path


def test_all_parts_of_a_store_are_found(host: Path) -> None:
    assert podlab_store.look()["store"] == []
    store = host / "data/apiserver/store.db"
    store.with_name("store.db-wal").write_bytes(b"log")
    assert podlab_store.look()["store"] == [f"{store}-wal"]
    store.write_bytes(b"store")
    assert podlab_store.look()["store"] == [str(store), f"{store}-wal"]


def test_store_and_shared_keys_are_put_aside_and_nothing_is_lost(host: Path) -> None:
    assert podlab_store.put_aside() == ""
    assert [path.name for path in (host / "data").iterdir()] == ["apiserver"]
    kept = {"store.db": b"store", "store.db-wal": b"log", "encryption.yaml": b"secret", "signing.key": b"key"}
    for name, content in kept.items():
        folder = "data/apiserver" if name.startswith("store") else "keys"
        (host / folder / name).write_bytes(content)
    (host / "keys/apiserver.crt").write_bytes(b"made anew")
    aside = Path(podlab_store.put_aside())
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == kept
    assert stat.S_IMODE(aside.stat().st_mode) == 0o700
    assert podlab_store.look()["store"] == []
    assert (host / "keys/apiserver.crt").exists()


@pytest.mark.parametrize(
    ("settings", "files", "kind"),
    [
        ("port: 1\n", ["store.db"], "sqlite"),
        ("port: 1\netcd:\n  prefix: /p\n", ["store.db"], "etcd"),
        ("port: 1\n", [], ""),
        (None, ["store.db"], ""),
    ],
)
def test_what_kind_of_store_a_master_has_is_what_its_settings_say(
    host: Path, settings: str | None, files: list[str], kind: str
) -> None:
    if settings is not None:
        podlab_store.CONFIG.write_text(settings)
    for name in files:
        (host / "data/apiserver" / name).write_bytes(b"store")
    assert podlab_store.look()["kind"] == kind


def program(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(podlab_store, "USER", "root")
    podlab_store.PROGRAM.write_text(f"#!/bin/sh\n{text}\n")
    podlab_store.PROGRAM.chmod(0o755)


def test_the_settings_name_the_copy_before_the_old_store_is_moved_away(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, next_settings = host / "data/apiserver/store.db", host / "next.yaml"
    store.write_bytes(b"store")
    podlab_store.CONFIG.write_text("old")
    next_settings.write_text("etcd: new")
    program("echo refused >&2; exit 1", monkeypatch)
    with pytest.raises(podlab_store.StoreError, match="podlab-store migrate: refused"):
        podlab_store.migrate("etcd", next_settings)
    assert (podlab_store.CONFIG.read_text(), store.exists()) == ("old", True)
    program(f"test -e {store} && grep -q new {next_settings} && echo copied $*", monkeypatch)
    done = podlab_store.migrate("etcd", next_settings)
    assert done["told"] == f"copied migrate --to etcd --config {next_settings}"
    assert [path.name for path in Path(done["aside"]).iterdir()] == ["store.db"]
    assert podlab_store.CONFIG.read_text() == "etcd: new"
    assert not next_settings.exists()


def test_on_the_way_back_a_file_of_an_earlier_life_is_no_obstacle(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, next_settings = host / "data/apiserver/store.db", host / "next.yaml"
    store.write_bytes(b"old")
    store.with_name("etcd-store").write_bytes(b"mark")
    podlab_store.CONFIG.write_text("etcd: x")
    next_settings.write_text("file")
    program(f"test ! -e {store} && echo new > {store} && echo $*", monkeypatch)
    done = podlab_store.migrate("sqlite", next_settings)
    assert done["told"] == f"migrate --to sqlite --config {podlab_store.CONFIG}"
    assert (store.read_text(), podlab_store.CONFIG.read_text()) == ("new\n", "file")
    assert not store.with_name("etcd-store").exists()


def test_a_host_without_an_api_server_has_nothing_to_back_up(host: Path) -> None:
    with pytest.raises(podlab_store.StoreError, match=r"no API server is here .*podlab-store .*run site\.yml"):
        podlab_store.archive(host / "x")


def test_what_podlab_store_complains_of_is_told(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program("echo error: it is damaged >&2; exit 1", monkeypatch)
    with pytest.raises(podlab_store.StoreError, match="podlab-store verify: error: it is damaged"):
        podlab_store.run("verify", "x")
