#!/usr/bin/python3
"""Ansible module: the API server's store on a master, and the keys that belong to it: archived, put aside, restored,
migrated."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_store
short_description: The API server's store on a master
description:
  - Contents go through files that only root and the connection's user can read, and never through a result or a log.
options:
  state:
    description:
      - C(looked) changes nothing. C(archived) puts an archive of the store, which may be in use, into C(path), for the
        owner of its directory. C(aside) stops the control plane and etcd, and moves store and keys away.
        C(restored) makes the store, of which there is none, out of the archive in C(path).
      - C(stopped) stops the control plane, C(served) starts it. C(migrated) stops it, copies the store C(to) the other
        kind, and puts C(settings) in the place of the API server's; where the copy fails, it runs as before.
    type: str
    choices: [looked, archived, aside, restored, stopped, served, migrated]
    required: true
  path: {description: The archive., type: path, default: ""}
  settings: {description: "Those that the API server is to have; needed for a store in etcd.", type: path, default: ""}
  cluster: {description: The cluster's name., type: str, default: ""}
  to: {description: What the store is migrated to., type: str, choices: [etcd, sqlite], default: etcd}
author: [Podlab]
"""

OPTIONS = {
    "state": {
        "type": "str",
        "choices": ["looked", "archived", "aside", "restored", "stopped", "served", "migrated"],
        "required": True,
    },
    "path": {"type": "path", "default": ""},
    "settings": {"type": "path", "default": ""},
    "cluster": {"type": "str", "default": ""},
    "to": {"type": "str", "choices": ["etcd", "sqlite"], "default": "etcd"},
}
DATA = Path("/var/lib/podlab")
KEYS = Path("/etc/podlab/pki")
PROGRAM = Path("/opt/podlab/venv/bin/podlab-store")
CONFIG = Path("/etc/podlab/apiserver.yaml")
USER = "podlab-apiserver"
# In the order in which they are stopped: what writes last is the API server.
UNITS = ("podlab-backup.timer", "podlab-backup", "podlab-controllers", "podlab-scheduler", "podlab-apiserver")
ETCD_UNIT, ETCD_DATA = "podlab-etcd", "etcd"
# By which an API server knows which store in etcd it has used.
IDENTITY = "etcd-store"
# What a restored store needs of its own time, and nobody else has.
SHARED_KEYS = ("encryption.yaml", "service-accounts.key", "service-accounts-retired.pem", "signing.crt", "signing.key",
               "tokens.csv")  # fmt: skip
# podlab_patience: what a slow host is given.
PATIENCE = float(os.environ.get("PODLAB_PATIENCE", "1"))
WITHIN_S = 540 * PATIENCE
STOPPED_WITHIN_S = 120 * PATIENCE


class StoreError(Exception):
    """What could not be done; the message says why."""


def look() -> dict[str, Any]:
    """`kind` is what the API server's settings say of its store: sqlite, etcd, or empty where there is none."""
    store = DATA / "apiserver/store.db"
    beside = [f"{store}{suffix}" for suffix in ("", "-wal", "-shm", "-journal") if os.path.exists(f"{store}{suffix}")]
    settings = CONFIG.read_text() if CONFIG.exists() else ""
    kind = "etcd" if re.search(r"^etcd:", settings, re.MULTILINE) else "sqlite" if settings and beside else ""
    return {
        "store": beside,
        "serving": runs("podlab-apiserver"),
        "installed": PROGRAM.exists(),
        "kind": kind,
        "member": (DATA / ETCD_DATA / "member").exists(),
    }


def runs(unit: str) -> bool:
    return subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0


def refuse_bare() -> None:
    """Raises StoreError where there is nothing to be backed up."""
    if not PROGRAM.exists() or not CONFIG.exists():
        raise StoreError(f"no API server is here to be backed up ({PROGRAM} or {CONFIG} is missing): run site.yml")


def archive(path: Path) -> dict[str, Any]:
    """What the archive holds, told by podlab-store. Raises StoreError."""
    refuse_bare()
    folder = DATA / "apiserver"
    own = folder / f".archived-{os.getpid()}"
    try:
        told = run("backup", "--json", "--config", str(CONFIG), str(own))
        reader = path.parent.stat()
        shutil.copyfile(own, path)
        path.chmod(0o600)
        os.chown(path, reader.st_uid, reader.st_gid)
    finally:
        own.unlink(missing_ok=True)
    held: dict[str, Any] = json.loads(told)
    return held


def stop(units: tuple[str, ...] = UNITS) -> list[str]:
    """Which of them ran."""
    known = [unit if "." in unit else f"{unit}.service" for unit in units]
    known = [unit for unit in known if Path("/etc/systemd/system", unit).exists()]
    ran = [unit for unit in known if runs(unit)]
    if known:
        subprocess.run(["systemctl", "stop", *known], check=True, timeout=STOPPED_WITHIN_S, capture_output=True)
    return ran


