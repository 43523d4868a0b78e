#!/usr/bin/python3
"""Ansible module: containerd's configuration, ours merged into what the host has, and put back as it was.

A host may have used containerd before: what its own configuration says besides (registries, snapshotters, other
plugins) stays in force, and what was there is kept until it is asked back.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_containerd
short_description: containerd's configuration, merged with the host's own
description:
  - C(merged) sees that containerd's configuration says all of C(settings), and leaves the rest of it alone.
    The first time it writes down what was there - the file, whether the service ran and started with the host, which
    images the namespace k8s.io had, and whether /var/lib/containerd was in use.
  - C(restored) puts the file and the service back. A file that somebody changed since is kept beside it.
  - Nothing is written where the file says all of it already.
options:
  settings: {description: Tables and values as in containerd's config.toml of version 2., type: dict, default: {}}
  state: {description: What is wanted., type: str, choices: [merged, restored], default: merged}
  path: {description: The configuration., type: path, default: /etc/containerd/config.toml}
  record: {description: What was there before., type: path, default: /var/lib/podlab/containerd.before}
  purged:
    description: Of C(restored) - containerd's package is gone, and took the file along; a check finds it there still.
    type: bool
    default: false
author: [Podlab]
"""

OPTIONS = {
    "settings": {"type": "dict", "default": {}},
    "state": {"type": "str", "choices": ["merged", "restored"], "default": "merged"},
    "path": {"type": "path", "default": "/etc/containerd/config.toml"},
    "record": {"type": "path", "default": "/var/lib/podlab/containerd.before"},
    "purged": {"type": "bool", "default": False},
}
HEADER = "# Podlab's settings, merged into what was here before; reset.yml puts that back.\n"
CRI = "io.containerd.grpc.v1.cri"
# What version 1 calls its plugins by their last part only.
FIRST_NAMES = {
    "cri": CRI,
    "linux": "io.containerd.runtime.v1.linux",
    "cgroups": "io.containerd.monitor.v1.cgroups",
    "bolt": "io.containerd.metadata.v1.bolt",
    "scheduler": "io.containerd.gc.v1.scheduler",
    "diff-service": "io.containerd.service.v1.diff-service",
    "opt": "io.containerd.internal.v1.opt",
    "restart": "io.containerd.internal.v1.restart",
    **{
        name: f"io.containerd.snapshotter.v1.{name}"
        for name in ("aufs", "btrfs", "devmapper", "native", "overlayfs", "zfs")
    },
}
DATA = Path("/var/lib/containerd")
EARLIER = 'sandbox_image = "podlab.local/pause:1"'
BARE_KEY = re.compile("[A-Za-z0-9_-]+")
PUBLIC, PRIVATE = 0o644, 0o600
# podlab_patience: what a slow host is given.
PATIENCE = float(os.environ.get("PODLAB_PATIENCE", "1"))
WITHIN_S = 60 * PATIENCE


class ConfigurationError(Exception):
    """The host's own configuration cannot be merged with; the message names what and says what to do."""


def parse(text: str, path: Path) -> dict[str, Any]:
    """The configuration in the form of version 2. Raises ConfigurationError."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is no TOML: {error}; correct it, or move it away") from error
    version = found.get("version", 1)
    if version not in (1, 2):
        raise ConfigurationError(f"{path} is of version {version}: write it in version 2, which containerd reads, too")
    return second_version(found, path) if version == 1 else found


def second_version(found: dict[str, Any], path: Path) -> dict[str, Any]:
    """Version 2 names plugins in full: https://github.com/containerd/containerd/blob/main/PLUGINS.md"""

    def full(name: str) -> str:
        if name not in FIRST_NAMES and "." not in name:
            raise ConfigurationError(f"{path} is of version 1 and names the plugin {name!r}: write it in version 2")
        return FIRST_NAMES.get(name, name)

    lists = {
        key: [full(each) for each in found[key]] for key in ("disabled_plugins", "required_plugins") if key in found
    }
    plugins = {full(name): table for name, table in found.get("plugins", {}).items()}
    return {**found, "version": 2, **lists, **({"plugins": plugins} if plugins else {})}


