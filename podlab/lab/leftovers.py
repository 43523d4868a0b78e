"""What systemd-nspawn leaves in its runtime directory when it was killed."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from podlab.lab.spec import machine_pattern

RUNTIME = Path("/run/systemd/nspawn")


def remove(lab: str, roots: Iterable[Path], runtime: Path = RUNTIME) -> None:
    """Remove the lab's propagation directories, and the locks on its hosts' roots, which must still be mounted."""
    pattern = machine_pattern(lab)
    for entry in (runtime / "propagate").glob("*"):
        if pattern.fullmatch(entry.name):
            shutil.rmtree(entry)
    for root in roots:
        place = root.stat()
        (runtime / "locks" / f"inode-{place.st_dev}:{place.st_ino}").unlink(missing_ok=True)
