#!/usr/bin/python3
"""Ansible module: Debian packages by apt-get alone, where the apt module would first need python3-apt on the host.

What it installs it writes down on the host before it begins, and removes nothing but that. What a power cut left half
done is finished first.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import struct
import subprocess
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_packages
short_description: Debian packages by apt-get alone
description:
  - C(present) installs what is missing, from an archive of package files if that is there and complete,
    else from the host's own package sources. Configuration that is there already stays as it is, and nothing is removed
    for it. With C(offline) the package sources are not asked, and what the archive lacks is an error.
    An archive with an index (C(Packages)) may hold more than is needed. A package that provides another one is that
    package (Docker's containerd.io is a containerd).
  - C(purged) removes what C(present) has installed, as far as no other package needs it now. One that only
    recommends it needs it, unless it was there before and lived without.
  - Both finish first what an interrupted dpkg left half done.
  - Returns C(downloaded), whether package files came from the package sources; they are in the archive then.
options:
  names: {description: The packages; with C(purged) those that stay., type: list, elements: str, default: []}
  state: {description: What is wanted., type: str, choices: [present, purged], default: present}
  archive: {description: A tar of package files on the host., type: path, default: /var/cache/podlab/packages.tar}
  offline: {description: "Whether there is the archive, and nothing else.", type: bool, default: false}
  record: {description: "What was installed, a name a line.", type: path, default: /var/lib/podlab/packages.installed}
author: [Podlab]
"""

OPTIONS = {
    "names": {"type": "list", "elements": "str", "default": []},
    "state": {"type": "str", "choices": ["present", "purged"], "default": "present"},
    "archive": {"type": "path", "default": "/var/cache/podlab/packages.tar"},
    "offline": {"type": "bool", "default": False},
    "record": {"type": "path", "default": "/var/lib/podlab/packages.installed"},
}
APT = [
    "apt-get", "--quiet=2", "--yes", "--no-install-recommends",
    "--option=DPkg::Lock::Timeout=120", "--option=Dpkg::Options::=--force-confold", "--option=Dpkg::Use-Pty=0",
    # Not every file is written to the disk before the next one, but all at the end: see `on_disk`.
    "--option=Dpkg::Options::=--force-unsafe-io",
]  # fmt: skip
# podlab_patience: what a slow host is given.
PATIENCE = float(os.environ.get("PODLAB_PATIENCE", "1"))
WITHIN_S = 600 * PATIENCE
# apt and dpkg take turns by this lock; a holder of it lets the dpkg that it starts know by the variable.
LOCK = Path("/var/lib/dpkg/lock-frontend")
HOLDS_LOCK = "DPKG_FRONTEND_LOCKED"
LOCK_WITHIN_S = 120.0 * PATIENCE
# Where dpkg writes down what it is about to do; numbered files there are of a dpkg that was cut off.
JOURNAL = Path("/var/lib/dpkg/updates")
# Packages' files are here; each may be a file system of its own.
PLACES = ("/", "/etc", "/usr", "/var")
# Of an archive that apt can choose from.
INDEX = "Packages"
FINISHED = ("installed", "not-installed", "config-files")


class AptError(Exception):
    pass


@dataclass(frozen=True)
class Package:
    """What dpkg says of a package. `damaged`: it must be installed again before anything else is done with it."""

    state: str
    damaged: bool = False
    provides: tuple[str, ...] = ()


def known() -> dict[str, Package]:
    """What dpkg has heard of, by name."""
    fields = "${Package}\t${db:Status-Status}\t${db:Status-Eflag}\t${Provides}\n"
    found = {}
    for line in run(["dpkg-query", "--show", "--showformat", fields]).splitlines():
        name, state, flag, provides = line.split("\t")
        virtual = tuple(each.split()[0] for each in provides.split(",") if each.strip())
        found[name] = Package(state, flag == "reinstreq", virtual)
    return found


