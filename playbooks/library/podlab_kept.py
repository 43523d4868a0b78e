#!/usr/bin/python3
"""Ansible module: keeps a host's settings, units and release in use while it is changed, and puts them back."""

from __future__ import annotations

import glob
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_kept
short_description: Keeps a host's settings, units and release while it is changed
description:
  - C(kept) before a change, C(restored) when it failed, C(forgotten) in the end. What was kept and neither restored nor
    forgotten stays when it is kept again, because that run was cut off; unless the release that it is of is gone.
  - Only C(restored) counts as a change, because the others leave nothing behind. Keys are among what is kept, so the
    folder is root's alone.
options:
  state: {description: What to do., type: str, required: true, choices: [kept, restored, forgotten]}
author: [Podlab]
"""

OPTIONS = {"state": {"type": "str", "required": True, "choices": ["kept", "restored", "forgotten"]}}
ROOT = Path("/")
FOLDER, LINK, RELEASES = "opt/podlab/before", "opt/podlab/venv", "opt/podlab/releases"
SETTINGS = (
    "etc/podlab/**",
    "etc/systemd/system/podlab-*.service",
    "etc/systemd/system/*.service.d/podlab.conf",
    "etc/containerd/config.toml",
    "etc/cni/podlab.d/**",
    "etc/sysctl.d/99-zz-podlab.conf",
    "etc/modules-load.d/podlab.conf",
)
# Those of containerd's that it reads only when it starts.
CONTAINERD = ("etc/containerd/config.toml", "etc/systemd/system/containerd.service.d/podlab.conf")
# podlab_patience: what a slow host is given.
PATIENCE = float(os.environ.get("PODLAB_PATIENCE", "1"))
WITHIN_S = 200 * PATIENCE
JOURNAL_LINES = 12


class RestoreError(Exception):
    """What was kept cannot be put back; the message says why."""


def files(root: Path) -> set[str]:
    """The settings that are there, relative to the root."""
    found = (
        each for pattern in SETTINGS for each in glob.glob(str(root / pattern), recursive=True, include_hidden=True)
    )
    return {os.path.relpath(each, root) for each in found if os.path.isfile(each)}


def in_use(root: Path) -> str:
    link = root / LINK
    return os.readlink(link) if link.is_symlink() else ""


def keep(root: Path) -> None:
    folder = root / FOLDER
    if left_by_another_run(root):
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    for name in files(root):
        copy(root / name, folder / "files" / name)
    # Last: without it what was kept is not whole.
    (folder / "kept.json").write_text(json.dumps({"release": in_use(root)}))


def left_by_another_run(root: Path) -> bool:
    """Whether a run was cut off after the release was changed, and the one before is still there."""
    kept = root / FOLDER / "kept.json"
    if not kept.exists():
        return False
    release = json.loads(kept.read_text())["release"]
    return release != in_use(root) and (root / release.lstrip("/")).is_dir()


def copy(source: Path, target: Path) -> None:
    """With owner and mode, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.kept")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_bytes(source.read_bytes())
    found = source.stat()
    os.chown(partial, found.st_uid, found.st_gid)
    os.chmod(partial, found.st_mode & 0o7777)
    os.replace(partial, target)


def same(one: Path, other: Path) -> bool:
    if not other.is_file():
        return False
    first, second = one.stat(), other.stat()
    if (first.st_uid, first.st_gid, first.st_mode) != (second.st_uid, second.st_gid, second.st_mode):
        return False
    return one.read_bytes() == other.read_bytes()


def restore(root: Path) -> set[str]:
    """Put all back; what changed by that. Raises RestoreError."""
    folder = root / FOLDER
    if not (folder / "kept.json").exists():
        raise RestoreError(f"{folder} holds nothing that was kept: the host stays as it is")
    kept = {os.path.relpath(each, folder / "files") for each in walk(folder / "files")}
    changed = {name for name in kept if not same(folder / "files" / name, root / name)}
    for name in changed:
        copy(folder / "files" / name, root / name)
    new = files(root) - kept
    for name in new:
        (root / name).unlink()
    return changed | new | switch(root, json.loads((folder / "kept.json").read_text())["release"])


def walk(folder: Path) -> list[str]:
    return [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]


def switch(root: Path, release: str) -> set[str]:
    """Back to the release that was in use."""
    if not release or release == in_use(root):
        return set()
    if not (root / release.lstrip("/")).is_dir():
        raise RestoreError(f"{release} is gone, which the host ran before: site.yml puts this release there again")
    partial = root / f"{LINK}.before"
    partial.unlink(missing_ok=True)
    partial.symlink_to(release)
    partial.replace(root / LINK)
    return {LINK}


def touched(changed: set[str], units: dict[str, str]) -> list[str]:
    """Which services have to start again. `units` is what systemd says of each: active, failed ..."""
    own = {name: name.removeprefix("podlab-") for name in units}
    shared = [
        path
        for path in changed
        if path.startswith("etc/podlab/") and not any(is_of(path, each) for each in own.values())
    ]
    stopped = {name for name, state in units.items() if state != "active"}
    if shared or LINK in changed:
        return sorted(units)
    return sorted(stopped | {name for name, short in own.items() if any(is_of(path, short) for path in changed)})


def is_of(path: str, service: str) -> bool:
    """Whether it is the service's unit, settings, certificate or key."""
    return Path(path).name in {f"podlab-{service}.service", *(f"{service}.{end}" for end in ("yaml", "crt", "key"))}


def systemctl(*arguments: str) -> str:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False, timeout=WITHIN_S)
    if done.returncode != 0:
        raise RestoreError(f"systemctl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def states() -> dict[str, str]:
    """Of Podlab's services that start with the host."""
    listed = systemctl("list-unit-files", "podlab-*.service", "--state=enabled", "--no-legend", "--plain")
    names = [line.split()[0] for line in listed.splitlines()]
    if not names:
        return {}
    shown = systemctl("show", "--property=Id,ActiveState", "--", *names).strip().split("\n\n")
    found = [dict(line.split("=", 1) for line in part.splitlines()) for part in shown]
    return {each["Id"].removesuffix(".service"): each["ActiveState"] for each in found}


def run_as_before(changed: set[str]) -> list[str]:
    """Services run with what was put back. Raises RestoreError."""
    gone = [name for name in changed if name.endswith(".service") and not (ROOT / name).exists()]
    for name in gone:
        subprocess.run(["systemctl", "stop", Path(name).name], check=False, timeout=WITHIN_S)
        (ROOT / "etc/systemd/system/multi-user.target.wants" / Path(name).name).unlink(missing_ok=True)
    systemctl("daemon-reload")
    restarted = ["containerd"] if changed & set(CONTAINERD) else []
    units = states()
    restarted += touched(changed, units)
    if failed := [f"{name}.service" for name, state in units.items() if state == "failed"]:
        systemctl("reset-failed", *failed)
    if restarted:
        systemctl("restart", *(f"{name}.service" for name in restarted))
    return restarted


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    state = module.params["state"]
    result: dict[str, Any] = {"changed": state == "restored"}
    try:
        if not module.check_mode and state == "kept":
            keep(ROOT)
        elif not module.check_mode and state == "restored":
            changed = restore(ROOT)
            result.update(paths=sorted(changed), restarted=run_as_before(changed))
        elif not module.check_mode:
            shutil.rmtree(ROOT / FOLDER, ignore_errors=True)
    except (RestoreError, OSError, ValueError, subprocess.SubprocessError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
