"""The files of a volume that the kubelet writes, changed all at once.

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
from node.kubelet.disk.file_tree import Faults
from podlab.core.v1 import pod_pb2

CURRENT = "..data"
# The kubelet's own names in the volume; no file of a pod begins so.
_HIDDEN = ".."
_UNFINISHED = "..new"
_NAME_BYTES = 255
DEFAULT_MODE = 0o644


Parts = tuple[str, ...]


@dataclass(frozen=True)
class File:
    """`group` is None for files that are shared with no group."""

    content: bytes
    mode: int
    owner: int = 0
    group: int | None = None


def project(
    data: Mapping[str, bytes], items: Iterable[pod_pb2.KeyToPath], default_mode: int, optional: bool, of: str
) -> dict[str, File]:
    """Which files, by relative path, stand for the data: all keys, or the chosen items. Raises ConfigError."""
    chosen = list(items)
    if not chosen:
        return {key: File(content, default_mode) for key, content in data.items()}
    files: dict[str, File] = {}
    for item in chosen:
        if item.key not in data:
            if optional:
                continue
            raise ConfigError(f"{of} references non-existent key: {item.key}")
        files[item.path] = File(data[item.key], item.mode if item.HasField("mode") else default_mode)
    return files


def write(directory: Path, files: Mapping[str, File]) -> bool:
    """Makes the directory hold just the files; False when it did already.

    Raises ConfigError for paths that cannot be, and OSError.
    """
    placed = _placed(files)
    opened = os.open(directory, file_tree.DIRECTORY)
    try:
        current = _current(opened)
        if current and _holds(opened, current, placed):
            return False
        version = Path(tempfile.mkdtemp(prefix=_HIDDEN, dir=f"/proc/self/fd/{opened}")).name
        made = os.open(version, file_tree.DIRECTORY, dir_fd=opened)
        try:
            os.fchmod(made, 0o755)
            for parts, file in placed.items():
                _write_file(made, parts, file)
        finally:
            os.close(made)
        _link(opened, CURRENT, version)
        _link_names(opened, {parts[0] for parts in placed})
        # The version before, and what kubelets that were killed have left of others.
        for entry in list(os.scandir(opened)):
            if entry.name.startswith(_HIDDEN) and entry.name != version and entry.is_dir(follow_symlinks=False):
                file_tree.remove(directory / entry.name)
    finally:
        os.close(opened)
    return True


def _placed(files: Mapping[str, File]) -> dict[Parts, File]:
    """By the parts of their paths, each of them a name that may stand in the volume. Raises ConfigError."""
    placed = {_parts(path): file for path, file in files.items()}
    for parts in placed:
        for length in range(1, len(parts)):
            if parts[:length] in placed:
                file, within = "/".join(parts[:length]), "/".join(parts)
                raise ConfigError(f"path {file!r} is to be a file, and a directory for {within!r}")
    return placed


def _parts(path: str) -> Parts:
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if path.startswith("/") or ".." in parts or not parts or parts[0].startswith(_HIDDEN):
        raise ConfigError(f"invalid path {path!r}: must be a relative path that does not start with or contain '..'")
    if "\0" in path or any(len(part.encode()) > _NAME_BYTES for part in parts):
        raise ConfigError(f"invalid path {path!r}: a file's name has at most {_NAME_BYTES} bytes, none of them zero")
    return parts


def _current(opened: int) -> str:
    """The version that is shown now; empty when there is none that this kubelet may have made."""
    try:
        version = os.readlink(CURRENT, dir_fd=opened)
    except OSError:
        return ""
    return version if version.startswith(_HIDDEN) and version != ".." and "/" not in version else ""


def _write_file(version: int, parts: Parts, file: File) -> None:
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


def _holds(opened: int, current: str, placed: Mapping[Parts, File]) -> bool:
    try:
        version = os.open(current, file_tree.DIRECTORY, dir_fd=opened)
    except OSError:
        return False
    try:
        files = sum(not entry.is_directory for entry in file_tree.entries(version, Faults()))
        return files == len(placed) and all(_is(version, parts, file) for parts, file in placed.items())
    except OSError:  # not there, or something else
        return False
    finally:
        os.close(version)


def _is(version: int, parts: Parts, file: File) -> bool:
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