def missing(names: list[str], packages: dict[str, Package]) -> list[str]:
    """Those that neither are installed themselves nor stand behind another installed package."""
    there = {name for name, each in packages.items() if each.state == "installed" and not each.damaged}
    there |= {virtual for name in there for virtual in packages[name].provides}
    return [name for name in names if name not in there]


def unfinished(packages: dict[str, Package]) -> list[str]:
    return sorted(name for name, each in packages.items() if each.state not in FINISHED or each.damaged)


def run(command: list[str], **environment: str) -> str:
    """Standard output. Raises AptError with what the command said."""
    settings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", **environment}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WITHIN_S, env=settings)
    if done.returncode != 0:
        raise AptError("{}: {}".format(" ".join(command), done.stderr.strip() or done.stdout.strip()))
    return done.stdout


@contextlib.contextmanager
def locked(path: Path = LOCK, within_s: float = LOCK_WITHIN_S) -> Iterator[None]:
    """The lock that apt and dpkg take turns by. Raises AptError that names who has it."""
    deadline = time.monotonic() + within_s
    with path.open("a") as file:
        while True:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EAGAIN):
                    raise
                if time.monotonic() > deadline:
                    raise AptError(
                        f"{path} is held by {holder(file.fileno())} for more than {within_s:.0f} s"
                    ) from None
            time.sleep(0.5)
        yield


def holder(descriptor: int) -> str:
    """The process that has the lock, as fcntl(2) tells it."""
    form = "hhqqi4x"
    asked = struct.pack(form, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    pid = struct.unpack(form, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))[-1]
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        name = "a process that has ended meanwhile"
    return f"{name} (process {pid})"


def interrupted() -> bool:
    """Whether a dpkg was cut off, or left packages half done."""
    return any(entry.name.isdecimal() for entry in JOURNAL.iterdir()) or bool(unfinished(known()))


def repair(own: set[str]) -> None:
    """Finish what was cut off. What of it is ours (`own`) may stay half done: it is installed or removed next.

    Raises AptError naming the packages of others that cannot be finished.
    """
    why = []
    with locked():
        why += attempt(["dpkg", "--configure", "-a", "--force-confold"], **{HOLDS_LOCK: "1"})
    left = [name for name in unfinished(known()) if name not in own]
    if left:
        why += attempt([*APT, "--no-remove", "--fix-broken", "install"])
    damaged = [name for name, each in known().items() if each.damaged and name not in own]
    if damaged:
        why += attempt([*APT, "--no-remove", "--reinstall", "install", *damaged])
    left = [name for name in unfinished(known()) if name not in own]
    if left:
        raise AptError(
            "{}: half done, and cannot be finished; see dpkg --audit: {}".format(", ".join(left), "; ".join(why))
        )


def attempt(command: list[str], **environment: str) -> list[str]:
    """What went wrong, if anything did: the next step may put it right."""
    try:
        run(command, **environment)
    except AptError as error:
        return [str(error)]
    return []


def recorded(record: Path) -> list[str]:
    return record.read_text().split() if record.exists() else []


def write_down(names: list[str], record: Path) -> None:
    """Before they are installed: whatever is cut off later, what is ours is known."""
    put({*recorded(record), *names}, record)


def others_file(record: Path) -> Path:
    return record.with_name("packages.before")


def write_down_others(record: Path, packages: dict[str, Package]) -> None:
    """Once, before ours come: the packages that were there without them."""
    if not others_file(record).exists():
        there = {name for name, each in packages.items() if each.state == "installed"} - set(recorded(record))
        put(there, others_file(record))


