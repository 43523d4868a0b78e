"""Which store the settings name, opened: a SQLite file of this server's own, or an etcd that several servers share."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from master.apiserver.settings import ApiServerSettings, EtcdSettings
from master.store.contract import Store
from master.store.etcd.access import Access, ClientTls, access
from master.store.etcd.store import EtcdStore
from master.store.shifted import ShiftedStore
from master.store.sqlite.store import SqliteStore
from podlab.settings import SettingsError

STORE_FILE = "store.db"
IDENTITY_FILE = "etcd-store"
"""Which store in etcd this server has used: it takes no other for it."""


class WriteGauge(Protocol):
    """What tells how much it was given to write."""

    @property
    def written_bytes(self) -> int:
        """All that this server has written since it opened the store."""
        ...


async def open_store(settings: ApiServerSettings) -> tuple[Store, WriteGauge]:
    """The store, and what tells of its writing.

    Raises SettingsError for what is wrong in the settings, StoreError for a store that cannot be used.
    """
    if settings.etcd is None:
        file = await SqliteStore.open(settings.data_dir / STORE_FILE)
        return file, file
    where = etcd_access(settings.etcd)
    try:
        shared = await EtcdStore.open(where, settings.data_dir / IDENTITY_FILE)
    except OSError as error:
        raise SettingsError(f"etcd: {error}") from error
    return (ShiftedStore(shared, shared.shift) if shared.shift else shared), shared


def etcd_access(said: EtcdSettings) -> Access:
    """Raises SettingsError, which names the field."""
    tls = ClientTls(said.tls.ca, said.tls.cert, said.tls.key) if said.tls is not None else None
    try:
        return access(
            said.endpoints,
            tls=tls,
            user=said.user,
            password=_password(said.password_file),
            prefix=said.prefix,
            most_operations=said.max_txn_ops,
            most_request_bytes=said.max_request_bytes,
        )
    except (OSError, ValueError) as error:
        raise SettingsError(f"etcd.{error}") from error


def _password(path: Path | None) -> str:
    """Raises ValueError."""
    if path is None:
        return ""
    try:
        password = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"password_file: {path}: {error}") from error
    if not password:
        raise ValueError(f"password_file: {path} is empty; write the password into it")
    return password
