"""Writes the files of a volume so that all of them change at once.

The visible names are links through `..data`, itself a link to a directory that holds one version. Replacing that link
replaces all files in one step, as users of Kubernetes' own volumes rely on
(https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically).
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from node.kubelet.containerconfig.environment import ConfigError
from node.kubelet.disk import file_tree
from node.kubelet.disk.file_tree import WalkErrors
from podlab.core.v1 import pod_pb2

CURRENT = "..data"
# Names of the kubelet's own in the volume begin so; no file of a pod does.
_HIDDEN = ".."
_UNFINISHED = "..new"
_NAME_BYTES = 255
DEFAULT_MODE = 0o644


Parts = tuple[str, ...]


@dataclass(frozen=True)
class FileProjection:
    """One file. `group` is None when the file keeps the group root."""

    content: bytes
    mode: int
    owner: int = 0
    group: int | None = None


def project_keys(
    data: Mapping[str, bytes], items: Iterable[pod_pb2.KeyToPath], default_mode: int, *, optional: bool, name: str
) -> dict[str, FileProjection]:
    """The files by relative path: all keys, or the chosen items. Raises ConfigError, which has the `name`."""
    chosen = list(items)
    if not chosen:
        return {key: FileProjection(content, default_mode) for key, content in data.items()}
    files: dict[str, FileProjection] = {}
    for item in chosen:
        if item.key not in data:
            if optional:
                continue
            raise ConfigError(f"{name} references non-existent key: {item.key}")
        files[item.path] = FileProjection(data[item.key], item.mode if item.HasField("mode") else default_mode)
    return files


def write_files(directory: Path, files: Mapping[str, FileProjection]) -> bool:
    """Makes these the files of the directory; False when they were already.

    Raises ConfigError for paths that cannot be, and OSError.
    """
    by_parts = _by_parts(files)
    opened = os.open(directory, file_tree.DIRECTORY)
    try:
        current = _current(opened)
        if current and _has_files(opened, current, by_parts):
            return False
        version = Path(tempfile.mkdtemp(prefix=_HIDDEN, dir=f"/proc/self/fd/{opened}")).name
        made = os.open(version, file_tree.DIRECTORY, dir_fd=opened)
        try:
            os.fchmod(made, 0o755)
            for parts, file in by_parts.items():
                _write_file(made, parts, file)
        finally:
            os.close(made)
        _link(opened, CURRENT, version)
        _link_names(opened, {parts[0] for parts in by_parts})
        # Removes the version before, and what a killed kubelet left of others.
        for entry in list(os.scandir(opened)):
            if entry.name.startswith(_HIDDEN) and entry.name != version and entry.is_dir(follow_symlinks=False):
                file_tree.remove(directory / entry.name)
    finally:
        os.close(opened)
    return True


def _by_parts(files: Mapping[str, FileProjection]) -> dict[Parts, FileProjection]:
    """The files by the parts of their paths. Raises ConfigError for paths that cannot be in a volume."""
    by_parts = {_parts(path): file for path, file in files.items()}
    for parts in by_parts:
        for length in range(1, len(parts)):
            if parts[:length] in by_parts:
                file, within = "/".join(parts[:length]), "/".join(parts)
                raise ConfigError(f"path {file!r} is to be a file, and a directory for {within!r}")
    return by_parts


def _parts(path: str) -> Parts:
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if path.startswith("/") or ".." in parts or not parts or parts[0].startswith(_HIDDEN):
        raise ConfigError(f"invalid path {path!r}: must be a relative path that does not start with or contain '..'")
    if "\0" in path or any(len(part.encode()) > _NAME_BYTES for part in parts):
        raise ConfigError(f"invalid path {path!r}: a file's name has at most {_NAME_BYTES} bytes, none of them zero")
    return parts


def _current(opened: int) -> str:
    """The name of the present version; empty when there is none that a kubelet made."""
    try:
        version = os.readlink(CURRENT, dir_fd=opened)
    except OSError:
        return ""
    return version if version.startswith(_HIDDEN) and version != ".." and "/" not in version else ""


def _write_file(version: int, parts: Parts, file: FileProjection) -> None:
    directory = _directory(version, parts[:-1], make=True)
    try:
        made = os.open(parts[-1], os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=directory)
    finally:
        os.close(directory)
    with os.fdopen(made, "wb") as opened:
        opened.write(file.content)
        if (file.owner, file.group) != (0, None):
            os.fchown(made, file.owner or -1, -1 if file.group is None else file.group)
        os.fchmod(made, file.mode)


def _directory(version: int, parts: Parts, *, make: bool) -> int:
    """The caller closes what is returned."""
    at = os.open(".", file_tree.DIRECTORY, dir_fd=version)
    for part in parts:
        try:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=at)
            below = os.open(part, file_tree.DIRECTORY, dir_fd=at)
        finally:
            os.close(at)
        at = below
    return at


def _has_files(opened: int, current: str, by_parts: Mapping[Parts, FileProjection]) -> bool:
    try:
        version = os.open(current, file_tree.DIRECTORY, dir_fd=opened)
    except OSError:
        return False
    try:
        files = sum(not entry.is_directory for entry in file_tree.entries(version, WalkErrors()))
        return files == len(by_parts) and all(_is_same(version, parts, file) for parts, file in by_parts.items())
    except OSError:  # missing, or no file
        return False
    finally:
        os.close(version)


def _is_same(version: int, parts: Parts, file: FileProjection) -> bool:
    directory = _directory(version, parts[:-1], make=False)
    try:
        made = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    finally:
        os.close(directory)
    with os.fdopen(made, "rb") as opened:
        found = os.fstat(made)
        return (
            found.st_mode == stat.S_IFREG | file.mode
            and (not file.owner or found.st_uid == file.owner)
            and (file.group is None or found.st_gid == file.group)
            and opened.read(len(file.content) + 1) == file.content
        )


def _link_names(opened: int, names: set[str]) -> None:
    links = {entry.name: os.readlink(entry.name, dir_fd=opened) for entry in os.scandir(opened) if entry.is_symlink()}
    for name in links.keys() - names - {CURRENT}:
        os.unlink(name, dir_fd=opened)
    for name in names:
        if links.get(name) != f"{CURRENT}/{name}":
            _link(opened, name, f"{CURRENT}/{name}")


def _link(opened: int, name: str, target: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_UNFINISHED, dir_fd=opened)
    os.symlink(target, _UNFINISHED, dir_fd=opened)
    os.replace(_UNFINISHED, name, src_dir_fd=opened, dst_dir_fd=opened)