def put(names: set[str], path: Path) -> None:
    """The whole file or none, for root alone: no service on the host has business with it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write("".join(f"{name}\n" for name in sorted(names)))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def recommending(names: set[str]) -> set[str]:
    """The installed packages that recommend one of these."""
    found = set()
    fields = "${Package}\t${db:Status-Status}\t${Recommends}\n"
    for line in run(["dpkg-query", "--show", "--showformat", fields]).splitlines():
        name, state, recommended = line.split("\t")
        if state == "installed" and names & set(re.findall(r"(?:^|[,|])\s*([^\s,|:(]+)", recommended)):
            found.add(name)
    return found


def apt_install(what: list[str], record: Path, options: tuple[str, ...] = ()) -> None:
    """Install package files or names; never at the price of another package. What is new is written down first."""
    again = ["--reinstall"] if not_on_disk(record) else []
    command = [*APT, *options, *again, "--no-remove", "install", *what]
    packages = known()
    chosen = planned(run([*command, "--simulate"]), "Inst")
    write_down_others(record, packages)
    write_down([name for name in chosen if is_new(name, packages)], record)
    with on_disk(chosen, record):
        run(command)


@contextlib.contextmanager
def on_disk(names: list[str], record: Path) -> Iterator[None]:
    """What dpkg does here is on the disk in the end. After a power cut on the way dpkg may take for installed what has
    lost its content; the packages that may have are written down until then.
    """
    write_down(names, unsynced_file(record))
    yield
    run(["sync", "--file-system", *PLACES])
    unsynced_file(record).unlink()


def unsynced_file(record: Path) -> Path:
    return record.with_name("packages.unsynced")


def not_on_disk(record: Path) -> list[str]:
    """Packages that the power may have been cut off from before they were on the disk."""
    return recorded(unsynced_file(record))


def is_new(name: str, packages: dict[str, Package]) -> bool:
    return name not in packages or packages[name].state in ("not-installed", "config-files")


def planned(simulated: str, *words: str) -> list[str]:
    """The packages that apt would do this with: `Inst runc (1.1.4 ...)`."""
    return re.findall(rf"^(?:{'|'.join(words)}) ([^\s:]+)", simulated, re.MULTILINE)


def install_offline(names: list[str], folder: Path, record: Path) -> None:
    """Install from package files alone. Raises AptError when they are not enough.

    Without what the package sources offer besides, of which reading alone takes apt seconds.
    """
    nothing = folder / "lists"
    (nothing / "partial").mkdir(parents=True, exist_ok=True)
    alone = (
        f"--option=Dir::State::lists={nothing}",
        "--option=Dir::Cache::pkgcache=",
        "--option=Dir::Cache::srcpkgcache=",
    )
    if (folder / INDEX).exists():
        alone += of_the_folder(folder)
        run([*APT, *alone, "update"])
        apt_install(names, record, alone)
    else:
        apt_install([str(path) for path in sorted(folder.glob("*.deb"))], record, alone)
    left = missing(names, known())
    if left:
        raise AptError("they hold no " + ", ".join(left))


def of_the_folder(folder: Path) -> tuple[str, ...]:
    """apt's options by which a folder with an index is its only package source; it came with its digests' list."""
    sources = folder / "sources.list"
    sources.write_text(f"deb [trusted=yes] file:{folder} ./\n")
    return (
        f"--option=Dir::Etc::sourcelist={sources}",
        "--option=Dir::Etc::sourceparts=/dev/null",
        "--option=Dir::Etc::preferences=/dev/null",
        "--option=Dir::Etc::preferencesparts=/dev/null",
        "--option=APT::Sandbox::User=root",
    )


def install_online(names: list[str], folder: Path, record: Path) -> None:
    """Install from the host's package sources; the package files stay in the folder."""
    (folder / "partial").mkdir(parents=True, exist_ok=True)
    failed = attempt([*APT, "update"])
    # One source out of order does no harm when the others have what is needed.
    update_failed = f" ({failed[0]})" if failed else ""
    keep = ("--option=APT::Keep-Downloaded-Packages=true", f"--option=Dir::Cache::archives={folder}")
    try:
        apt_install(names, record, keep)
    except AptError as error:
        raise AptError(f"{error}{update_failed}") from error


