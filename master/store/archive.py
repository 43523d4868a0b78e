"""The file that a store is backed up in: all entries as of one revision, whatever store they are of.

    podlab-store-archive/1
    {"cluster": "lab", "taken": "2026-11-30T12:00:00Z", "revision": 4711}
    <the entries, compressed>
    sha256:<of all bytes before this line>

An entry is its key's and value's length, its two revisions, key and value. Behind the last one, an entry without a key
holds how many there were. So a file that was cut off, or changed anywhere, is refused before anything is done with it.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

from master.store.contract import Entry
from master.store.errors import BadArchive

_FORMAT = b"podlab-store-archive/"
_VERSION = b"1"
_SUM = b"\nsha256:"
_SUM_BYTES = len(_SUM) + 64 + 1
_ENTRY = struct.Struct(">IIQQ")
_BLOCK = 1 << 20
# Values are small and alike: a higher level costs twice the time for 5 % of the size.
_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Header:
    """Of which cluster, when (RFC 3339, UTC), and the last revision that is in it."""

    cluster: str
    taken: str
    revision: int


@dataclass(slots=True)
class Contents:
    """What was counted: keys, bytes of values, and objects by the group and resource that their keys name."""

    keys: int = 0
    value_bytes: int = 0
    objects: dict[str, int] = field(default_factory=dict)

    def count(self, entry: Entry) -> None:
        """One more."""
        self.keys += 1
        self.value_bytes += len(entry.value)
        if resource := resource_of(entry.key):
            self.objects[resource] = self.objects.get(resource, 0) + 1


def resource_of(key: str) -> str:
    """`deployments.apps` of `/registry/apps/deployments/default/web`, `pods` of the core group; empty for no object."""
    root, _, rest = key[1:].partition("/")
    group, _, rest = rest.partition("/")
    plural = rest.partition("/")[0]
    if root != "registry" or not plural:
        return ""
    return plural if group == "core" else f"{plural}.{group}"


class ArchiveWriter:
    """Writes an archive from its beginning to `finish`. Raises OSError."""

    def __init__(self, file: BinaryIO, header: Header) -> None:
        self.contents = Contents()
        self._file = file
        self._sum = hashlib.sha256()
        self._packing = zlib.compressobj(_LEVEL)
        self._write(_FORMAT + _VERSION + b"\n" + json.dumps(asdict(header)).encode() + b"\n")

    def add(self, entry: Entry) -> None:
        """One entry more, in key order."""
        self.contents.count(entry)
        self._pack(entry.key.encode(), entry.value, entry.create_revision, entry.mod_revision)

    def finish(self) -> None:
        """All were added; on disk on return."""
        self._pack(b"", json.dumps(asdict(self.contents)).encode(), 0, 0)
        self._write(self._packing.flush())
        self._file.write(_SUM + self._sum.hexdigest().encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _pack(self, key: bytes, value: bytes, create_revision: int, mod_revision: int) -> None:
        head = _ENTRY.pack(len(key), len(value), create_revision, mod_revision)
        self._write(self._packing.compress(head + key + value))

    def _write(self, data: bytes) -> None:
        self._sum.update(data)
        self._file.write(data)


def verify(path: Path) -> tuple[Header, Contents]:
    """What is in the archive, all of it read and counted. Raises BadArchive, OSError."""
    counted = Contents()
    with path.open("rb") as file:
        header = _header(file, path)
        _check_sum(file, path)
    for entry in entries(path):
        counted.count(entry)
    return header, counted


def entries(path: Path) -> Iterator[Entry]:
    """The entries in key order. Raises BadArchive, at the end also where not all are there."""
    counted = Contents()
    with path.open("rb") as file:
        _header(file, path)
        unpacked = _Unpacked(file, path)
        while True:
            key_bytes, value_bytes, create_revision, mod_revision = _ENTRY.unpack(unpacked.take(_ENTRY.size))
            key, value = unpacked.take(key_bytes), unpacked.take(value_bytes)
            if not key:
                break
            entry = Entry(key.decode(), value, create_revision, mod_revision)
            counted.count(entry)
            yield entry
    if json.loads(value) != asdict(counted):
        raise BadArchive(path, "it is damaged: it does not hold what it says at its end")


class _Unpacked:
    """What was compressed, in pieces of any length."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._unpacking = zlib.decompressobj()
        self._ready = bytearray()

    def take(self, length: int) -> bytes:
        while len(self._ready) < length:
            block = self._unpacking.unconsumed_tail or self._file.read(_BLOCK)
            if not block or self._unpacking.eof:
                raise BadArchive(self._path, "it is damaged: its entries end early")
            try:
                self._ready += self._unpacking.decompress(block, _BLOCK)
            except zlib.error as error:
                raise BadArchive(self._path, f"it is damaged: {error}") from error
        taken = bytes(self._ready[:length])
        del self._ready[:length]
        return taken


def _header(file: BinaryIO, path: Path) -> Header:
    """Leaves the file behind it."""
    first = file.readline(len(_FORMAT) + 16)
    if not first.startswith(_FORMAT):
        raise BadArchive(path, "it is no archive that podlab-store has written", "name one (podlab-store backup)")
    version = first[len(_FORMAT) :].strip()
    if version != _VERSION:
        raise BadArchive(
            path,
            f"it has format {version.decode(errors='replace')}, this Podlab reads {_VERSION.decode()}",
            "restore it with the release that wrote it",
        )
    try:
        said = json.loads(file.readline(_BLOCK))
        return Header(str(said["cluster"]), str(said["taken"]), int(said["revision"]))
    except (ValueError, KeyError, TypeError) as error:
        raise BadArchive(path, f"it is damaged: its second line is no header ({error})") from error


def _check_sum(file: BinaryIO, path: Path) -> None:
    size = os.fstat(file.fileno()).st_size - _SUM_BYTES
    file.seek(0)
    digest = hashlib.sha256()
    left = size
    while left > 0 and (block := file.read(min(left, _BLOCK))):
        digest.update(block)
        left -= len(block)
    told = file.read()
    if not told.startswith(_SUM):
        raise BadArchive(path, "it is damaged: it ends early, or something follows its end")
    if told != _SUM + digest.hexdigest().encode() + b"\n":
        raise BadArchive(
            path, f"it is damaged: its sum is not what its last line says, {told.decode(errors='replace').strip()}"
        )
