"""Who typed `sudo`: what root makes in that person's checkout is given to them, so that the next command works without.

`python3 -m podlab.lab.invoker` gives all below the working directory; it needs only Python, since bootstrap runs it.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Invoker:
    """The user behind sudo, as sudo(8) tells it in SUDO_UID and SUDO_GID."""

    uid: int
    gid: int

    def take(self, path: Path) -> None:
        """Give the path, and all below a directory, to the user; links themselves and never what they point to.

        Only what is root's: what belongs to anybody else was there before.
        """
        status = path.lstat()
        if status.st_uid == 0:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            for entry in path.iterdir():
                self.take(entry)


def invoker(environment: Mapping[str, str], uid: int) -> Invoker | None:
    """The user behind sudo; None where there is none, or where that is root, too. `uid` is this process's own."""
    try:
        found = Invoker(uid=int(environment["SUDO_UID"]), gid=int(environment["SUDO_GID"]))
    except (KeyError, ValueError):
        return None
    return found if uid == 0 and found.uid != 0 else None


def give(path: Path) -> None:
    """Give what root made at the path to the user who typed `sudo`; nothing happens without one."""
    if user := invoker(os.environ, os.geteuid()):
        user.take(path)


def give_checkout(project: Path) -> None:
    """Give what root made in the checkout to the user who typed `sudo`, if the checkout is theirs."""
    user = invoker(os.environ, os.geteuid())
    if user and project.stat().st_uid == user.uid:
        user.take(project)


if __name__ == "__main__":
    give_checkout(Path.cwd())