def merge(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """`found` with all that `wanted` says, and with CRI switched on: Docker's package switches it off."""
    merged = deep(found, {"version": 2, **wanted})
    if CRI in merged.get("disabled_plugins", []):
        merged["disabled_plugins"] = [name for name in merged["disabled_plugins"] if name != CRI]
    return merged


def deep(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    merged = dict(found)
    for key, value in wanted.items():
        both = isinstance(value, dict) and isinstance(found.get(key), dict)
        merged[key] = deep(found[key], value) if both else value
    return merged


def render(table: dict[str, Any], name: str = "") -> str:
    """TOML of a table: its values first, then its tables, each under its full name."""
    values = {key: value for key, value in table.items() if not isinstance(value, dict)}
    lines = [f"{key_of(key)} = {literal(value)}\n" for key, value in values.items()]
    text = (f"\n[{name}]\n" if name and (lines or not table) else "") + "".join(lines)
    for key, value in table.items():
        if isinstance(value, dict):
            text += render(value, f"{name}.{key_of(key)}" if name else key_of(key))
    return text


def key_of(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else quoted(name)


def quoted(text: str) -> str:
    """A text in TOML: JSON's escapes are among its own, but for the one that JSON writes as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def literal(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[{}]".format(", ".join(literal(each) for each in value))
    if isinstance(value, dict):
        return "{{{}}}".format(", ".join(f"{key_of(key)} = {literal(each)}" for key, each in value.items()))
    return str(value)  # numbers and times are written as Python does


def observe(path: Path) -> dict[str, Any]:
    """What there is before Podlab comes. Earlier releases, which wrote nothing down, had a file of their own only."""
    config = path.read_text() if path.exists() else None
    if config is not None and config.startswith("# Ansible managed") and EARLIER in config:
        return {"config": None, "active": False, "enabled": False, "images": [], "data": False, "written": ""}
    return {
        "config": config,
        "active": succeeds("systemctl", "is-active", "--quiet", "containerd"),
        "enabled": succeeds("systemctl", "is-enabled", "--quiet", "containerd"),
        "images": images(),
        "data": DATA.is_dir() and any(DATA.iterdir()),
        "written": "",
    }


def images() -> list[str]:
    try:
        listed = ["ctr", "--namespace", "k8s.io", "images", "list", "--quiet"]
        done = subprocess.run(listed, capture_output=True, text=True, check=False, timeout=WITHIN_S)
    except FileNotFoundError:
        return []
    return done.stdout.split() if done.returncode == 0 else []


def succeeds(*command: str) -> bool:
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=WITHIN_S)
    return done.returncode == 0


def write(path: Path, text: str, mode: int) -> None:
    """Whole or not at all; a file that is there keeps its mode. It may hold a registry's password."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.chmod(path.stat().st_mode & 0o7777 if path.exists() else mode)
    partial.replace(path)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def merged(params: dict[str, Any], check: bool) -> bool:
    """Whether the configuration had to be changed. Raises ConfigurationError before anything is written."""
    path, record = Path(params["path"]), Path(params["record"])
    found = path.read_text() if path.exists() else ""
    before = parse(found, path) if found.strip() else {}
    wanted = merge(before, params["settings"])
    changed = before != wanted
    if check:
        return changed
    known = json.loads(record.read_text()) if record.exists() else observe(path)
    text = HEADER + render(wanted)
    if changed:
        write(record, json.dumps({**known, "written": digest(text)}), PRIVATE)
        write(path, text, PUBLIC)
    elif not record.exists():
        write(record, json.dumps(known), PRIVATE)
    return changed


def restored(params: dict[str, Any], check: bool) -> tuple[bool, list[str]]:
    """Whether something had to be put back, and what people should know."""
    path, record = Path(params["path"]), Path(params["record"])
    if not record.exists():
        return False, []
    before, warnings = json.loads(record.read_text()), []
    found = path.read_text() if path.exists() and not (check and params["purged"]) else None
    changed = found != before["config"]
    if changed and not check:
        if found is not None and digest(found) != before["written"]:
            write(path.with_name("config.toml.podlab"), found, PRIVATE)
            warnings.append(f"{path} was changed since site.yml wrote it: that is kept as {path}.podlab")
        if before["config"] is None:
            path.unlink(missing_ok=True)
        else:
            write(path, before["config"], PUBLIC)
    return changed, warnings


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    changed, warnings = False, []
    try:
        if module.params["state"] == "merged":
            changed = merged(module.params, module.check_mode)
        else:
            changed, warnings = restored(module.params, module.check_mode)
    except (ConfigurationError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        module.fail_json(msg=str(error))
    for warning in warnings:
        module.warn(warning)
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
