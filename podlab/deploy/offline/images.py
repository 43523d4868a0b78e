"""Podlab's images for hosts of any machine: with this machine's busybox, or with Debian's for another."""

from __future__ import annotations

import platform
from pathlib import Path

from podlab.deploy import debian
from podlab.deploy.images import catalog
from podlab.deploy.images.busybox import PROGRAM
from podlab.deploy.offline import debs
from podlab.deploy.release import wheels

PACKAGE = "busybox-static"


def build(name: str, output: Path, machine: str, cache: Path) -> Path:
    """Write the archive of the image of this name, for hosts of this machine, into the folder; returns its path.

    Raises ProgramError, BundleError.
    """
    return catalog.build(name, output, busybox(machine, cache))


def busybox(machine: str, cache: Path) -> Path:
    """The program for the machine; of another one than this, it is downloaded once. Raises BundleError."""
    if machine == platform.machine():
        return PROGRAM
    system = debs.System(debian.DEFAULT_SUITE, machine)

    def make(folder: Path) -> None:
        (folder / PROGRAM.name).write_bytes(debs.content(system, PACKAGE, f"bin/{PROGRAM.name}"))

    return wheels.made_once(cache / f"{PACKAGE}-{machine}", make) / PROGRAM.name
