#!/usr/bin/python3
"""Ansible module: the API server's store on a master, and the keys that belong to it: archived, put aside, restored."""

from __future__ import annotations

import json
import os
import pwd
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
        owner of its directory. C(aside) stops the control plane and moves its store and keys away.
        C(restored) makes the store, of which there is none, out of the archive in C(path).
    type: str
    choices: [looked, archived, aside, restored]
    required: true
  path: {description: The archive., type: path, default: ""}
  cluster: {description: The cluster's name., type: str, default: ""}
author: [Podlab]
"""

OPTIONS = {
    "state": {"type": "str", "choices": ["looked", "archived", "aside", "restored"], "required": True},
    "path": {"type": "path", "default": ""},
    "cluster": {"type": "str", "default": ""},
}
DATA = Path("/var/lib/podlab")
KEYS = Path("/etc/podlab/pki")
PROGRAM = Path("/opt/podlab/venv/bin/podlab-store")
CONFIG = Path("/etc/podlab/apiserver.yaml")
USER = "podlab-apiserver"
# In the order in which they are stopped: what writes last is the API server.
UNITS = ("podlab-backup.timer", "podlab-backup", "podlab-controllers", "podlab-scheduler", "podlab-apiserver")
# What a restored store needs of its own time, and nobody else has.
SHARED_KEYS = ("encryption.yaml", "service-accounts.key", "service-accounts-retired.pem", "signing.crt", "signing.key",
               "tokens.csv")  # fmt: skip
WITHIN_S = 540
STOPPED_WITHIN_S = 120


class StoreError(Exception):
    """What could not be done; the message says why."""


def look() -> dict[str, Any]:
    store = DATA / "apiserver/store.db"
    beside = [f"{store}{suffix}" for suffix in ("", "-wal", "-shm", "-journal") if os.path.exists(f"{store}{suffix}")]
    serving = subprocess.run(["systemctl", "is-active", "--quiet", "podlab-apiserver"], check=False).returncode == 0
    return {"store": beside, "serving": serving, "installed": PROGRAM.exists()}


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


def put_aside() -> str:
    """Where the store and its keys are now, empty where there were none; nothing is removed."""
    units = [unit if "." in unit else f"{unit}.service" for unit in UNITS]
    known = [unit for unit in units if Path("/etc/systemd/system", unit).exists()]
    if known:
        subprocess.run(["systemctl", "stop", *known], check=True, timeout=STOPPED_WITHIN_S, capture_output=True)
    moved = [*map(Path, look()["store"]), *(KEYS / name for name in SHARED_KEYS if (KEYS / name).exists())]
    if not moved:
        return ""
    target = DATA / f"before-restore-{time.strftime('%Y-%m-%dT%H%M%SZ', time.gmtime())}"
    target.mkdir(mode=0o700, parents=True)
    for found in moved:
        shutil.move(found, target / found.name)
    return str(target)


def restore(path: Path, cluster: str) -> str:
    """What podlab-store says. Raises StoreError."""
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
        return run("restore", "--data-dir", str(folder), "--cluster", cluster, str(own)).strip()
    finally:
        own.unlink(missing_ok=True)


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
        if state == "archived":
            module.exit_json(changed=True, held=archive(path))
        if state == "aside":
            module.exit_json(changed=True, aside=put_aside())
        module.exit_json(changed=True, told=restore(path, module.params["cluster"]))
    except (StoreError, OSError, KeyError, ValueError, subprocess.SubprocessError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
