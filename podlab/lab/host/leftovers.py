"""What systemd-nspawn leaves in its runtime directory when it was killed."""

import shutil
from pathlib import Path

from podlab.lab.spec import machine_pattern

RUNTIME = Path("/run/systemd/nspawn")


def remove_propagated(lab: str, runtime: Path = RUNTIME) -> None:
    """Remove the propagation directories of the lab's hosts."""
    pattern = machine_pattern(lab)
    for entry in (runtime / "propagate").glob("*"):
        if pattern.fullmatch(entry.name):
            shutil.rmtree(entry)


def lock_of(root: Path, runtime: Path = RUNTIME) -> Path:
    """The lock that systemd-nspawn takes on a host's root, found by device and inode: only while it is mounted."""
    place = root.stat()
    return runtime / "locks" / f"inode-{place.st_dev}:{place.st_ino}"
