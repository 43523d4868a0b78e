"""File system layers of an image: a tar that depends on nothing but its entries (no clock, user or order)."""

import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class File:
    path: str
    content: bytes
    mode: int = 0o644


@dataclass(frozen=True, kw_only=True)
class Directory:
    path: str
    mode: int = 0o755


@dataclass(frozen=True, kw_only=True)
class Link:
    """A symbolic link."""

    path: str
    target: str


Entry = File | Directory | Link


def layer(entries: Iterable[Entry]) -> bytes:
    """The layer's tar. Paths are relative to the root; parents sort before what is in them."""
    output = io.BytesIO()
    # Plain ustar: owner root, time 0 and no names, which are TarInfo's defaults.
    with tarfile.open(fileobj=output, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for entry in sorted(entries, key=lambda entry: entry.path):
            info = tarfile.TarInfo(entry.path)
            match entry:
                case File(content=content, mode=mode):
                    info.size, info.mode = len(content), mode
                    tar.addfile(info, io.BytesIO(content))
                case Directory(mode=mode):
                    info.type, info.mode = tarfile.DIRTYPE, mode
                    tar.addfile(info)
                case Link(target=target):
                    info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
                    tar.addfile(info)
    return output.getvalue()
