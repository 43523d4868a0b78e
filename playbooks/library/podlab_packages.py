#!/usr/bin/python3
"""Ansible module: Debian packages by apt-get alone, where the apt module would first need python3-apt on the host."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_packages
short_description: Debian packages by apt-get alone
description:
  - Installs what is missing, from an archive of package files if that is there and complete,
    else from the host's own package sources. Configuration that is there already stays as it is.
  - Returns C(downloaded), whether package files came from the package sources; they are in the archive then.
options:
  names: {description: The packages., type: list, elements: str, required: true}
  state:
    description: C(purged) also removes what nothing else needs any more.
    type: str
    choices: [present, purged]
    default: present
  archive: {description: A tar of package files on the host., type: path, default: /var/cache/podlab/packages.tar}
author: [Podlab]
"""

OPTIONS = {
    "names": {"type": "list", "elements": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "purged"], "default": "present"},
    "archive": {"type": "path", "default": "/var/cache/podlab/packages.tar"},
}
APT = [
    "apt-get", "--quiet=2", "--yes", "--no-install-recommends",
    "--option=DPkg::Lock::Timeout=120", "--option=Dpkg::Options::=--force-confold", "--option=Dpkg::Use-Pty=0",
]  # fmt: skip
WITHIN_S = 600


class AptError(Exception):
    pass


def known(names: list[str]) -> dict[str, str]:
    """Package to dpkg's state of it, of those that dpkg has heard of."""
    command = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *names]
    # dpkg-query exits with 1 when it knows one of them not at all.
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return {name: state for name, _, state in (line.partition(" ") for line in shown.splitlines())}


def run(command: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WITHIN_S, env=environment)
    if done.returncode != 0:
        raise AptError("{}: {}".format(" ".join(command), done.stderr.strip() or done.stdout.strip()))


def install_offline(names: list[str], folder: Path) -> None:
    """Install from package files alone. Raises AptError when they are not enough."""
    run([*APT, "install", *map(str, sorted(folder.glob("*.deb")))])
    left = [name for name in names if known(names).get(name) != "installed"]
    if left:
        raise AptError("they hold no " + ", ".join(left))


def install_online(names: list[str], folder: Path) -> None:
    """Install from the host's package sources; the package files stay in the folder."""
    (folder / "partial").mkdir(parents=True, exist_ok=True)
    try:
        run([*APT, "update"])
    except AptError as error:
        # One source out of order does no harm when the others have what is needed.
        update_failed = f" ({error})"
    else:
        update_failed = ""
    keep = ["--option=APT::Keep-Downloaded-Packages=true", f"--option=Dir::Cache::archives={folder}"]
    try:
        run([*APT, *keep, "install", *names])
    except AptError as error:
        raise AptError(f"{error}{update_failed}") from error


def unpack(archive: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                (folder / Path(member.name).name).write_bytes(content.read())


def pack(folder: Path, archive: Path) -> None:
    with tarfile.open(archive, "w") as tar:
        for path in sorted(folder.glob("*.deb")):
            tar.add(path, arcname=path.name)


def install(names: list[str], archive: Path) -> tuple[bool, str]:
    """Whether package files were downloaded, and why those at hand were not enough."""
    folder, why = archive.with_suffix(""), ""
    if archive.exists():
        unpack(archive, folder)
        try:
            install_offline(names, folder)
        except AptError as error:
            why = f"the package files of {archive} do not do, the host's package sources are asked: {error}"
        else:
            return False, ""
    install_online(names, folder)
    pack(folder, archive)
    return True, why


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    names, present = module.params["names"], module.params["state"] == "present"
    states = known(names)
    if present:
        pending = [name for name in names if states.get(name) != "installed"]
    else:
        pending = [name for name in names if states.get(name, "not-installed") != "not-installed"]
    downloaded, why = False, ""
    if pending and not module.check_mode:
        try:
            if present:
                downloaded, why = install(pending, Path(module.params["archive"]))
            else:
                run([*APT, "--autoremove", "purge", *pending])
        except (AptError, OSError, subprocess.TimeoutExpired) as error:
            module.fail_json(msg=str(error))
    if why:
        module.warn(why)
    module.exit_json(changed=bool(pending), packages=pending, downloaded=downloaded)


if __name__ == "__main__":
    main()
