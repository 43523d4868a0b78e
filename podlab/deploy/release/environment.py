"""What pip would install on a host, installed here once, as archives that a host only unpacks.

Compiled here, too, where this machine's Python is of the hosts' version; else the hosts compile it themselves. Compiled
code is not compared with its source when it is loaded: nothing below a release's folder is ever changed.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from podlab.deploy.release import wheels
from podlab.deploy.release.sources import is_source
from podlab.deploy.release.wheels import WheelError, WheelPlatform

RELEASES = "/opt/podlab/releases"
COMPILED_WITHIN_S = 300
# The time of all that is in an archive: what is the same has the same bytes.
PACKED_AT = 315532800


@dataclass(frozen=True)
class Variant:
    """Which hosts an environment is for: their Python and machine, and what of Podlab they run."""

    target: WheelPlatform
    extras: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.target}-{'-'.join(self.extras)}"


def packages_folder(target: WheelPlatform) -> Path:
    """Where the hosts' Python looks for packages, below a release's folder."""
    return Path("venv/lib", f"python{target.python}", "site-packages")


def is_compiled(target: WheelPlatform) -> bool:
    return target.python == f"{sys.version_info.major}.{sys.version_info.minor}"


def dependencies(root: Path, variant: Variant, wheel_folder: Path, cache: Path) -> Path:
    """The archive of all packages but Podlab's own; made when these were never installed before. Raises WheelError."""
    state = [
        str(variant),
        wheels.requirements(root, variant.extras),
        sorted(path.name for path in wheel_folder.iterdir()),
    ]
    name = f"packages-{variant}-{hashlib.sha256(json.dumps([*state, sys.version_info[:2]]).encode()).hexdigest()[:16]}"

    def make(folder: Path) -> None:
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            tree = Path(temporary)
            found = [
                "--no-index",
                # pip asks that of the Python that it runs on itself. They were chosen for the hosts' when they came.
                "--ignore-requires-python",
                "--find-links",
                str(wheel_folder),
                "--target",
                str(tree / packages_folder(variant.target)),
            ]
            wanted = wheels.requirements(root, variant.extras)
            wheels.pip("install", "--no-compile", *found, *wheels.options(variant.target), *wanted)
            _compile(tree, variant.target)
            pack(tree, folder / "packages.tar")

    return wheels.made_once(cache / name, make) / "packages.tar"


def own(wheel: Path, target: WheelPlatform, build: str, images: Iterable[Path], archive: Path) -> None:
    """Pack Podlab's own packages and the images, for hosts of all variants. `build` is what it calls itself there."""
    with tempfile.TemporaryDirectory(dir=archive.parent) as temporary:
        tree = Path(temporary) / "tree"
        with zipfile.ZipFile(wheel) as packed:
            wanted = [name for name in packed.namelist() if is_source(Path(name))]
            packed.extractall(tree / packages_folder(target), wanted)  # noqa: S202 # it was built here
        (tree / packages_folder(target) / "podlab/BUILD").write_text(f"{build}\n")
        _compile(tree, target)
        (tree / "images").mkdir()
        for image in images:
            (tree / "images" / image.name).write_bytes(image.read_bytes())
        partial = Path(temporary) / "packed"
        pack(tree, partial)
        partial.replace(archive)


def pack(tree: Path, archive: Path) -> None:
    """Uncompressed: between hosts that are near, the time to unpack is more than the time to send."""
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.add(tree, arcname=".", filter=_plain)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Root's, and the same whenever and by whomever it was packed."""
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mtime = PACKED_AT
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def _compile(tree: Path, target: WheelPlatform) -> None:
    """As pip does, what cannot be compiled is passed over: packages hold files that are not there to be run."""
    if not is_compiled(target):
        return
    names = ["-s", str(tree), "-p", "/opt/podlab"]
    command = [sys.executable, "-m", "compileall", "-qq", "-j0", "--invalidation-mode", "unchecked-hash", *names]
    try:
        done = subprocess.run(
            [*command, str(tree)], capture_output=True, text=True, check=False, timeout=COMPILED_WITHIN_S
        )
    except subprocess.TimeoutExpired as error:
        raise WheelError(f"{' '.join(command)} did not end within {COMPILED_WITHIN_S} s") from error
    if done.stderr:
        raise WheelError(f"{' '.join(command)}: {done.stderr.strip()}")
