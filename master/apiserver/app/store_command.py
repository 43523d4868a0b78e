"""podlab-store: what an administrator does with the API server's store while no API server runs."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from master.apiserver.app.opening import STORE_FILE, etcd_access
from master.apiserver.settings import ApiServerSettings, EtcdSettings
from master.store.contract import Store
from master.store.errors import Replaced, StoreError
from master.store.etcd.store import EtcdStore
from master.store.migration import Copied, copy
from master.store.shifted import ShiftedStore
from master.store.sqlite import founding, schema
from master.store.sqlite.store import SqliteStore
from podlab import settings
from podlab.settings import SettingsError

SQLITE, ETCD = "sqlite", "etcd"
_NEW = "store.db.migrating"


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
        await asyncio.to_thread(schema.make, new, await source.revision())
        async with _sqlite(new) as target:
            copied = await copy(source, target)
    finally:
        await opened.close()
    await asyncio.to_thread(founding.move, new, file)
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


def main() -> None:
    """Exit codes: 0 done, 1 refused, 2 settings that cannot be used."""
    parser = argparse.ArgumentParser(prog="podlab-store", description=__doc__)
    commands = parser.add_subparsers(required=True)
    migrating = commands.add_parser("migrate", help="copy the store from SQLite to etcd or back, and verify the copy")
    migrating.add_argument("--config", type=Path, default=Path("/etc/podlab/apiserver.yaml"))
    migrating.add_argument("--to", choices=(ETCD, SQLITE), required=True)
    asked = parser.parse_args()
    try:
        copied = asyncio.run(migrate(settings.load(asked.config, ApiServerSettings), asked.to))
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except (StoreError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    print(
        f"{copied.keys} keys with {copied.value_bytes} bytes copied to {asked.to} and verified; "
        f"revisions go on from {copied.before} to {copied.after}"
    )


if __name__ == "__main__":
    main()
