"""One file with all that a cluster is made of: its store, its authority and its keys. Of no host, and no inventory.

A tar of mode 0600: first `manifest.json`, which has the SHA-256 of all that follows; then `store.archive`, as
`podlab-store backup` wrote it, and what `.podlab/<cluster>/pki` held. Who has the file owns the cluster.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO

from podlab import settings
from podlab.pki import ensure_file
from podlab.settings import SettingsError

FORMAT = "podlab-backup/1"
STORE = "store.archive"
_MANIFEST = "manifest.json"
_PKI = "pki/"
_MOST_MANIFEST_BYTES = 16 << 20
_BLOCK = 1 << 20
# A folder with one of these holds what is made anew of the authority for each host, as is the administrator's.
_LEAVES = ("apiserver.crt", "kubelet.crt")
_ADMIN = "admin."


class ArchiveError(Exception):
    """The file is no whole archive of a cluster; the message names the file, what is wrong, and the remedy."""

    def __init__(self, path: Path, reason: str, remedy: str = "use another backup") -> None:
        super().__init__(f"{path}: {reason}; {remedy}")


@dataclass(frozen=True)
class Manifest:
    """`taken` is when (RFC 3339), `release` of Podlab; `objects` are counted by resource, such as `deployments.apps`.

    `files` has the SHA-256 of each file of the archive but this one.
    """

    format: str
    cluster: str
    taken: str
    release: str
    revision: int
    objects: dict[str, int]
    files: dict[str, str]


def pack(target: Path, store: Path, pki: Path, told: Manifest) -> Manifest:
    """Write the archive, whole or not at all. `told` says what `files` does not yet.

    Raises FileExistsError, OSError, ArchiveError where `pki` has no authority.
    """
    sources = {STORE: store, **{f"{_PKI}{name}": pki / name for name in _names(pki)}}
    if f"{_PKI}ca.key" not in sources:
        raise ArchiveError(pki, "ca.key is not there", "run this where the cluster was deployed from")
    files = {name: _sum_of_file(path) for name, path in sources.items()}
    manifest = replace(told, files=files)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            _write(file, json.dumps(asdict(manifest), indent=1).encode(), sources)
        os.link(partial, target)  # unlike a rename, it takes nobody's place
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def read(path: Path) -> Manifest:
    """What the archive says of itself, once all of it has been read. Raises ArchiveError, OSError."""
    found: dict[str, str] = {}
    manifest: Manifest | None = None
    for name, content in _members(path):
        if manifest is None:
            manifest = _manifest(path, name, content)
            continue
        if name not in manifest.files or name in found:
            raise ArchiveError(path, f"it is damaged: {name!r} is not in its manifest, or there twice")
        with _told(path):
            found[name] = _sum(content)
        if found[name] != manifest.files[name]:
            raise ArchiveError(path, f"it is damaged: {name} is not what its manifest says")
    if manifest is None:
        raise ArchiveError(path, "it is no archive that backup.yml has written: it is empty")
    if missing := sorted(manifest.files.keys() - found.keys()):
        raise ArchiveError(path, f"it is damaged: {missing[0]} is missing")
    return manifest


def extract_store(path: Path, target: Path) -> None:
    """Put the store's archive into a new file of mode 0600. Raises ArchiveError, OSError."""
    for name, content in _members(path):
        if name == STORE:
            new = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with _told(path), open(new, "wb") as file:
                shutil.copyfileobj(content, file, _BLOCK)
            return
    raise ArchiveError(path, f"it is damaged: {STORE} is missing")


def extract_pki(path: Path, pki: Path) -> None:
    """Put authority and keys into the directory, where there is none. Raises ArchiveError, OSError."""
    for name, content in _members(path):
        if name.startswith(_PKI):
            with _told(path):
                ensure_file(pki / name.removeprefix(_PKI), content.read())


def texts(path: Path, names: Collection[str]) -> list[str]:
    """Those of the files of its `pki` with these names that it has. Raises ArchiveError, OSError."""
    found = []
    for name, content in _members(path):
        if name.startswith(_PKI) and name.removeprefix(_PKI) in names:
            with _told(path):
                found.append(content.read().decode(errors="replace"))
    return found


def differing(manifest: Manifest, pki: Path) -> list[str]:
    """Which of the cluster's authorities and keys are others, or missing, in a directory that is there.

    Certificates that are made anew of these, of hosts and of the administrator, do not count.
    """
    leaves = {PurePosixPath(name).parent.as_posix() for name in manifest.files if PurePosixPath(name).name in _LEAVES}
    found = []
    for name, digest in manifest.files.items():
        inside = name.removeprefix(_PKI)
        if name == STORE or inside.startswith(_ADMIN) or PurePosixPath(name).parent.as_posix() in leaves:
            continue
        path = pki / inside
        if not path.is_file() or _sum_of_file(path) != digest:
            found.append(inside)
    return found


def _names(pki: Path) -> list[str]:
    return sorted(path.relative_to(pki).as_posix() for path in pki.rglob("*") if path.is_file())


def _write(file: IO[bytes], manifest: bytes, sources: Mapping[str, Path]) -> None:
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(_member(_MANIFEST, len(manifest)), io.BytesIO(manifest))
        for name, path in sources.items():
            with path.open("rb") as opened:
                tar.addfile(_member(name, os.fstat(opened.fileno()).st_size), opened)
    file.flush()
    os.fsync(file.fileno())


def _member(name: str, size_bytes: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size_bytes, 0o600
    return member


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and content of each file, in order. Raises ArchiveError for what is not a plain file of ours."""
    with _told(path), tarfile.open(path, "r:") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            if content is None or not _is_ours(member.name):
                raise ArchiveError(path, f"it is no archive that backup.yml has written: it has {member.name!r}")
            yield member.name, content


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What tarfile complains of, as ours."""
    try:
        yield
    except (tarfile.TarError, EOFError) as error:
        raise ArchiveError(path, f"it is no whole archive that backup.yml has written: {error}") from error


def _is_ours(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return name in (_MANIFEST, STORE) or (name.startswith(_PKI) and ".." not in parts and len(parts) > 1)


def _manifest(path: Path, name: str, content: IO[bytes]) -> Manifest:
    if name != _MANIFEST:
        raise ArchiveError(path, f"it is no archive that backup.yml has written: it begins with {name!r}")
    try:
        said = json.loads(content.read(_MOST_MANIFEST_BYTES))
        if isinstance(said, dict) and said.get("format") != FORMAT:
            raise ArchiveError(
                path,
                f"it has format {said.get('format')!r}, this Podlab reads {FORMAT}",
                "restore it with the release that wrote it",
            )
        return settings.build(Manifest, said, _MANIFEST)
    except (ValueError, SettingsError) as error:
        raise ArchiveError(path, f"it is damaged: {error}") from error


def _sum_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return _sum(file)


def _sum(content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := content.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()
