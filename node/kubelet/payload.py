"""The files of a volume that the kubelet writes, changed all at once.

The visible names are links through `..data`, itself a link to a directory that holds one version. Replacing that link
replaces all files in one step, as users of Kubernetes' own volumes rely on
(https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from node.kubelet.env import ConfigError
from podlab.core.v1 import pod_pb2

CURRENT = "..data"
DEFAULT_MODE = 0o644


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
    """Makes the directory hold just the files; False when it did already."""
    current = directory / CURRENT
    if current.is_dir() and _holds(current.resolve(), files):
        return False
    version = Path(tempfile.mkdtemp(prefix="..", dir=directory))
    version.chmod(0o755)
    for name, file in files.items():
        path = version / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600)
        path.write_bytes(file.content)
        if (file.owner, file.group) != (0, None):
            os.chown(path, file.owner or -1, -1 if file.group is None else file.group)
        path.chmod(file.mode)
    old = current.resolve() if current.is_symlink() else None
    _link(current, version.name)
    _link_names(directory, {name.partition("/")[0] for name in files})
    if old is not None and old.is_dir():
        shutil.rmtree(old)
    return True


def _holds(version: Path, files: Mapping[str, File]) -> bool:
    present = {str(path.relative_to(version)): path for path in version.rglob("*") if path.is_file()}
    return present.keys() == files.keys() and all(_is(path, files[name]) for name, path in present.items())


def _is(path: Path, file: File) -> bool:
    found = path.stat()
    return (
        found.st_mode & 0o777 == file.mode
        and (not file.owner or found.st_uid == file.owner)
        and (file.group is None or found.st_gid == file.group)
        and path.read_bytes() == file.content
    )


def _link_names(directory: Path, names: set[str]) -> None:
    for path in directory.iterdir():
        if path.is_symlink() and path.name != CURRENT and path.name not in names:
            path.unlink()
    for name in names:
        if not (directory / name).is_symlink():
            _link(directory / name, f"{CURRENT}/{name}")


def _link(path: Path, target: str) -> None:
    unfinished = path.with_name(f"..new-{path.name}")
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(target)
    unfinished.replace(path)
