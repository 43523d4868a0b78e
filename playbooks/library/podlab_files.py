#!/usr/bin/python3
"""Ansible module: many files and directories in one call, each written whole or not at all, and services that run
with them.

A deployment places some thirty files on a host; with one call for each, most of its time would go into the calls.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_files
short_description: Many files and directories in one call, and services that run with them
description:
  - An entry with C(content) or C(secret) is a file, one with C(absent) is removed with all that is in it,
    any other is a directory.
  - Supports check mode and diff; what is C(secret) is in neither.
  - With C(unit) it is changed, too, when the service runs since before one of its files was last changed, or systemd
    does not know its unit as it is now. An earlier run was cut off before it restarted the service.
options:
  files:
    description: The entries, worked on in this order.
    type: list
    elements: dict
    required: true
    suboptions: &entry
      path: {description: Where., type: path, required: true}
      content: {description: The file's text., type: str}
      secret: {description: "The file's text, which is not to be shown.", type: str}
      absent: {description: Whether it is to be gone., type: bool, default: false}
      owner: {description: Name of the owner., type: str, default: root}
      group: {description: Name of the group., type: str, default: root}
      reread:
        description: Whether a service that runs follows the file by itself, so that it is not restarted for it.
        type: bool
        default: false
      mode: {description: "Octal; 0644 for files, 0755 for directories when not given.", type: str}
  unit: {description: The systemd service that reads these files., type: str, default: ""}
  reads: {description: What else it reads., type: list, elements: path, default: []}
  services:
    description: Services that are to run.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: "The unit, without C(.service); or a C(.timer).", type: str, required: true}
      files: {description: The entries that are its own., type: list, elements: dict, default: [], suboptions: *entry}
      reads: {description: What else it reads., type: list, elements: path, default: []}
  one_by_one: {description: Whether the next service is restarted when the last one runs., type: bool, default: false}
  reloads:
    description:
      - Services of others that read some of the files. Where one runs, it is reloaded if its state is older than one of
        them, or one was removed now.
    type: list
    elements: dict
    suboptions:
      name: {description: Of the service., type: str, required: true}
      reads: {description: What it reads of ours., type: list, elements: path, required: true}
author: [Podlab]
"""

ENTRY = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str"},
    "secret": {"type": "str", "no_log": True},
    "absent": {"type": "bool", "default": False},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str"},
    "reread": {"type": "bool", "default": False},
}
SERVICE = {
    "name": {"type": "str", "required": True},
    "files": {"type": "list", "elements": "dict", "default": [], "options": ENTRY},
    "reads": {"type": "list", "elements": "path", "default": []},
}
RELOAD = {
    "name": {"type": "str", "required": True},
    "reads": {"type": "list", "elements": "path", "required": True},
}
OPTIONS = {
    "files": {"type": "list", "elements": "dict", "default": [], "options": ENTRY},
    "unit": {"type": "str", "default": ""},
    "reads": {"type": "list", "elements": "path", "default": []},
    "services": {"type": "list", "elements": "dict", "default": [], "options": SERVICE},
    "one_by_one": {"type": "bool", "default": False},
    "reloads": {"type": "list", "elements": "dict", "default": [], "options": RELOAD},
}
# podlab_patience: what a slow host is given.
PATIENCE = float(os.environ.get("PODLAB_PATIENCE", "1"))
# Enabling has systemd read all units anew: more than 30 s on a machine that is emulated.
SYSTEMCTL_WITHIN_S = 120 * PATIENCE
# systemd itself gives a service 90 s to start, and another 90 to stop, unless its unit says otherwise.
STARTED_WITHIN_S = 200 * PATIENCE
JOURNAL_LINES = 15
PROPERTIES = (
    *("Id", "LoadState", "ActiveState", "UnitFileState", "MainPID", "NeedDaemonReload"),
    "StateChangeTimestampMonotonic",  # reloading is a state, too
)
TIMER = ".timer"


class ServiceError(Exception):
    """A service does not start; the message holds what systemd says and the end of its journal."""


@dataclass
class Outcome:
    path: str
    changed: bool
    before: str = ""
    after: str = ""


def place(entry: dict[str, Any], check: bool) -> Outcome:
    path = Path(entry["path"])
    if entry["absent"]:
        return remove(path, check)
    if entry["content"] is None and entry["secret"] is None:
        return directory(path, entry, check)
    return file(path, entry, check)


def remove(path: Path, check: bool) -> Outcome:
    there = os.path.lexists(path)
    if there and not check:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return Outcome(str(path), there, before="present" if there else "", after="")


def directory(path: Path, entry: dict[str, Any], check: bool) -> Outcome:
    changed = not path.is_dir()
    if changed and not check:
        path.mkdir(parents=True)
    return Outcome(str(path), set_attributes(path, entry, 0o755, check) or changed)


