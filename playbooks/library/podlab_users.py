#!/usr/bin/python3
"""Ansible module: the system users that services run as, in one call."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_users
short_description: The system users that services run as
description:
  - Each user has a group of its own name, no shell, and a home that is only its mark - an account of the same name
    with another home is somebody else's. It is never removed, and never used.
  - A user that still has a process, as of a backup under way, is removed when that has ended; not within a minute,
    the failure names process and unit.
options:
  names: {description: The users., type: list, elements: str, required: true}
  state: {description: Whether they are to be there., type: str, choices: [present, absent], default: present}
author: [Podlab]
"""

OPTIONS = {
    "names": {"type": "list", "elements": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
HOME = "/var/lib/podlab"
SHELL = "/usr/sbin/nologin"
# podlab_patience: what a slow host is given.
PATIENCE = float(os.environ.get("PODLAB_PATIENCE", "1"))
WITHIN_S = 60 * PATIENCE
PAUSE_S = 0.2


class UserError(Exception):
    """A user cannot be made or removed; the message names it and says why."""


def pending(names: list[str], present: bool, homes: dict[str, str]) -> list[str]:
    """Those of the names that are to be made or removed; `homes` are those of the users there are. Raises UserError."""
    if not present:
        return [name for name in names if homes.get(name) == HOME]
    for name in names:
        if homes.get(name, HOME) != HOME:
            raise UserError(f"user {name}: there is one already, with the home {homes[name]}; rename or remove it")
    return [name for name in names if name not in homes]


def found_homes(names: list[str]) -> dict[str, str]:
    """The homes of those of the names that are users."""
    homes = {}
    for name in names:
        try:
            homes[name] = pwd.getpwnam(name).pw_dir
        except KeyError:
            continue
    return homes


def without_group(names: list[str]) -> dict[str, int]:
    """Users of ours whose group is missing, with its id: useradd was cut off between its two files."""
    found = {}
    for name in names:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        if user.pw_dir == HOME and not has_group(user.pw_gid):
            found[name] = user.pw_gid
    return found


def has_group(gid: int) -> bool:
    try:
        grp.getgrgid(gid)
    except KeyError:
        return False
    return True


def command(name: str, present: bool) -> list[str]:
    if not present:
        return ["userdel", name]
    return ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", HOME, "--shell", SHELL, name]


def processes(uid: int, proc: Path = Path("/proc")) -> dict[int, str]:
    """What runs as the user: by process id, its name and the control group, whose last part is the unit."""
    found = {}
    for directory in proc.glob("[0-9]*"):
        try:
            if uid in user_ids((directory / "status").read_text()):
                unit = (directory / "cgroup").read_text().strip().rpartition("/")[2]
                found[int(directory.name)] = f"{(directory / 'comm').read_text().strip()} of {unit}"
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
    return found


def user_ids(status: str) -> set[int]:
    """Real, effective, saved and file system's user, by /proc/<pid>/status (proc_pid_status(5))."""
    line = next(each for each in status.splitlines() if each.startswith("Uid:"))
    return {int(each) for each in line.split()[1:]}


def until_idle(name: str, within_s: float = WITHIN_S) -> None:
    """Returns when nothing runs as the user. What began before its unit got another user ends by itself, as a backup
    does. Raises UserError with what still runs."""
    uid, deadline = pwd.getpwnam(name).pw_uid, time.monotonic() + within_s
    while left := processes(uid):
        if time.monotonic() >= deadline:
            told = ", ".join(f"{pid} ({what})" for pid, what in sorted(left.items()))
            raise UserError(f"user {name}: still used after {within_s:.0f} s by process {told}; stop it, run again")
        time.sleep(PAUSE_S)


def run(argv: list[str]) -> None:
    """Raises UserError with what the command said."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    if done.returncode != 0:
        raise UserError(f"{' '.join(argv)}: exit {done.returncode}: {done.stderr.strip()}")


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    names, present = module.params["names"], module.params["state"] == "present"
    try:
        changing = pending(names, present, found_homes(names))
        lacking = without_group(names) if present else {}
        commands = [command(name, present) for name in changing]
        commands += [["groupadd", "--system", "--gid", str(gid), name] for name, gid in lacking.items()]
        if not module.check_mode:
            for name in [] if present else changing:
                until_idle(name)
            for each in commands:
                run(each)
    except (UserError, OSError, subprocess.TimeoutExpired) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(commands), users=[*changing, *lacking])


if __name__ == "__main__":
    main()
