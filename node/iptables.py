"""The only module that runs iptables: it reads our chains and changes them to those that are wanted.

A ruleset has only our chains (names that begin with PODLAB-) and the jumps to them from the kernel's built-in chains.
The rest of a table belongs to other programs and is left alone.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from node.command import CommandError, NotInstalled, output
from node.family import FAMILIES, IPV4, IPV6, Family

PREFIX = "PODLAB-"
LOCK_WAIT_S = 10
HAS_IPV6 = Path("/proc/net/if_inet6")  # unless the kernel was started without
# What follows the command's name in each.
BACKENDS = {"auto": "", "nft": "-nft", "legacy": "-legacy"}
# How `iptables --version` names its backend.
VERSION_NAMES = {"(nf_tables)": "nft", "(legacy)": "legacy"}

# chain -> its rules, each as behind `-A CHAIN`
Chains = Mapping[str, tuple[str, ...]]


class IptablesError(CommandError):
    """No backend of iptables, or one that is not known."""


@dataclass(frozen=True)
class Table:
    """Our part of one table. `jumps` are (built-in chain, rule) pairs, put before all other rules in this order.

    With `jumps_last` they are put behind the others, so that refusals come first.
    """

    chains: Chains = field(default_factory=dict)
    jumps: tuple[tuple[str, str], ...] = ()
    jumps_last: bool = False


# table name -> our part of it
Ruleset = Mapping[str, Table]


def parse(saved: str, prefix: str = PREFIX) -> dict[str, Table]:
    """Our part of what iptables-save printed: the chains whose names begin with the prefix, and the jumps to them."""
    chains: dict[str, dict[str, list[str]]] = {}
    jumps: dict[str, list[tuple[str, str]]] = {}
    table = ""
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
            chains[table], jumps[table] = {}, []
        elif line.startswith(f":{prefix}"):
            chains[table].setdefault(line[1:].split(" ", 1)[0], [])
        elif line.startswith("-A "):
            _, chain, rule = line.split(" ", 2)
            if chain.startswith(prefix):
                chains[table].setdefault(chain, []).append(rule)
            elif _target(rule).startswith(prefix):
                jumps[table].append((chain, rule))
    return {
        name: Table({chain: tuple(rules) for chain, rules in found.items()}, tuple(jumps[name]))
        for name, found in chains.items()
        if found or jumps[name]
    }


def _target(rule: str) -> str:
    words = shlex.split(rule)
    return words[words.index("-j") + 1] if "-j" in words else ""


def restore_input(current: Ruleset, wanted: Ruleset) -> str:
    """The input of iptables-restore --noflush that changes `current` to `wanted`; empty when they are the same.

    Only chains that differ are written. A chain is emptied before a chain that it jumps to is deleted.
    """
    parts: list[str] = []
    for name in sorted({*current, *wanted}):
        lines = _table_lines(current.get(name, Table()), wanted.get(name, Table()))
        if lines:
            parts.append("\n".join([f"*{name}", *lines, "COMMIT"]) + "\n")
    return "".join(parts)


def _table_lines(current: Table, wanted: Table) -> list[str]:
    changed = [chain for chain, rules in wanted.chains.items() if current.chains.get(chain) != rules]
    gone = [chain for chain in current.chains if chain not in wanted.chains]
    declared = [f":{chain} - [0:0]" for chain in (*changed, *gone)]
    rules = [f"-A {chain} {rule}" for chain in changed for rule in wanted.chains[chain]]
    jumps: list[str] = []
    if set(current.jumps) != set(wanted.jumps):
        jumps = [f"-D {chain} {rule}" for chain, rule in current.jumps]
        if wanted.jumps_last:
            jumps += [f"-A {chain} {rule}" for chain, rule in wanted.jumps]
        else:  # each is put in front, so the last of them goes first
            jumps += [f"-I {chain} 1 {rule}" for chain, rule in reversed(wanted.jumps)]
    return [*declared, *rules, *jumps, *(f"-X {chain}" for chain in gone)]


class Iptables:
    """Saves and restores the rules of one family in one backend: `auto` (the system's own), `nft` or `legacy`."""

    def __init__(self, backend: str = "auto", family: Family = IPV4) -> None:
        if backend not in BACKENDS:
            raise IptablesError(f"backend: {backend!r} is not known; use one of {', '.join(BACKENDS)}")
        self._backend = backend
        self._family = family
        self._command = family.iptables + BACKENDS[backend]

    async def read(self, prefix: str = PREFIX) -> dict[str, Table]:
        """The present chains whose names begin with `prefix`, and the jumps to them. Raises CommandError."""
        return parse(await self.save(), prefix)

    async def save(self, *, counters: bool = False) -> str:
        """All rules of all programs, as iptables-save prints them. Raises CommandError."""
        return await self._run([f"{self._command}-save", *(["-c"] if counters else [])])

    async def restore(self, text: str) -> None:
        """Applies all of it or, for each table, nothing. Raises CommandError."""
        if text:
            await self._run([f"{self._command}-restore", "--noflush", "--wait", str(LOCK_WAIT_S)], text)

    async def apply(self, wanted: Ruleset, prefix: str) -> bool:
        """Changes the chains of that prefix to the wanted ones; True when something had to change."""
        text = restore_input(await self.read(prefix), wanted)
        await self.restore(text)
        return bool(text)

    async def clean_up(self, prefix: str = PREFIX) -> bool:
        """Removes every chain of that prefix and the jumps to them; True when there was one."""
        return await self.apply({}, prefix)

    async def clean_up_others(self, prefix: str) -> list[str]:
        """Does so in all other backends; returns those that had chains of that prefix."""
        own = await self.resolve()
        others = [name for name in BACKENDS if name not in ("auto", own)]
        return [name for name in others if await _clean_up_if_installed(name, self._family, prefix)]

    async def resolve(self) -> str:
        """The backend's own name, when it is `auto`. Raises CommandError."""
        if self._backend != "auto":
            return self._backend
        words = (await self._run([self._command, "--version"])).split()
        found = VERSION_NAMES.get(words[-1] if words else "")
        if found is None:
            raise IptablesError(f"{self._command} --version: neither nf_tables nor legacy: {' '.join(words)}")
        return found

    async def _run(self, command: Sequence[str], stdin: str = "") -> str:
        return await output(command, stdin, package="iptables")


async def clean_up_everywhere(prefix: str = PREFIX, families: Iterable[Family] = FAMILIES) -> list[str]:
    """Removes chains of that prefix from each installed backend; returns those that had any. Raises CommandError."""
    pairs = [(name, family) for name in BACKENDS if name != "auto" for family in families]
    found = [name for name, family in pairs if await _clean_up_if_installed(name, family, prefix)]
    return list(dict.fromkeys(found))


async def _clean_up_if_installed(backend: str, family: Family, prefix: str) -> bool:
    if family is IPV6 and not await asyncio.to_thread(HAS_IPV6.exists):
        return False  # its legacy command cannot even ask
    try:
        return await Iptables(backend, family).clean_up(prefix)
    except NotInstalled:
        return False
