"""Image archives as they are sent: an OCI layout without the layers that a node has, each image with its full name.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from podlab.api.values import imagenames
from podlab.cli.failures import CommandError

CHUNK_BYTES = 1024 * 1024
_BLOCK = 512
_INDEX = "index.json"
# containerd names an image by the first; others write the second, which may be a tag alone.
_NAME, _REF_NAME = "io.containerd.image.name", "org.opencontainers.image.ref.name"
# Of a manifest; layers are larger, and are not read.
_MOST_BYTES = 4 * 1024 * 1024

_Json = dict[str, object]


@dataclass(frozen=True)
class Archive:
    """`index` is None for Docker's older form, whose layers have no digests: it is sent whole."""

    path: Path
    index: bytes | None
    layers: Mapping[str, int]
    """The size of each layer by its digest."""

    def size(self, left_out: Collection[str] = ()) -> int:
        """How many bytes of files are sent, about."""
        if self.index is None:
            return self.path.stat().st_size
        return self.path.stat().st_size - sum(self.layers[digest] for digest in left_out)


def read(path: Path, tag: str = "") -> Archive:
    """What is in the archive. `tag` names its image, which must be one. Raises CommandError."""
    try:
        with tarfile.open(path) as tar:
            members = {member.name.removeprefix("./"): member for member in tar if member.isfile()}
            if _INDEX not in members:
                if "manifest.json" not in members:
                    raise CommandError(f"{path} is no image archive: it has neither {_INDEX} nor manifest.json")
                if tag:
                    raise CommandError(f"{path} is of Docker's older form, which has its names in it: leave --tag out")
                return Archive(path, None, {})
            index = _document(tar, members, _INDEX)
            layers = {
                digest: members[at].size for digest in _layers(tar, members, index) if (at := _path(digest)) in members
            }
    except (tarfile.TarError, EOFError) as error:
        raise CommandError(f"{path} is no image archive: {error}: `docker save` and buildah write such") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"{path} is no OCI image archive: {error}") from error
    return Archive(path, json.dumps(_named(index, path, tag)).encode(), layers)


def chunks(archive: Archive, left_out: Collection[str]) -> Iterator[bytes]:
    """The archive's bytes without these layers. Raises OSError."""
    if archive.index is None:
        with archive.path.open("rb") as file:
            yield from _pieces(file)
        return
    skipped = {_path(digest) for digest in left_out}
    yield from _member(tarfile.TarInfo(_INDEX), len(archive.index), io.BytesIO(archive.index))
    with tarfile.open(archive.path) as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            if not member.isfile() or name in skipped or not name.startswith(("blobs/", "oci-layout")):
                continue
            content = tar.extractfile(member)
            assert content is not None
            yield from _member(tarfile.TarInfo(name), member.size, content)
    yield bytes(2 * _BLOCK)


def _member(info: tarfile.TarInfo, size: int, content: IO[bytes]) -> Iterator[bytes]:
    info.size = size
    yield info.tobuf(tarfile.GNU_FORMAT)
    yield from _pieces(content)
    if rest := size % _BLOCK:
        yield bytes(_BLOCK - rest)


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    while piece := content.read(CHUNK_BYTES):
        yield piece


def _path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/", 1)


def _document(tar: tarfile.TarFile, members: Mapping[str, tarfile.TarInfo], name: str) -> _Json:
    file = tar.extractfile(members[name])
    assert file is not None
    found = json.loads(file.read(_MOST_BYTES))
    if not isinstance(found, dict):
        raise ValueError(f"{name} is no object of JSON")  # noqa: TRY004 - of the archive, not of the program
    return found


def _layers(tar: tarfile.TarFile, members: Mapping[str, tarfile.TarInfo], document: _Json) -> Iterator[str]:
    """Of an index those of all manifests below it that are here."""
    for descriptor in _descriptors(document, "manifests"):
        if (at := _path(str(descriptor["digest"]))) in members:
            yield from _layers(tar, members, _document(tar, members, at))
    for descriptor in _descriptors(document, "layers"):
        yield str(descriptor["digest"])


def _descriptors(document: _Json, field: str) -> list[_Json]:
    found = document.get(field)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _named(index: _Json, path: Path, tag: str) -> _Json:
    """The index with each image's name in full. Raises CommandError when an image has none."""
    manifests = _descriptors(index, "manifests")
    if tag and len(manifests) != 1:
        raise CommandError(f"--tag: Invalid value: {tag!r}: {path} has {len(manifests)} images, and a tag is for one")
    named = []
    for manifest in manifests:
        known = manifest.get("annotations")
        annotations = dict(known) if isinstance(known, dict) else {}
        name = tag or str(annotations.get(_NAME) or annotations.get(_REF_NAME) or "")
        if not tag and _NAME not in annotations and not ("/" in name or ":" in name):
            raise CommandError(f"--tag: Required value: {path} does not say what its image is called")
        try:
            annotations[_NAME] = imagenames.normalized(name)
        except ValueError as error:
            raise CommandError(f"--tag: Invalid value: {error}") from error
        named.append({**manifest, "annotations": annotations})
    return {**index, "manifests": named}
