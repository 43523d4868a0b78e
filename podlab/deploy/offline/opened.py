"""A bundle in use: its files, unpacked and verified, in place of what would be downloaded or made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from podlab.deploy.images.catalog import IMAGES
from podlab.deploy.offline import archive
from podlab.deploy.offline.archive import BundleError, Contents
from podlab.deploy.release import wheels
from podlab.deploy.release.wheels import WheelPlatform


@dataclass(frozen=True)
class Bundle:
    """`path` is the archive, `folder` has its files, which nobody changes."""

    path: Path
    folder: Path
    contents: Contents

    @classmethod
    def open(cls, path: Path, cache: Path) -> Bundle:
        """Raises BundleError."""
        return cls(path, archive.unpacked(path, cache), archive.contents(path))

    def wheels(self, root: Path, target: WheelPlatform) -> Path:
        """The folder with all wheels that hosts of the target need. Raises BundleError."""
        if missing := archive.lacking(self.contents, wheels.requirements(root), str(target)):
            raise BundleError(f"{self.path} {missing}")
        return self.folder / "wheels" / str(target)

    def image(self, name: str, output: Path, machine: str) -> Path:
        """Put the archive of the image of this name, for hosts of the machine, into the folder, as `images.build`."""
        file = IMAGES[name].file_name
        found = self.folder / "images" / machine / file
        if not found.exists():
            raise BundleError(f"{self.path} has no image {name} for {machine}: make it anew with playbooks/bundle.yml")
        path = output / file
        if not path.exists() or path.read_bytes() != found.read_bytes():
            output.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f".{file}.unfinished")
            unfinished.write_bytes(found.read_bytes())
            unfinished.replace(path)
        return path
