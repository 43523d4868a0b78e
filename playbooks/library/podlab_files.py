#!/usr/bin/python3
"""Ansible module: many files and directories in one call, each written whole or not at all.

A deployment places some thirty files on a host; with one call for each, most of its time would go into the calls.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_files
short_description: Many files and directories in one call
description:
  - An entry with C(content) or C(secret) is a file, one with C(absent) is removed with all that is in it,
    any other is a directory.
  - Supports check mode and diff; what is C(secret) is in neither.
options:
  files:
    description: The entries, worked on in this order.
    type: list
    elements: dict
    required: true
    suboptions:
      path: {description: Where., type: path, required: true}
      content: {description: The file's text., type: str}
      secret: {description: "The file's text, which is not to be shown.", type: str}
      absent: {description: Whether it is to be gone., type: bool, default: false}
      owner: {description: Name of the owner., type: str, default: root}
      group: {description: Name of the group., type: str, default: root}
      mode: {description: "Octal; 0644 for files, 0755 for directories when not given.", type: str}
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
}


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


class Unlogged(AnsibleModule):
    """Writes no word to the host's journal: Ansible hides no secret there that is of several lines, as keys are."""

    def log(self, msg: str, log_args: dict[str, Any] | None = None) -> None:
        """See AnsibleModule."""


def main() -> None:
    spec = {"files": {"type": "list", "elements": "dict", "required": True, "options": ENTRY}}
    module = Unlogged(argument_spec=spec, supports_check_mode=True)
    outcomes = []
    for entry in module.params["files"]:
        try:
            outcomes.append(place(entry, module.check_mode))
        except (OSError, KeyError, ValueError) as error:
            module.fail_json(msg=f"{entry['path']}: {error}")
    changed = [outcome for outcome in outcomes if outcome.changed]
    diff = [
        {"before_header": each.path, "after_header": each.path, "before": each.before, "after": each.after}
        for each in changed
    ]
    module.exit_json(changed=bool(changed), paths=[each.path for each in changed], diff=diff if module._diff else [])


if __name__ == "__main__":
    main()
