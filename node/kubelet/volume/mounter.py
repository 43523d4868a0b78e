"""Filesystems that the kubelet mounts: those in memory by mount(2) and umount2(2), which nearly every pod has and which
never block; others by mount(8) and umount(8), which know helpers and can be given up."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

_COMMAND_TIMEOUT_S = 30
_TMPFS, _HUGETLBFS = "tmpfs", "hugetlbfs"
_UMOUNT_NOFOLLOW = 8
# Where mount(8) finds mount.nfs and the like.
HELPERS = "/sbin:/usr/sbin"
_OCTAL = re.compile(rb"\\([0-7]{3})")


class MountError(Exception):
    """Something cannot be mounted or unmounted; the message says why."""


def tmpfs(path: Path, size_bytes: int | None, mode: int) -> bool:
    """Mounts a tmpfs there, unless something is mounted; True when it did. Raises MountError, OSError."""
    return _in_memory(path, _TMPFS, _TMPFS, [f"mode={mode:o}", *([f"size={size_bytes}"] if size_bytes else [])])


def hugetlbfs(path: Path, page_bytes: int, mode: int) -> bool:
    """Mounts huge pages of that size there, see `tmpfs`. Raises MountError where the kernel has none, OSError."""
    return _in_memory(path, _HUGETLBFS, "nodev", [f"mode={mode:o}", f"pagesize={page_bytes}"])


def nfs(path: Path, server: str, exported: str, options: Sequence[str], *, helpers: str = HELPERS) -> bool:
    """Mounts the server's directory, unless something is mounted; True when it did. Raises MountError, OSError.

    `helpers` are the directories, with colons between, in which mount.nfs is looked for.
    """
    if shutil.which("mount.nfs", path=helpers) is None:
        raise MountError("this node cannot mount NFS: mount.nfs is missing, install the package nfs-common")
    host = f"[{server}]" if ":" in server else server
    if not _make_place(path):
        return False
    _run(["mount", "-t", "nfs", *(["-o", ",".join(options)] if options else []), f"{host}:{exported}", str(path)])
    return True


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
    if kinds := [kind for at, kind in _mounted_below(path) if at == path]:
        if os.path.samestat(os.fstat(opened), path.stat()):
            return
        _unmount(path, kinds[-1])
    _make_mount_point(path, directory=stat.S_ISDIR(os.fstat(opened).st_mode))
    _run(["mount", "--no-canonicalize", "--bind", source, str(path)])


def unmount_below(directory: Path) -> None:
    """Whatever is mounted there, the innermost first. Raises MountError."""
    found = reversed(list(_mounted_below(directory)))  # the newest first, also of those at one path
    for mounted, kind in sorted(found, key=lambda each: each[0], reverse=True):
        _unmount(mounted, kind)


def mounted_below(directory: Path) -> list[Path]:
    """A path is named twice when it is mounted twice."""
    return [path for path, _ in _mounted_below(directory)]


def _mounted_below(directory: Path) -> Iterator[tuple[Path, str]]:
    """Each with its kind, the outermost of those at one path first."""
    # Fields of /proc/self/mounts are separated by blanks; blanks within a field are written in octal digits.
    # Paths of other mounts, which containers chose, may have any bytes. A full node has many hundreds.
    itself = os.fsencode(directory)
    below = itself.rstrip(b"/") + b"/"
    for line in filter(None, Path("/proc/self/mounts").read_bytes().split(b"\n")):
        _, written, kind, _ = line.split(b" ", 3)
        path = _OCTAL.sub(_byte, written) if b"\\" in written else written
        if path == itself or path.startswith(below):
            yield Path(os.fsdecode(path)), kind.decode()


def _in_memory(path: Path, kind: str, source: str, options: Sequence[str]) -> bool:
    if not _make_place(path):
        return False
    words = ",".join(options)
    done = _libc().mount(source.encode(), os.fsencode(path), kind.encode(), ctypes.c_ulong(0), words.encode())
    _check(done, f"mount -t {kind} -o {words} {source} {path}")
    return True


def _make_place(path: Path) -> bool:
    """A directory to mount on; False where something is mounted already."""
    # The kernel's table is read and not the path: a path on an NFS server that is silent would block.
    if path in mounted_below(path):
        return False
    path.mkdir(parents=True, exist_ok=True)
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


def _unmount(path: Path, kind: str) -> None:
    if kind not in (_TMPFS, _HUGETLBFS):  # umount(8) can be given up, when the server of what is mounted is silent
        _run(["umount", "--no-canonicalize", str(path)])
        return
    _check(_libc().umount2(os.fsencode(path), _UMOUNT_NOFOLLOW), f"umount {path}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(done: int, what: str) -> None:
    if done != 0:
        raise MountError(f"{what}: {os.strerror(ctypes.get_errno())}")


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