def file(path: Path, entry: dict[str, Any], check: bool) -> Outcome:
    is_secret = entry["content"] is None
    wanted = (entry["secret"] if is_secret else entry["content"]).encode()
    found = path.read_bytes() if path.is_file() else None
    if found != wanted and not check:
        write(path, wanted)
    changed = set_attributes(path, entry, 0o644, check) or found != wanted
    if is_secret or found == wanted:
        return Outcome(str(path), changed)
    return Outcome(str(path), changed, before=(found or b"").decode(errors="replace"), after=wanted.decode())


def write(path: Path, content: bytes) -> None:
    """Unreadable to others until set_attributes opens it: mkstemp's mode is 0600."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def set_attributes(path: Path, entry: dict[str, Any], default_mode: int, check: bool) -> bool:
    """Owner, group and mode; in check mode an owner that a real run would have made by now counts as a change."""
    mode = int(entry["mode"], 8) if entry["mode"] else default_mode
    try:
        wanted = (pwd.getpwnam(entry["owner"]).pw_uid, grp.getgrnam(entry["group"]).gr_gid, mode)
        found = path.stat()
    except (KeyError, FileNotFoundError):
        if check:
            return True
        raise
    if (found.st_uid, found.st_gid, found.st_mode & 0o7777) == wanted:
        return False
    if not check:
        os.chown(path, *wanted[:2])
        os.chmod(path, mode)
    return True


def systemctl(*arguments: str, within_s: float = SYSTEMCTL_WITHIN_S) -> str:
    command = ["systemctl", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=within_s).stdout


def unit_of(name: str) -> str:
    return name if name.endswith(TIMER) else f"{name}.service"


def has_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()


def properties(units: list[str]) -> list[dict[str, str]]:
    """What systemd knows of each unit, also of one that it does not know."""
    asked = f"--property={','.join(PROPERTIES)}"
    shown = systemctl("show", asked, "--", *units)
    return [dict(line.split("=", 1) for line in part.splitlines()) for part in shown.strip().split("\n\n")]


def is_outdated(unit: str, paths: list[str]) -> bool:
    """Whether what runs of the unit is older than one of the files. What does not run takes them when it starts."""
    if not has_systemd():
        return False
    (found,) = properties([unit])
    return found["NeedDaemonReload"] == "yes" or runs_since_before(found["MainPID"], paths)


def runs_since_before(pid: str, paths: list[str]) -> bool:
    """Whether the process began before one of the files got what it holds now."""
    age = process_age_s(pid)
    return age is not None and any(file_age_s(path) < age for path in paths if os.path.isfile(path))


def process_age_s(pid: str) -> float | None:
    """Counted since boot, so that a clock that was set right meanwhile does not matter. None: it does not run."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    started_ticks = int(stat.rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_ticks / os.sysconf("SC_CLK_TCK")


def file_age_s(path: str) -> float:
    """Since content or attributes were last changed; replacing a file changes it."""
    return time.time() - os.stat(path).st_ctime


@dataclass
class Work:
    """What is to be done with services, by name."""

    reload: bool
    restart: list[str]
    start: list[str]
    enable: list[str]

    def any(self) -> bool:
        return bool(self.reload or self.restart or self.start or self.enable)


def work(services: list[dict[str, Any]], found: list[dict[str, str]]) -> Work:
    """`found` is what systemd says of each service. One that it does not know will be known when its unit is there."""
    names = [service["name"] for service in services]
    by_name = dict(zip(names, found, strict=True))
    active = [name for name in names if by_name[name]["ActiveState"] in ("active", "reloading")]
    stale = [name for name in names if by_name[name]["NeedDaemonReload"] == "yes"]
    old = [
        service["name"]
        for service in services
        if runs_since_before(
            by_name[service["name"]].get("MainPID", "0"), [*paths_of(service["files"]), *service["reads"]]
        )
    ]
    return Work(
        reload=bool(stale) or any(each["LoadState"] == "not-found" for each in found),
        restart=[name for name in active if name in (*stale, *old)],
        start=[name for name in names if name not in active],
        enable=[name for name in names if by_name[name]["UnitFileState"] != "enabled"],
    )


def paths_of(entries: list[dict[str, Any]]) -> list[str]:
    """Those for which what runs has to be restarted."""
    return [entry["path"] for entry in entries if not entry["absent"] and not entry["reread"]]


def perform(todo: Work, one_by_one: bool) -> None:
    """Raises ServiceError."""
    try:
        if todo.reload:
            systemctl("daemon-reload")
        if todo.enable:
            systemctl("enable", "--quiet", *map(unit_of, todo.enable))
        if changing := [unit_of(name) for name in [*todo.restart, *todo.start]]:
            # What systemd gave up to start again is started once more.
            if failed := [unit_of(name) for name in todo.start if has_failed(name)]:
                systemctl("reset-failed", *failed)
            for units in [[unit] for unit in changing] if one_by_one else [changing]:
                systemctl("restart", *units, within_s=STARTED_WITHIN_S)
    except subprocess.SubprocessError as error:
        said = str(getattr(error, "stderr", None) or error).strip()
        raise ServiceError("\n".join([said, *complaints([*todo.restart, *todo.start])])) from error