def start(units: list[str]) -> None:
    if units:
        subprocess.run(
            ["systemctl", "start", *reversed(units)], check=True, timeout=STOPPED_WITHIN_S, capture_output=True
        )


def serve() -> bool:
    """Whether anything did not run of what starts with the host."""
    units = [unit if "." in unit else f"{unit}.service" for unit in UNITS if unit != "podlab-backup"]
    stopped = [unit for unit in units if Path("/etc/systemd/system", unit).exists() and not runs(unit)]
    start(stopped)
    return bool(stopped)


def put_aside() -> str:
    """Where the store, a member's data and the keys are now, empty where there were none; nothing is removed."""
    stop((*UNITS, ETCD_UNIT))
    keys = [KEYS / name for name in SHARED_KEYS]
    return move_away("restore", *map(Path, look()["store"]), DATA / "apiserver" / IDENTITY, DATA / ETCD_DATA, *keys)


def move_away(before: str, *paths: Path) -> str:
    """Where those of them are now that were there; empty where none was."""
    there = [path for path in paths if path.exists()]
    if not there:
        return ""
    at = f"before-{before}-{time.strftime('%Y-%m-%dT%H%M%SZ', time.gmtime())}"
    names = (at, *(f"{at}-{number}" for number in range(2, 100)))
    target = next(DATA / name for name in names if not (DATA / name).exists())
    target.mkdir(mode=0o700, parents=True)
    for found in there:
        shutil.move(found, target / found.name)
    return str(target)


def migrate(to: str, settings: Path) -> dict[str, Any]:
    """What podlab-store says, and where the store of before is. Raises StoreError; then all runs as before."""
    ran = stop()
    try:
        if to == "sqlite":  # of an earlier life: the settings say that another store is in use
            move_away("migration", *map(Path, look()["store"]))
        told = run("migrate", "--to", to, "--config", str(settings if to == "etcd" else CONFIG)).strip()
    except BaseException:
        start(ran)
        raise
    left = [DATA / "apiserver" / IDENTITY, *(map(Path, look()["store"]) if to == "etcd" else ())]
    # Before the old store is moved: an API server that found none where its settings say would begin an empty one.
    os.replace(settings, CONFIG)
    return {"told": told, "aside": move_away("migration", *left)}


def restore(path: Path, cluster: str, settings: str) -> str:
    """What podlab-store says. The store is where the settings say, or without any a file. Raises StoreError."""
    user = pwd.getpwnam(USER)
    folder = DATA / "apiserver"
    DATA.mkdir(exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(folder, user.pw_uid, user.pw_gid)
    own = folder / f".restored-{os.getpid()}"
    try:
        shutil.copyfile(path, own)
        own.chmod(0o600)
        os.chown(own, user.pw_uid, user.pw_gid)
        where = ("--config", settings) if settings else ("--data-dir", str(folder), "--cluster", cluster)
        return run("restore", *where, str(own)).strip()
    finally:
        own.unlink(missing_ok=True)
        if settings:
            Path(settings).unlink(missing_ok=True)


def run(*arguments: str) -> str:
    """What podlab-store prints, as the API server's user. Raises StoreError with what it complains of."""
    command = ["runuser", "-u", USER, "--", str(PROGRAM), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=WITHIN_S, cwd="/", umask=0o077
        )
    except subprocess.TimeoutExpired as error:
        raise StoreError(f"podlab-store {arguments[0]} did not end within {WITHIN_S} s") from error
    if done.returncode != 0:
        raise StoreError(f"podlab-store {arguments[0]}: {done.stderr.strip() or f'exit {done.returncode}'}")
    return done.stdout


def act(params: dict[str, Any], path: Path) -> dict[str, Any]:
    """The result of what is asked. Raises StoreError, OSError, KeyError, ValueError, SubprocessError."""
    match params["state"]:
        case "archived":
            return {"changed": True, "held": archive(path)}
        case "aside":
            return {"changed": True, "aside": put_aside()}
        case "stopped":
            return {"changed": bool(stop())}
        case "served":
            return {"changed": serve()}
        case "migrated":
            return {"changed": True, **migrate(params["to"], Path(params["settings"]))}
    return {"changed": True, "told": restore(path, params["cluster"], params["settings"])}


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    state, path = module.params["state"], Path(module.params["path"])
    if state == "looked":
        module.exit_json(changed=False, **look())
    try:
        if module.check_mode and state == "archived":
            refuse_bare()
        if module.check_mode:
            module.exit_json(changed=True)
        module.exit_json(**act(module.params, path))
    except (StoreError, OSError, KeyError, ValueError, subprocess.SubprocessError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
