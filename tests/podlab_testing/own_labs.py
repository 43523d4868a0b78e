"""Labs that tests make for themselves. Run as a program, it removes those that killed tests left."""

from __future__ import annotations

import shutil
import zlib

from podlab.lab import inventory
from podlab.lab.host import rootfs
from podlab.lab.lab import Lab
from podlab_testing.source_code import PROJECT

LETTERS = ("b", "c", "d", "l", "n", "s", "u", "y")


def own_lab(letter: str) -> Lab:
    """The same one each time, so that what a killed run left is found; another one for each copy of the project."""
    assert letter in LETTERS
    return Lab(f"e2e-{letter}-{zlib.crc32(str(PROJECT).encode()) & 0xFFFFFF:06x}")


def wipe(lab: Lab, host: str) -> None:
    """The host's plug is pulled, its disk is empty, and it is another machine under the same name and address."""
    lab.stop([host], hard=True)
    directory = lab.directory.host(host)
    rootfs.unmount_below(directory.root)
    for disk in (directory.upper, directory.work, directory.containerd):
        shutil.rmtree(disk)
    lab.start([host])


def remove_all() -> None:
    for letter in LETTERS:
        own = own_lab(letter)
        own.destroy()
        inventory.remove(own.name, PROJECT)


if __name__ == "__main__":
    remove_all()
