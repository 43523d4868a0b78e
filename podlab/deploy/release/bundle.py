"""Packs a release: what Podlab needs, Podlab itself and its images, named after their content."""

import hashlib
import json
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from podlab.deploy.images.catalog import IMAGES
from podlab.deploy.release import environment, sources, wheels
from podlab.deploy.release.environment import Variant

# Wheels of this many states of the sources stay in the cache, for going back and forth between them.
KEPT_BUILDS = 5
# How a release is laid out on a host: another number is another release of the same sources.
LAYOUT = 3


MakeImage = Callable[[str, Path, str], Path]
"""Puts the archive of the image of a name, for hosts of a machine, into a folder, and returns its path."""


@dataclass(frozen=True)
class BundledImage:
    """A container image of a release: its reference, its manifest's digest, and its file below `images/`."""

    name: str
    digest: str
    file: str


@dataclass(frozen=True)
class Release:
    """What hosts of a variant are to run. The archive, of Podlab itself and its images, is that of all variants of a
    target; it exists once it was packed, and is never changed afterwards.
    """

    name: str
    archive: Path
    images: tuple[BundledImage, ...]


def describe(
    root: Path,
    variant: Variant,
    directory: Path,
    make_image: MakeImage,
    names: Iterable[str] = tuple(IMAGES),
) -> Release:
    """The release that the sources, the requirements and the images of these names make.

    Nothing is packed. Only the images are made, in `directory`: their bytes depend on the busybox that is in them.
    """
    machine = variant.target.machine
    images = tuple(_image(make_image(name, _images(directory, machine), machine), name) for name in names)
    state = [
        LAYOUT,
        str(variant.target),
        sources.digest(root, sources.source_files(root)),
        wheels.requirements(root),
        [image.digest for image in images],
    ]
    digest = hashlib.sha256(json.dumps(state).encode()).hexdigest()[:16]
    name = f"{digest}-{'-'.join(variant.extras)}"
    return Release(name, directory / f"release-{variant.target}-{digest}.tar", images)


def ensure(root: Path, variant: Variant, directory: Path, cache: Path, make_image: MakeImage) -> tuple[Release, bool]:
    """The release, with its archive in `directory`, and whether it had to be packed; older ones for the target go."""
    release = describe(root, variant, directory, make_image)
    if release.archive.exists():
        return release, False
    state = sources.digest(root, sources.source_files(root))
    (wheel,) = wheels.own(root, state, cache).glob("*.whl")
    images = [_images(directory, variant.target.machine) / image.file for image in release.images]
    environment.own(wheel, variant.target, sources.build(state), images, release.archive)
    for old in set(directory.glob(f"release-{variant.target}-*.tar")) - {release.archive}:
        old.unlink(missing_ok=True)
    wheels.forget_old(cache, "podlab-*", KEPT_BUILDS)
    return release, True


def packages(root: Path, variant: Variant, wheel_folder: Path, cache: Path) -> Path:
    """The archive of what the variant's Podlab needs, out of these wheels; the same for many releases."""
    archive = environment.dependencies(root, variant, wheel_folder, cache)
    wheels.forget_old(cache, f"packages-{variant}-*", KEPT_BUILDS)
    return archive


def _images(directory: Path, machine: str) -> Path:
    return directory / "images" / machine


def _image(path: Path, name: str) -> BundledImage:
    with tarfile.open(path) as archive:
        index = archive.extractfile("index.json")
        assert index is not None
        (manifest,) = json.load(index)["manifests"]
    return BundledImage(name, manifest["digest"], path.name)