def unpack(archive: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is not None:
                    (folder / Path(member.name).name).write_bytes(content.read())
    except (tarfile.TarError, EOFError) as error:
        raise AptError(f"it is no whole archive: {error}") from error


def pack(folder: Path, archive: Path) -> None:
    partial = archive.with_name(archive.name + ".partial")
    with tarfile.open(partial, "w") as tar:
        for path in sorted(folder.glob("*.deb")):
            tar.add(path, arcname=path.name)
    partial.replace(archive)


def install(names: list[str], archive: Path, record: Path, offline: bool = False) -> tuple[bool, str]:
    """Whether package files were downloaded, and why those at hand were not enough."""
    folder, why = archive.with_suffix(""), ""
    if offline and not archive.exists():
        raise AptError(f"there are no package files for this host, which lacks {', '.join(names)}")
    if archive.exists():
        try:
            unpack(archive, folder)
            install_offline(names, folder, record)
        except AptError as error:
            if offline:
                raise AptError(f"the package files at hand do not do: {error}") from error
            why = f"the package files of {archive} do not do, the host's package sources are asked: {error}"
        else:
            return False, ""
    install_online(names, folder, record)
    pack(folder, archive)
    return True, why


def present(names: list[str], archive: Path, record: Path, offline: bool = False) -> tuple[bool, str]:
    """See `install`; what was cut off is finished first."""
    if interrupted():
        repair({*names, *recorded(record)})
    packages = known()
    half = [name for name in unfinished(packages) if name in recorded(record)]
    left = sorted({*missing(names, packages), *half, *not_on_disk(record)})
    return install(left, archive, record, offline) if left else (False, "")


def ours(record: Path, kept: list[str], packages: dict[str, Package]) -> list[str]:
    """What we installed and nobody has removed since."""
    there = [name for name in recorded(record) if packages.get(name, Package("not-installed")).state != "not-installed"]
    return [name for name in there if name not in kept]


def freed(candidates: list[str], record: Path) -> list[str]:
    """Those that no other package needs. A package that somebody only suggests is not needed; one that is recommended
    is, by packages that came later than ours.
    """
    command = [*APT, "--option=APT::AutoRemove::SuggestsImportant=false", "--simulate", "--purge", "autoremove"]
    free = planned(run(command), "Remv", "Purg")
    loosely = planned(run([*command, "--option=APT::AutoRemove::RecommendsImportant=false"]), "Remv", "Purg")
    recommended = {name for name in loosely if name in candidates and name not in free}
    later = recommending(recommended) - set(candidates) - set(recorded(others_file(record)))
    return [*free, *(sorted(recommended) if not later else [])]


def purge(candidates: list[str], record: Path) -> list[str]:
    """Remove those that no other package needs; returns them."""
    if interrupted():
        repair(set(candidates))
    packages = known()
    installed = [name for name in candidates if packages[name].state != "config-files"]
    if installed:
        # From now on they are there for others' sake only, and apt says for which ones nobody needs them.
        run(["apt-mark", "auto", *installed])
    free = freed(candidates, record)
    broken = unfinished(packages)
    going = [name for name in candidates if name in free or name in broken or name not in installed]
    if not going:
        return []
    command = [*APT, "--no-auto-remove", "purge", *going]
    taken = set(planned(run([*command, "--simulate"]), "Remv", "Purg")) - set(candidates)
    if taken:
        raise AptError("{} cannot be removed without {}".format(", ".join(going), ", ".join(sorted(taken))))
    run(command)
    return going


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    names, archive, record = module.params["names"], Path(module.params["archive"]), Path(module.params["record"])
    downloaded, why = False, ""
    try:
        packages = known()
        cut = interrupted()
        if module.params["state"] == "present":
            pending = sorted({*missing(names, packages), *not_on_disk(record)})
            if (pending or cut) and not module.check_mode:
                downloaded, why = present(names, archive, record, module.params["offline"])
        else:
            pending = ours(record, names, packages)
            if not module.check_mode:
                pending = purge(pending, record) if pending or cut else []
    except (AptError, OSError, subprocess.TimeoutExpired) as error:
        module.fail_json(msg=str(error))
    if why:
        module.warn(why)
    module.exit_json(changed=bool(pending) or cut, packages=pending, finished=cut, downloaded=downloaded)


if __name__ == "__main__":
    main()
