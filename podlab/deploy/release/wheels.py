"""Wheels for the hosts: Podlab's own, built from the sources, and those it depends on, downloaded once.

Which package index pip asks is pip's own configuration.
"""

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from podlab.deploy.release.sources import PACKAGES, is_installed, is_source, packages_root

EXTRAS = ("master", "node")
PIP_WITHIN_S = 600
# Wheels for any Linux with glibc 2.28 or newer: Debian 12 has 2.36, Ubuntu 24.04 has 2.39.
PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014", "manylinux_2_12", "manylinux2010")


_MADE_BY_PIP = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


class WheelError(Exception):
    """pip could not build or download; the message holds pip's own."""


@dataclass(frozen=True)
class WheelPlatform:
    """What wheels must fit: the hosts' Python ("3.11") and machine ("x86_64")."""

    python: str
    machine: str

    @classmethod
    def parse(cls, text: str) -> "WheelPlatform":
        """The target written as "cp311-x86_64"."""
        match = re.fullmatch(r"cp(\d)(\d+)-(\w+)", text)
        if match is None:
            raise ValueError(f"{text!r} is not a target such as cp311-x86_64")
        return cls(f"{match[1]}.{match[2]}", match[3])

    def __str__(self) -> str:
        return f"cp{self.python.replace('.', '')}-{self.machine}"


def cache_directory() -> Path:
    """Where what was downloaded is kept for all clusters and checkouts of this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "podlab"


def requirements(root: Path, extras: Iterable[str] = EXTRAS) -> list[str]:
    """What Podlab needs on a host that is all that these extras are for, as pyproject.toml says."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return sorted({each for extra in ("host", *extras) for each in project["optional-dependencies"][extra]})


def dependencies(root: Path, target: WheelPlatform, cache: Path) -> Path:
    """The directory with all wheels but Podlab's own; downloaded when these requirements were never met before."""
    folder = dependencies_folder(root, target, cache)
    return made_once(folder, lambda unfinished: _download(requirements(root), target, unfinished))


def dependencies_folder(root: Path, target: WheelPlatform, cache: Path) -> Path:
    """Where they are: named after what is required."""
    state = json.dumps([str(target), requirements(root)])
    return cache / f"wheels-{target}-{hashlib.sha256(state.encode()).hexdigest()[:16]}"


def own(root: Path, sources_digest: str, cache: Path) -> Path:
    """The directory with Podlab's wheel; built when these sources were never built before."""
    return made_once(cache / f"podlab-{sources_digest}", lambda folder: _build(root, folder))


def whole(root: Path, sources_digest: str, cache: Path) -> Path:
    """The directory with the wheel that makes a machine one that deploys: with playbooks, checks and examples."""
    if not is_installed(root):
        return own(root, sources_digest, cache)
    return made_once(cache / f"podlab-whole-{sources_digest}", lambda folder: _as_it_was(packages_root(root), folder))


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """The folder, made by `make` when it is missing; whole or not at all, also when two make it at once."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        make(made)
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another run was first, with the same content
                raise
    return folder


def forget_old(cache: Path, pattern: str, keep: int) -> None:
    """Remove all but the `keep` newest of the folders that the pattern is for: each change of what they are made from
    leaves one.
    """
    by_age = sorted(cache.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in by_age[keep:]:
        shutil.rmtree(old, ignore_errors=True)


def options(target: WheelPlatform) -> list[str]:
    """pip's, for wheels that fit the hosts and not this machine."""
    platforms = [f"--platform={each}_{target.machine}" for each in PLATFORMS]
    return ["--only-binary=:all:", f"--python-version={target.python}", "--implementation=cp", *platforms]


def _download(wanted: Sequence[str], target: WheelPlatform, folder: Path) -> None:
    pip("download", "--dest", str(folder), *options(target), *wanted)


def _build(root: Path, folder: Path) -> None:
    if is_installed(root):
        return _repack(packages_root(root), folder / "podlab-installed-py3-none-any.whl")
    return pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(root))


def _repack(packages: Path, wheel: Path) -> None:
    """The wheel that was installed, without what only the controller needs."""
    described = next(packages.glob("podlab-*.dist-info"))
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as packed:
        for top in (*(packages / name for name in PACKAGES), described):
            for path in sorted(top.rglob("*")):
                if path.is_file() and is_source(path.relative_to(packages)):
                    packed.write(path, path.relative_to(packages))


def _as_it_was(packages: Path, folder: Path) -> None:
    """The wheel that was installed: of the files that it was recorded with, those that pip did not make itself."""
    described = next(packages.glob("podlab-*.dist-info"))
    record = described / "RECORD"
    made = {str((described / name).relative_to(packages)) for name in _MADE_BY_PIP}
    rows = [row for row in csv.reader(record.read_text().splitlines()) if row and row[0] not in made]
    rows = [row for row in rows if not row[0].startswith(("..", "/")) and "__pycache__" not in row[0]]
    with zipfile.ZipFile(folder / f"{described.stem}-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as packed:
        for name, *_ in rows:
            packed.write(packages / name, name)
        told = [",".join(row) for row in [*rows, [str(record.relative_to(packages)), "", ""]]]
        packed.writestr(str(record.relative_to(packages)), "\n".join(told) + "\n")


def pip(*arguments: str) -> None:
    """Run this machine's pip. Raises WheelError."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PIP_WITHIN_S)
    except subprocess.TimeoutExpired as error:
        raise WheelError(f"{' '.join(command)} did not end within {PIP_WITHIN_S} s") from error
    if done.returncode != 0:
        raise WheelError(f"{' '.join(command)} failed: {done.stderr.strip() or done.stdout.strip()}")
