"""Debian packages with all that they need, for hosts of a release of Debian, as this machine's apt downloads them.

apt works in a folder of its own, as if nothing were installed: what this machine has, and which Debian it is, changes
nothing, and nothing is changed on it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from podlab.deploy import debian
from podlab.deploy.offline.archive import BundleError

INDEX = "Packages"
"""Where apt looks for what a folder holds: the archive is one that apt can install from."""
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
WITHIN_S = 900
_SYSTEM = re.compile(r"debian-(\d+)-(\w+)")


@dataclass(frozen=True)
class System:
    """A kind of host: its Debian, and its machine as the kernel calls it."""

    suite: str
    machine: str

    @classmethod
    def parse(cls, text: str) -> System:
        """The system written as debian-12-x86_64. Raises BundleError for one that has no packages in bundles."""
        match = _SYSTEM.fullmatch(text)
        suites = {suite.version: name for name, suite in debian.SUITES.items()}
        if match is None or match[1] not in suites or match[2] not in ARCHITECTURES:
            known = [f"debian-{version}-{machine}" for version in suites for machine in ARCHITECTURES]
            raise BundleError(f"bundles have no packages for {text!r}, but for {', '.join(known)}")
        return cls(suites[match[1]], match[2])

    @property
    def target(self) -> str:
        """The wheels that fit its Python."""
        return f"{debian.SUITES[self.suite].python}-{self.machine}"


def archive(system: System, names: Sequence[str], target: Path) -> None:
    """The packages of these names, all that they need, and an index of them, as one tar. Raises BundleError."""
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        apt = _Apt(Path(temporary), system)
        apt.run("apt-get", "update")
        apt.run("apt-get", "install", "--download-only", *names)
        files = sorted((Path(temporary) / "archives").glob("*.deb"))
        stanzas = apt.run("apt-cache", "show", *(_asked(path.name) for path in files))
        index = "\n\n".join(indexed(stanzas.split("\n\n"), files)) + "\n"
        (Path(temporary) / INDEX).write_text(index)
        with tarfile.open(target, "w") as tar:
            for path in (Path(temporary) / INDEX, *files):
                tar.add(path, arcname=path.name.replace("%3a", ":"))


def content(system: System, name: str, path: str) -> bytes:
    """A file of the package of this name, which is at the path or below /usr. Raises BundleError."""
    with tempfile.TemporaryDirectory() as temporary:
        _Apt(Path(temporary), system).fetch(name)
        (file,) = (Path(temporary) / "archives").glob("*.deb")
        packed = Path(temporary) / "content.tar"
        _run("sh", "-c", 'dpkg-deb --fsys-tarfile "$1" >"$2"', "sh", str(file), str(packed))
        with tarfile.open(packed) as tar:
            for place in (f"./{path}", f"./usr/{path}"):
                if place in tar.getnames() and (found := tar.extractfile(place)) is not None:
                    return found.read()
    raise BundleError(f"the package {name} for {system.machine} has no {path}")


def indexed(stanzas: Iterable[str], files: Sequence[Path]) -> Iterator[str]:
    """What the sources say of each of the files, with the name that it has here.

    Raises BundleError where they say nothing of one.
    """
    known = {path.name.replace("%3a", ":"): path for path in files}
    for stanza in stanzas:
        fields = dict(re.findall(r"^([\w-]+): (.*)$", stanza, re.MULTILINE))
        name = f"{fields.get('Package')}_{fields.get('Version')}_{fields.get('Architecture')}.deb"
        if known.pop(name, None) is not None:
            yield re.sub(r"^Filename: .*$", f"Filename: ./{name}", stanza.strip(), flags=re.MULTILINE)
    if known:
        raise BundleError(f"apt downloaded {', '.join(sorted(known))}, which its sources do not describe")


def _asked(file: str) -> str:
    name, version, _ = file.removesuffix(".deb").split("_")
    return f"{name}={version.replace('%3a', ':')}"


class _Apt:
    """This machine's apt in a folder, for another system."""

    def __init__(self, folder: Path, system: System) -> None:
        if shutil.which("apt-get") is None:
            raise BundleError("this machine has no apt-get: make bundles on one with Debian or Ubuntu")
        self._settings = folder / "apt.conf"
        for name in ("lists/partial", "archives/partial"):
            (folder / name).mkdir(parents=True)
        (folder / "status").touch()
        lines = "".join(f"{line}\n" for line in _sources(system.suite))
        (folder / "sources.list").write_text(lines)
        self._settings.write_text("\n".join(settings(folder, ARCHITECTURES[system.machine])) + "\n")

    def fetch(self, name: str) -> None:
        """The package alone, into the folder `archives`."""
        self.run("apt-get", "update")
        self.run("sh", "-c", 'cd "$1" && apt-get download "$2"', "sh", str(self._settings.parent / "archives"), name)

    def run(self, *command: str) -> str:
        return _run(*command, APT_CONFIG=str(self._settings))


def settings(folder: Path, architecture: str) -> list[str]:
    """apt's, read after this machine's own: how mirrors are reached stays, and all else is the folder's."""
    own = {
        "Dir::State": folder,
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache::archives": folder / "archives",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::Etc::trusted": KEYRING,
        "Dir::Log": folder,
        "APT::Architecture": architecture,
        "APT::Get::Assume-Yes": "true",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "Debug::NoLocking": "true",
        "quiet": "2",
    }
    return ["#clear APT::Architectures;", *(f'{name} "{value}";' for name, value in own.items())]


def _sources(suite: str) -> tuple[str, ...]:
    targets = _run("apt-get", "indextargets", "--format", debian.INDEX_FORMAT, "Created-By: Packages")
    found = debian.sources(targets, suite)
    if not found:
        raise BundleError(
            "apt of this machine knows no mirror of Debian: make the bundle on a machine with Debian, or add one to "
            "/etc/apt/sources.list.d"
        )
    return found


def _run(*command: str, **environment: str) -> str:
    settings_of_run = {**os.environ, "LC_ALL": "C.UTF-8", **environment}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=WITHIN_S, env=settings_of_run
        )
    except subprocess.TimeoutExpired as error:
        raise BundleError(f"{command[0]} did not end within {WITHIN_S} s") from error
    if done.returncode != 0:
        raise BundleError(f"{' '.join(command)}: {(done.stderr.strip() or done.stdout.strip())[-2000:]}")
    return done.stdout
