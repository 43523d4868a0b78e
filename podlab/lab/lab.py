"""A lab as a whole: made, started, stopped, looked at and removed.

Every effect is found again by its name alone (bridge, rules, control groups, mounts), so that what a crashed run left
is adopted by the next create and removed by destroy, with or without the lab's record.
"""

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, fields
from pathlib import Path

from podlab.lab import ssh
from podlab.lab.command import completed
from podlab.lab.errors import LabError
from podlab.lab.host import cgroups, image, kernel, leftovers, machine, network, rootfs
from podlab.lab.lock import locked
from podlab.lab.paths import HostDir, LabDir, StateDir
from podlab.lab.spec import LabHost, LabSpec, check_lab_name, free_subnet, machine_pattern

BOOT_WITHIN_S = 90.0
log = logging.getLogger("podlab.lab")


@dataclass(frozen=True, kw_only=True)
class HostStatus:
    """One host as it is now."""

    host: LabHost
    running: bool
    leader_pid: int | None


class Lab:
    """The lab of one name on this machine, whether or not it exists yet."""

    def __init__(self, name: str = "lab", state: StateDir | None = None) -> None:
        check_lab_name(name)
        self.name = name
        self._state = state or StateDir()

    @property
    def directory(self) -> LabDir:
        return self._state.lab(self.name)

    def create(self, spec: LabSpec) -> LabSpec:
        """Make the lab, or complete and start the one that exists with the same hosts. Returns it with its subnet."""
        base = image.ensure(spec.suite)
        with self._locked():
            known = self._read()
            if known is None:
                self._clear()
                known = self._allot(spec, base)
            _refuse_difference(known, spec)
            self._boot(known, known.hosts)
        return known

    def start(self, hosts: Collection[str] = ()) -> None:
        """Start the named hosts, or all; those that run are left alone. Works after a restart of this machine."""
        with self._locked():
            spec = self.spec()
            self._boot(spec, _chosen(spec, hosts))

    def stop(self, hosts: Collection[str] = (), *, hard: bool = False) -> None:
        """Power off the named hosts, or all, in order; or hard, as if their plug were pulled."""
        end = machine.cut_power if hard else machine.power_off
        with self._locked():
            spec = self.spec()
            _each(_chosen(spec, hosts), lambda host: end(self.name, host.name, self._host(host)))

    def destroy(self) -> None:
        """Remove the lab without a trace; removing what is not there is success."""
        with self._locked():
            self._clear()
            with locked(self._state.lock, "the labs' machine-wide state"):
                self._leave_machine()

    def spec(self) -> LabSpec:
        """The lab's spec; an error when there is no such lab."""
        spec = self._read()
        if spec is None:
            raise LabError(f"there is no lab {self.name!r}: make it with `podlab lab create --lab {self.name}`")
        return spec

    def exists(self) -> bool:
        return self._read() is not None

    def status(self) -> tuple[HostStatus, ...]:
        found = []
        for host in self.spec().hosts:
            leader = machine.observe(self._host(host)).leader
            found.append(HostStatus(host=host, running=leader is not None, leader_pid=leader.pid if leader else None))
        return tuple(found)

    def ssh(self, host: str, argv: Sequence[str] = ()) -> int:
        """Run argv on the host, or a login shell, with this process's input and output; its exit code.

        A single word is a line for the host's shell, as with ssh itself.
        """
        terminal = not argv and sys.stdin.isatty()
        target = self.spec().host(host)
        if not machine.observe(self._host(target)).leader:
            raise LabError(f"host {host} is off: `podlab lab start {host} --lab {self.name}`")
        argv = ["sh", "-c", *argv] if len(argv) == 1 else argv
        return subprocess.run(ssh.command(self.directory, target, argv, terminal=terminal), check=False).returncode

    def run(self, host: str, argv: Sequence[str], *, timeout_s: float = 60.0) -> "subprocess.CompletedProcess[str]":
        """Run argv on the host and return its outcome, whatever it is."""
        return completed(ssh.command(self.directory, self.spec().host(host), argv), timeout_s=timeout_s)

    def _boot(self, spec: LabSpec, hosts: Collection[LabHost]) -> None:
        ssh.make_keys(spec, self.directory)
        with locked(self._state.lock, "the labs' machine-wide state"):
            network.ensure(spec)
            kernel.ensure(self._state)
        base = Path(json.loads(self.directory.record.read_text())["image"])
        _each(hosts, lambda host: self._boot_host(spec, host, base))

    def _boot_host(self, spec: LabSpec, host: LabHost, base: Path) -> None:
        directory = self._host(host)
        running = machine.observe(directory)
        if not running.healthy:
            if running.anything:
                machine.cut_power(self.name, host.name, directory)
            rootfs.mount(spec, host, directory, base)
            rootfs.write_identity(spec, host, self.directory)
            log.info("%s: booting %s (%s)", self.name, host.name, host.address)
            machine.start(self._state.root, self.name, host.name, spec.segment_of(host).bridge, directory)
        machine.wait_until_answers(host, directory, timeout_s=BOOT_WITHIN_S)

    def _allot(self, spec: LabSpec, base: Path) -> LabSpec:
        """Give the lab a subnet and write its record, before anything is made that the record must explain."""
        with locked(self._state.lock, "the labs' machine-wide state"):
            taken = network.networks_in_use() | {known.subnet for known in all_specs(self._state)}
            allotted = spec if spec.subnet else spec.with_subnet(free_subnet(taken))
            self.directory.root.mkdir(parents=True, mode=0o755)
            record = {"spec": allotted.to_json(), "image": str(base)}
            partial = self.directory.record.with_suffix(".partial")
            partial.write_text(json.dumps(record, indent=2) + "\n")
            partial.replace(self.directory.record)
        return allotted

    def _clear(self) -> None:
        """Remove all that bears the lab's name on this machine."""
        for directory in (self.directory.root / "hosts").glob("*"):
            machine.cut_power(self.name, directory.name, HostDir(directory))
        hierarchies = cgroups.mounted()
        for name in cgroups.matching(machine_pattern(self.name), hierarchies):
            cgroups.kill(name, hierarchies)
            cgroups.remove(name, hierarchies)
        network.remove(self.name)
        leftovers.remove_propagated(self.name)
        rootfs.unmount_below(self.directory.root)
        rootfs.remove_tree(self.directory.root)

    def _leave_machine(self) -> None:
        """Forget the lab's lock, and after the last lab also what all labs share."""
        self._state.lab_lock(self.name).unlink(missing_ok=True)
        if any(all_names(self._state)):
            return
        kernel.restore(self._state)
        self._state.lock.unlink(missing_ok=True)
        with suppress(OSError):  # another lab may be in the making: it keeps the directories
            for directory in (self._state.labs, self._state.locks, self._state.root):
                directory.rmdir()

    def _read(self) -> LabSpec | None:
        try:
            record = json.loads(self.directory.record.read_text())["spec"]
        except FileNotFoundError:
            return None
        known = {each.name for each in fields(LabSpec)}  # a lab that another checkout made may have more
        return LabSpec(**{name: value for name, value in record.items() if name in known})

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self._state.lab_lock(self.name), f"lab {self.name}")

    def _host(self, host: LabHost) -> HostDir:
        return self.directory.host(host.name)


