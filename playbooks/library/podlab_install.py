#!/usr/bin/python3
"""Ansible module: a release of Podlab, unpacked beside those that are there, and then the one in use."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_install
short_description: Unpacks a release of Podlab and makes it the one in use, or either of these
description:
  - A release is complete, and on the disk, before it is the one in use; what an earlier run began and did not end is
    begun anew. Of earlier releases only the one that was in use stays.
  - What is in the archives is a virtualenv but for its Python, which is the host's own.
options:
  name: {description: The release's name., type: str, required: true}
  archives: {description: "Tar archives; none for a release that is there.", type: list, elements: path, default: []}
  compiled: {description: Whether they hold compiled code for the host's Python., type: bool, required: true}
  in_use: {description: "Whether to make it the one in use, or to unpack it only.", type: bool, default: true}
author: [Podlab]
"""

OPTIONS = {
    "name": {"type": "str", "required": True},
    "archives": {"type": "list", "elements": "path", "default": []},
    "compiled": {"type": "bool", "required": True},
    "in_use": {"type": "bool", "default": True},
}
ROOT = Path("/opt/podlab")
COMPLETE = "complete"
# podlab_patience: what a slow host is given.
PATIENCE = float(os.environ.get("PODLAB_PATIENCE", "1"))
WITHIN_S = 300 * PATIENCE
PROGRAM = """#!{python}
import sys
from {module} import {function}
sys.exit({function}())
"""


class InstallError(Exception):
    """The release could not be unpacked; the message holds what the command said."""


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WITHIN_S)
    if done.returncode != 0:
        raise InstallError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")


def unpack(folder: Path, archives: list[str], compiled: bool) -> None:
    """The folder, whole and on the disk once it holds COMPLETE: a power cut later on must not find names only."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    for archive in archives:
        run(
            "tar",
            "--extract",
            "--no-same-owner",
            "--preserve-permissions",
            f"--file={archive}",
            f"--directory={folder}",
        )
    make_virtualenv(folder / "venv")
    write_programs(folder / "venv")
    if not compiled:
        # As pip does, what cannot be compiled is passed over: packages hold files that are not there to be run.
        command = [sys.executable, "-m", "compileall", "-qq", "-j0", "--invalidation-mode", "unchecked-hash"]
        subprocess.run([*command, str(folder / "venv/lib")], check=False, timeout=WITHIN_S)
    run("sync", "--file-system", str(folder))
    (folder / COMPLETE).touch()
    run("sync", "--file-system", str(folder))


def make_virtualenv(folder: Path) -> None:
    """What `python3 -m venv` makes besides the packages' folder: it is Python that looks for pyvenv.cfg."""
    python = Path(getattr(sys, "_base_executable", sys.executable))
    version = ".".join(map(str, sys.version_info[:3]))
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    for name in ("python", "python3"):
        (folder / "bin" / name).symlink_to(python)
    (folder / "pyvenv.cfg").write_text(
        f"home = {python.parent}\ninclude-system-site-packages = false\nversion = {version}\nexecutable = {python}\n"
    )


def write_programs(folder: Path) -> None:
    """The programs that Podlab's package says it has: they stay with this release, whichever is the one in use."""
    (listed,) = folder.glob("lib/*/site-packages/podlab-*.dist-info/entry_points.txt")
    told = configparser.ConfigParser()
    told.read_string(listed.read_text())
    for name, entry in told["console_scripts"].items():
        module, _, function = entry.partition(":")
        path = folder / "bin" / name
        path.write_text(PROGRAM.format(python=folder / "bin/python", module=module, function=function))
        path.chmod(0o755)


def use(folder: Path, link: Path) -> None:
    """At no moment is there no release in use."""
    partial = link.with_name(f".{link.name}.partial")
    partial.unlink(missing_ok=True)
    partial.symlink_to(folder / "venv")
    partial.replace(link)


def in_use(link: Path) -> str:
    return link.resolve().parent.name if link.is_symlink() else ""


def forget_others(releases: Path, kept: set[str]) -> None:
    for entry in releases.iterdir():
        if entry.name not in kept:
            shutil.rmtree(entry)


def is_complete(root: Path, name: str) -> bool:
    return (root / "releases" / name / COMPLETE).exists()


def stage(root: Path, name: str, archives: list[str], compiled: bool) -> None:
    """The release is there, beside the one in use."""
    if not is_complete(root, name):
        if not archives:
            raise InstallError(f"{root}/releases/{name} is not there, or not whole: run the playbook again")
        unpack(root / "releases" / name, archives, compiled)
    forget_others(root / "releases", {name, in_use(root / "venv") or name})


def install(root: Path, name: str, archives: list[str], compiled: bool) -> None:
    stage(root, name, archives, compiled)
    use(root / "releases" / name, root / "venv")


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    name, before = module.params["name"], in_use(ROOT / "venv")
    act = install if module.params["in_use"] else stage
    changed = name != before and (module.params["in_use"] or not is_complete(ROOT, name))
    try:
        if changed and not module.check_mode:
            act(ROOT, name, module.params["archives"], module.params["compiled"])
    except (InstallError, OSError, subprocess.TimeoutExpired) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=changed, before=before)


if __name__ == "__main__":
    main()
