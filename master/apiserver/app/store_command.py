"""podlab-store: what an administrator does with the API server's store.

It is backed up while API servers use it, and migrated or restored while none runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from master.apiserver.app.archives import backup, restoring
from master.apiserver.app.archives.migrating import ETCD, SQLITE, migrate
from master.apiserver.settings import ApiServerSettings
from master.store import archive
from master.store.archive import Contents, Header
from master.store.errors import StoreError
from podlab import settings
from podlab.settings import SettingsError


async def _migrate(asked: argparse.Namespace) -> None:
    copied = await migrate(_settings(asked), asked.to)
    print(
        f"{copied.keys} keys with {copied.value_bytes} bytes copied to {asked.to} and verified; "
        f"revisions go on from {copied.before} to {copied.after}"
    )


async def _back_up(asked: argparse.Namespace) -> None:
    said = _settings(asked)
    gone: list[Path] = []
    if asked.file is not None:
        made = await backup.back_up(said, asked.file)
    else:
        made, gone = await backup.back_up_into(said, asked.directory, asked.keep)
    _tell(made.path, made.header, made.contents, asked.json)
    for path in gone:
        print(f"{path}: removed, {asked.keep} are kept", file=sys.stderr)


async def _verify(asked: argparse.Namespace) -> None:
    _tell(asked.file, *archive.verify(asked.file), asked.json)


async def _restore(asked: argparse.Namespace) -> None:
    if (asked.data_dir is None) != (asked.cluster is None):
        raise SettingsError("--data-dir and --cluster: give both, or neither and --config")
    if asked.data_dir is not None:
        restored = await restoring.restore(asked.file, asked.cluster, asked.data_dir)
    else:
        said = _settings(asked)
        restored = await restoring.restore(asked.file, said.cluster_name, said.data_dir, said.etcd)
    print(
        f"{restored.keys} keys with {restored.value_bytes} bytes restored and verified; "
        f"revisions go on from {restored.before} to {restored.after}"
    )


def _tell(path: Path, header: Header, contents: Contents, as_json: bool) -> None:
    size = path.stat().st_size
    if as_json:
        print(json.dumps({"path": str(path), "size_bytes": size, **asdict(header), **asdict(contents)}))
        return
    objects = sum(contents.objects.values())
    print(
        f"{path}: cluster {header.cluster}, {header.taken}, revision {header.revision}: {objects} objects, "
        f"{contents.keys} keys with {contents.value_bytes} bytes, {size} bytes in the file; verified"
    )


def _settings(asked: argparse.Namespace) -> ApiServerSettings:
    return settings.load(asked.config, ApiServerSettings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="podlab-store", description=__doc__)
    commands = parser.add_subparsers(required=True)
    configured = argparse.ArgumentParser(add_help=False)
    configured.add_argument("--config", type=Path, default=Path("/etc/podlab/apiserver.yaml"))
    telling = argparse.ArgumentParser(add_help=False)
    telling.add_argument("--json", action="store_true", help="tell what is in the archive as JSON")
    migrating = commands.add_parser(
        "migrate", parents=[configured], help="copy the store from SQLite to etcd or back, and verify the copy"
    )
    migrating.add_argument("--to", choices=(ETCD, SQLITE), required=True)
    migrating.set_defaults(run=_migrate)
    saving = commands.add_parser(
        "backup", parents=[configured, telling], help="write all of the store, which may be in use, to an archive"
    )
    where = saving.add_mutually_exclusive_group(required=True)
    where.add_argument("file", type=Path, nargs="?", help="the archive, which is not there yet")
    where.add_argument("--directory", type=Path, help="where archives are named by their time, and old ones go")
    saving.add_argument("--keep", type=int, default=96, help="so many stay in the directory (96)")
    saving.set_defaults(run=_back_up)
    verifying = commands.add_parser("verify", parents=[telling], help="read all of an archive, and tell what is in it")
    verifying.add_argument("file", type=Path)
    verifying.set_defaults(run=_verify)
    restored = commands.add_parser(
        "restore", parents=[configured], help="make the store, of which there is none, out of an archive"
    )
    restored.add_argument("file", type=Path)
    restored.add_argument("--data-dir", type=Path, help="where the store is to be, on a host without settings yet")
    restored.add_argument("--cluster", help="of which cluster the archive has to be, in place of what the settings say")
    restored.set_defaults(run=_restore)
    return parser


def main() -> None:
    """Exit codes: 0 done, 1 refused, 2 settings that cannot be used."""
    asked = _parser().parse_args()
    try:
        asyncio.run(asked.run(asked))
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except (StoreError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
