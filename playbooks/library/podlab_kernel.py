#!/usr/bin/python3
"""Ansible module: kernel modules and settings as they must be now, whatever was there before."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_kernel
short_description: Kernel modules and settings as they must be now
description:
  - Looks at the running kernel, not at files - what is right is left alone, and what is not is put right.
  - The value that a setting had before the first change is kept in the record, in sysctl.conf(5)'s form.
options:
  modules: {description: Loaded unless the kernel has them., type: list, elements: str, required: true}
  sysctls: {description: Names and values., type: dict, required: true}
  record: {description: The values of before., type: path, default: /var/lib/podlab/sysctl.before}
author: [Podlab]
"""

OPTIONS = {
    "modules": {"type": "list", "elements": "str", "required": True},
    "sysctls": {"type": "dict", "required": True},
    "record": {"type": "path", "default": "/var/lib/podlab/sysctl.before"},
}
PROC = Path("/proc")
LOADED = Path("/sys/module")
# Built in, some modules are seen only by what they bring.
BRINGS = {"br_netfilter": "sys/net/bridge/bridge-nf-call-iptables"}
# podlab_patience: what a slow host is given.
PATIENCE = float(os.environ.get("PODLAB_PATIENCE", "1"))
WITHIN_S = 30 * PATIENCE


class KernelError(Exception):
    """The kernel cannot be what it must be; the message names the module or setting and says why."""


def has_module(name: str) -> bool:
    if (LOADED / name).exists() or (name in BRINGS and (PROC / BRINGS[name]).exists()):
        return True
    return name in (PROC / "filesystems").read_text().split()


def load(name: str) -> None:
    """Raises KernelError with what modprobe said."""
    try:
        done = subprocess.run(["modprobe", name], capture_output=True, text=True, check=False, timeout=WITHIN_S)
    except FileNotFoundError:
        raise KernelError(f"module {name} is not loaded, and there is no modprobe: apt-get install kmod") from None
    if done.returncode != 0:
        raise KernelError(f"module {name} cannot be loaded: {done.stderr.strip()}")


def setting(name: str) -> Path:
    return PROC / "sys" / name.replace(".", "/")


def value(name: str) -> str | None:
    """None where the kernel has no such setting (yet)."""
    try:
        return setting(name).read_text().strip()
    except FileNotFoundError:
        return None


def put(name: str, wanted: str) -> None:
    """Raises KernelError; a setting that does not take the value is one of another kernel or of a container."""
    try:
        setting(name).write_text(wanted)
    except OSError as error:
        raise KernelError(f"{name} cannot be set to {wanted}: {error.strerror}") from error
    if (found := value(name)) != wanted:
        raise KernelError(f"{name} is {found} although it was set to {wanted}")


def remember(values: dict[str, str], record: Path) -> None:
    """Add to the record what it does not know yet."""
    text = record.read_text() if record.exists() else ""
    names = {line.partition("=")[0].strip() for line in text.splitlines()}
    new = "".join(f"{name} = {found}\n" for name, found in values.items() if name not in names)
    if not new:
        return
    record.parent.mkdir(parents=True, exist_ok=True)
    partial = record.with_name(record.name + ".partial")
    with partial.open("w") as file:
        os.fchmod(file.fileno(), 0o600)  # no service on the host has business with it
        file.write(text + new)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(record)


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    sysctls = {name: str(wanted) for name, wanted in module.params["sysctls"].items()}
    lacking = [name for name in module.params["modules"] if not has_module(name)]
    try:
        for name in [] if module.check_mode else lacking:
            load(name)
        found = {name: value(name) for name in sysctls}
        differing = [name for name, wanted in sysctls.items() if found[name] != wanted]
        if not module.check_mode:
            remember(
                {name: before for name, before in found.items() if before is not None}, Path(module.params["record"])
            )
            for name in differing:
                put(name, sysctls[name])
    except (KernelError, OSError, subprocess.TimeoutExpired) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(lacking or differing), modules=lacking, sysctls=differing)


if __name__ == "__main__":
    main()