def all_names(state: StateDir | None = None) -> tuple[str, ...]:
    """Every lab on this machine."""
    labs = (state or StateDir()).labs
    return tuple(sorted(entry.name for entry in labs.iterdir())) if labs.is_dir() else ()


def all_specs(state: StateDir | None = None) -> tuple[LabSpec, ...]:
    """The labs that have a record; a directory without one is a leftover."""
    labs = [Lab(name, state) for name in all_names(state)]
    return tuple(lab.spec() for lab in labs if lab.exists())


def _chosen(spec: LabSpec, names: Collection[str]) -> tuple[LabHost, ...]:
    return tuple(spec.host(name) for name in names) if names else spec.hosts


def _each(hosts: Collection[LabHost], act: Callable[[LabHost], None]) -> None:
    """Do something to all hosts at once; all are finished before the first error is raised."""
    with ThreadPoolExecutor(max_workers=max(1, len(hosts))) as pool:
        for outcome in [pool.submit(act, host) for host in hosts]:
            outcome.result()


def _refuse_difference(known: LabSpec, asked: LabSpec) -> None:
    if (known.masters, known.nodes, known.segments) != (asked.masters, asked.nodes, asked.segments):
        raise LabError(
            f"lab {known.name!r} exists with {_amounts(known)}, not with {_amounts(asked)}: "
            f"`podlab lab destroy --lab {known.name}` first"
        )
    if (known.suite, known.isolated) != (asked.suite, asked.isolated):
        raise LabError(
            f"lab {known.name!r} exists {_kind(known)}, not {_kind(asked)}: "
            f"`podlab lab destroy --lab {known.name}` first"
        )
    if asked.subnet and asked.subnet != known.subnet:
        raise LabError(f"lab {known.name!r} exists in {known.subnet}, not {asked.subnet}: destroy it first")


def _amounts(spec: LabSpec) -> str:
    return f"{spec.masters} masters and {spec.nodes} nodes on {spec.segments} segments"


def _kind(spec: LabSpec) -> str:
    return f"of {spec.suite} {'without' if spec.isolated else 'with'} a way out"
