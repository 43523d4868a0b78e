"""Packs a release: wheels and images in one archive, named after its content."""

import hashlib
import json
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from podlab.deploy.images.catalog import IMAGES
from podlab.deploy.images.catalog import build as build_image
from podlab.deploy.release import sources, wheels
from podlab.deploy.release.wheels import WheelPlatform

# Wheels of this many states of the sources stay in the cache, for going back and forth between them.
KEPT_BUILDS = 5


@dataclass(frozen=True)
class BundledImage:
    """A container image of a release: its reference, its manifest's digest, and its file below `images/`."""

    name: str
    digest: str
    file: str


@dataclass(frozen=True)
class Release:
    """What hosts are to run. The archive exists once it was packed, and is never changed afterwards."""

    digest: str
    archive: Path
    images: tuple[BundledImage, ...]


def describe(root: Path, target: WheelPlatform, directory: Path, names: Iterable[str] = tuple(IMAGES)) -> Release:
    """The release that the sources, the requirements and the images of these names make.

    Nothing is downloaded or packed. Only the images are made, in `directory`: their bytes depend on this machine's
    busybox.
    """
    images = tuple(_image(name, directory / "images") for name in names)
    state = [
        str(target),
        sources.digest(root, sources.source_files(root)),
        wheels.requirements(root),
        [image.digest for image in images],
    ]
    digest = hashlib.sha256(json.dumps(state).encode()).hexdigest()[:16]
    return Release(digest, directory / f"release-{target}-{digest}.tar", images)


def ensure(root: Path, target: WheelPlatform, directory: Path, cache: Path) -> tuple[Release, bool]:
    """The release, with its archive in `directory`, and whether it had to be packed; older ones for the target go."""
    release = describe(root, target, directory)
    if release.archive.exists():
        return release, False
    wheel_folders = (
        wheels.dependencies(root, target, cache),
        wheels.own(root, sources.digest(root, sources.source_files(root)), cache),
    )
    files = [path for folder in wheel_folders for path in sorted(folder.iterdir())]
    _pack(release.archive, files, [directory / "images" / image.file for image in release.images])
    for old in set(directory.glob(f"release-{target}-*.tar")) - {release.archive}:
        old.unlink(missing_ok=True)
    wheels.forget_old(cache, KEPT_BUILDS)
    return release, True


def _image(name: str, directory: Path) -> BundledImage:
    path = build_image(name, directory)
    with tarfile.open(path) as archive:
        index = archive.extractfile("index.json")
        assert index is not None
        (manifest,) = json.load(index)["manifests"]
    return BundledImage(name, manifest["digest"], path.name)


def _pack(archive: Path, wheel_files: Iterable[Path], image_files: Iterable[Path]) -> None:
    """Uncompressed: wheels are compressed already, and images are small."""
    with tempfile.NamedTemporaryFile(dir=archive.parent, prefix=f".{archive.name}.", delete=False) as file:
        unfinished = Path(file.name)
    try:
        with tarfile.open(unfinished, "w") as tar:
            for path in wheel_files:
                # Hosts install with pip out of its own wheel, so its place must not depend on its version.
                tar.add(path, arcname="pip.whl" if path.name.startswith("pip-") else f"wheels/{path.name}")
            for path in image_files:
                tar.add(path, arcname=f"images/{path.name}")
        unfinished.replace(archive)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