def has_failed(name: str) -> bool:
    (found,) = properties([unit_of(name)])
    return found["ActiveState"] == "failed"


def complaints(names: list[str]) -> list[str]:
    """The end of the journal of each of these services that does not run."""
    told = []
    for name, found in zip(names, properties([unit_of(name) for name in names]) if names else [], strict=True):
        if found["ActiveState"] != "active":
            command = [
                "journalctl",
                f"--unit={unit_of(name)}",
                f"--lines={JOURNAL_LINES}",
                "--no-pager",
                "--output=cat",
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SYSTEMCTL_WITHIN_S)
            told += [f"{name} is {found['ActiveState']}. The end of its journal:", *done.stdout.splitlines()]
    return told


def run_services(services: list[dict[str, Any]], check: bool, one_by_one: bool) -> Work:
    """Have the services run with their files. Raises ServiceError, and what asking systemd raises."""
    if not services or (check and not has_systemd()):
        return Work(False, [], [], [])
    units = [unit_of(service["name"]) for service in services]
    todo = work(services, properties(units))
    # A timer is as it should be, too, when what it starts has changed.
    if started := [f"{unit.removesuffix(TIMER)}.service" for unit in units if unit.endswith(TIMER)]:
        todo.reload |= any(found["NeedDaemonReload"] == "yes" for found in properties(started))
    if not check and todo.any():
        perform(todo, one_by_one)
    return todo


def unread(services: list[dict[str, Any]], found: list[dict[str, str]], changed: set[str]) -> list[str]:
    """Names of the services that run with what they read before; `changed` are the paths that this call changed."""
    return [
        service["name"]
        for service, shown in zip(services, found, strict=True)
        if shown["ActiveState"] == "active"
        and (changed.intersection(service["reads"]) or state_since_before(shown, service["reads"]))
    ]


def state_since_before(shown: dict[str, str], paths: list[str]) -> bool:
    """Whether the service was started or reloaded for the last time before one of the files got what it holds."""
    age = time.monotonic() - int(shown["StateChangeTimestampMonotonic"]) / 1e6
    return any(file_age_s(path) < age for path in paths if os.path.isfile(path))


def reload(services: list[dict[str, Any]], changed: set[str], check: bool) -> list[str]:
    """Names of those that were reloaded. Raises what asking systemd raises, and ServiceError."""
    if not services or not has_systemd():
        return []
    names = unread(services, properties([unit_of(service["name"]) for service in services]), changed)
    if names and not check:
        try:
            systemctl("reload", *map(unit_of, names))
        except subprocess.CalledProcessError as error:
            raise ServiceError(error.stderr.strip()) from error
    return names


class Unlogged(AnsibleModule):
    """Writes no word to the host's journal: Ansible hides no secret there that is of several lines, as keys are."""

    def log(self, msg: str, log_args: dict[str, Any] | None = None) -> None:
        """See AnsibleModule."""


def outdated_unit(module: AnsibleModule) -> bool:
    unit, entries = module.params["unit"], module.params["files"]
    paths = paths_of(entries) + module.params["reads"]
    try:
        return bool(unit) and is_outdated(unit, paths)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        module.fail_json(msg=f"{unit}: {error}")
        raise AssertionError("fail_json ends the module") from error


def main() -> None:
    module = Unlogged(argument_spec=OPTIONS, supports_check_mode=True)
    services = module.params["services"]
    outcomes = []
    for entry in [*module.params["files"], *(entry for service in services for entry in service["files"])]:
        try:
            outcomes.append(place(entry, module.check_mode))
        except (OSError, KeyError, ValueError) as error:
            module.fail_json(msg=f"{entry['path']}: {error}")
    changed = [outcome for outcome in outcomes if outcome.changed]
    diff = [
        {"before_header": each.path, "after_header": each.path, "before": each.before, "after": each.after}
        for each in changed
    ]
    outdated = outdated_unit(module)
    try:
        done = run_services(services, module.check_mode, module.params["one_by_one"])
        reloaded = reload(module.params["reloads"], {each.path for each in changed}, module.check_mode)
    except (ServiceError, OSError, ValueError, subprocess.SubprocessError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(changed) or outdated or done.any() or bool(reloaded),
        outdated=outdated,
        paths=[each.path for each in changed],
        restarted=done.restart,
        started=done.start,
        enabled=done.enable,
        reloaded=reloaded,
        diff=diff if module._diff else [],
    )


if __name__ == "__main__":
    main()
