"""Filesystems that the kubelet mounts, by mount(8) and umount(8)."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

_COMMAND_TIMEOUT_S = 30
# Where mount(8) finds mount.nfs and the like.
HELPERS = "/sbin:/usr/sbin"
_OCTAL = re.compile(rb"\\([0-7]{3})")


class MountError(Exception):
    """Something cannot be mounted or unmounted; the message says why."""


def tmpfs(path: Path, size_bytes: int | None, mode: int) -> bool:
    """Mounts a tmpfs there, unless something is mounted; True when it did. Raises MountError, OSError."""
    options = [f"mode={mode:o}", *([f"size={size_bytes}"] if size_bytes else [])]
    return _mount(path, "tmpfs", "tmpfs", options)


def hugetlbfs(path: Path, page_bytes: int, mode: int) -> bool:
    """Mounts huge pages of that size there, see `tmpfs`. Raises MountError where the kernel has none, OSError."""
    return _mount(path, "hugetlbfs", "nodev", [f"mode={mode:o}", f"pagesize={page_bytes}"])


def nfs(path: Path, server: str, exported: str, options: Sequence[str], *, helpers: str = HELPERS) -> bool:
    """Mounts the server's directory, unless something is mounted; True when it did. Raises MountError, OSError.

    `helpers` are the directories, with colons between, in which mount.nfs is looked for.
    """
    if shutil.which("mount.nfs", path=helpers) is None:
        raise MountError("this node cannot mount NFS: mount.nfs is missing, install the package nfs-common")
    host = f"[{server}]" if ":" in server else server
    return _mount(path, "nfs", f"{host}:{exported}", options)


def read_only(path: Path, kind: str, source: str, options: Sequence[str]) -> None:
    """Mounts what can only be read, unless something is mounted there. Raises MountError, OSError."""
    if path in mounted_below(path):
        return
    path.mkdir(parents=True, exist_ok=True)
    kept = [each for each in options if each not in ("ro", "rw")]
    if kind == "bind":
        _run(["mount", "--bind", source, str(path)])
        _run(["mount", "-o", "remount,bind,ro", str(path)])
    else:
        _run(["mount", "-t", kind, "-o", ",".join(["ro", *kept]), source or kind, str(path)])


def bind(opened: int, path: Path) -> None:
    """Mounts an open file or directory there, and replaces what is mounted there. Raises MountError, OSError."""
    source = f"/proc/{os.getpid()}/fd/{opened}"
    if path in mounted_below(path):
        if os.path.samestat(os.fstat(opened), path.stat()):
            return
        _unmount(path)
    _make_mount_point(path, directory=stat.S_ISDIR(os.fstat(opened).st_mode))
    _run(["mount", "--no-canonicalize", "--bind", source, str(path)])


def unmount_below(directory: Path) -> None:
    """Whatever is mounted there, the innermost first. Raises MountError."""
    for mounted in sorted(mounted_below(directory), reverse=True):
        _unmount(mounted)


def mounted_below(directory: Path) -> list[Path]:
    """A path is named twice when it is mounted twice."""
    # Fields of /proc/self/mounts are separated by blanks; blanks within a field are written in octal digits.
    # Paths of other mounts, which containers chose, may have any bytes.
    lines = Path("/proc/self/mounts").read_bytes().split(b"\n")
    paths = [Path(os.fsdecode(_OCTAL.sub(_byte, line.split(b" ")[1]))) for line in lines if line]
    return [path for path in paths if path.is_relative_to(directory)]


def _mount(path: Path, kind: str, what: str, options: Sequence[str]) -> bool:
    # The kernel's table is read and not the path: a path on an NFS server that is silent would block.
    if path in mounted_below(path):
        return False
    path.mkdir(parents=True, exist_ok=True)
    _run(["mount", "-t", kind, *(["-o", ",".join(options)] if options else []), what, str(path)])
    return True


def _make_mount_point(path: Path, *, directory: bool) -> None:
    """An empty directory or file to mount on, as the kind of the mount wants it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if directory:
        if path.is_file():
            path.unlink()
        path.mkdir(exist_ok=True)
        return
    if path.is_dir():
        path.rmdir()
    path.touch()


def _unmount(path: Path) -> None:
    _run(["umount", "--no-canonicalize", str(path)])


def _byte(digits: re.Match[bytes]) -> bytes:
    return bytes([int(digits[1], 8)])


def _run(command: list[str]) -> None:
    words = " ".join(command)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise MountError(f"{words}: no answer within {_COMMAND_TIMEOUT_S} s") from error
    if done.returncode != 0:
        raise MountError(f"{words}: {done.stderr.strip() or f'exit code {done.returncode}'}")
