"""Filesystems that the kubelet mounts, by mount(8) and umount(8)."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

_COMMAND_TIMEOUT_S = 30
# Where mount(8) looks for the programs that mount other than the kernel's own filesystems.
_HELPERS = "/sbin:/usr/sbin"


class MountError(Exception):
    """Something cannot be mounted or unmounted; the message says what stands in the way."""


def tmpfs(path: Path, size_bytes: int | None, mode: int) -> bool:
    """Mounts one there, unless one is; True when it did. Raises MountError, OSError."""
    options = [f"mode={mode:o}", *([f"size={size_bytes}"] if size_bytes else [])]
    return _mount(path, "tmpfs", "tmpfs", options)


def nfs(path: Path, server: str, exported: str, options: Sequence[str]) -> bool:
    """Mounts the server's directory there, unless something is; True when it did. Raises MountError, OSError."""
    if shutil.which("mount.nfs", path=_HELPERS) is None:
        raise MountError("this node cannot mount NFS: mount.nfs is missing, install the package nfs-common")
    host = f"[{server}]" if ":" in server else server
    return _mount(path, "nfs", f"{host}:{exported}", options)


def bind(opened: int, path: Path) -> None:
    """Mounts an open file or directory there, in place of what is mounted there. Raises MountError, OSError."""
    source = f"/proc/{os.getpid()}/fd/{opened}"
    if path in mounted_below(path):
        if os.path.samestat(os.fstat(opened), path.stat()):
            return
        _run(["umount", str(path)])
    if stat.S_ISDIR(os.fstat(opened).st_mode):
        path.mkdir(parents=True, exist_ok=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    _run(["mount", "--no-canonicalize", "--bind", source, str(path)])


def unmount_below(directory: Path) -> None:
    """Whatever is mounted there, the innermost first. Raises MountError."""
    for mounted in sorted(mounted_below(directory), reverse=True):
        _run(["umount", str(mounted)])


def mounted_below(directory: Path) -> list[Path]:
    # Fields of /proc/self/mounts are separated by blanks; the kernel writes a blank within a path as \040.
    lines = Path("/proc/self/mounts").read_text().splitlines()
    paths = [Path(line.split(" ")[1].replace("\\040", " ")) for line in lines]
    return [path for path in paths if path.is_relative_to(directory)]


def _mount(path: Path, kind: str, what: str, options: Sequence[str]) -> bool:
    # Asked of the kernel's table and not of the path: what a silent server exports answers no question.
    if path in mounted_below(path):
        return False
    path.mkdir(parents=True, exist_ok=True)
    _run(["mount", "-t", kind, *(["-o", ",".join(options)] if options else []), what, str(path)])
    return True


def _run(command: list[str]) -> None:
    told = " ".join(command)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise MountError(f"{told}: no answer within {_COMMAND_TIMEOUT_S} s") from error
    if done.returncode != 0:
        raise MountError(f"{told}: {done.stderr.strip() or f'exit code {done.returncode}'}")
