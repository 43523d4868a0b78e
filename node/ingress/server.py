"""HAProxy of the node, as the agent sees it: a folder that it reads, and the socket of its master process."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from node import command
from node.ingress import config, slots
from node.ingress.slots import Slot

CURRENT, SOCKET = "current", "master.sock"
_GENERATION = "g-"
ANSWER_WITHIN_S = 5.0
RELOADED_WITHIN_S = 20.0
_POLL_S = 0.02
# A connection's commands must fit into one of HAProxy's buffers, of 16 KiB.
_COMMANDS_AT_ONCE = 100


class ServerError(Exception):
    """HAProxy did not do as told; the message says what, and what it answered."""


@dataclass(frozen=True)
class Worker:
    """A process that serves; one that is not `newest` only ends what it has begun."""

    pid: int
    newest: bool


class Server:
    """A generation is a folder that is named after what is in it; `current` leads to the one in use."""

    def __init__(self, directory: Path, haproxy: Path) -> None:
        self.directory = directory
        self._haproxy = haproxy

    def folder(self, generation: str) -> Path:
        return self.directory / f"{_GENERATION}{generation}"

    def write(self, generation: str, files: Mapping[str, bytes]) -> None:
        """Makes the generation's folder hold these files, which only this user can read. Raises OSError."""
        folder = self.folder(generation)
        folder.mkdir(mode=0o700, exist_ok=True)
        for name, content in files.items():
            partial = folder / f".{name}"
            partial.touch(mode=0o600)
            partial.write_bytes(content)
            partial.replace(folder / name)

    def switch(self, generation: str) -> None:
        """What HAProxy reads from its next start on; older generations go, but for the last. Raises OSError."""
        link = self.directory / CURRENT
        before = os.readlink(link) if link.is_symlink() else ""
        partial = self.directory / f".{CURRENT}"
        partial.unlink(missing_ok=True)
        partial.symlink_to(self.folder(generation).name)
        partial.replace(link)
        for old in self.directory.glob(f"{_GENERATION}*"):
            if old.name not in (before, self.folder(generation).name):
                shutil.rmtree(old)

    async def check(self, generation: str) -> None:
        """Raises CommandError with what HAProxy finds wrong."""
        file = self.folder(generation) / config.CONFIG
        await command.output([str(self._haproxy), "-c", "-f", str(file)], package="haproxy")

    async def workers(self) -> list[Worker]:
        """Raises ServerError."""
        found: list[Worker] = []
        newest = True
        for line in (await self.ask("show proc")).splitlines():
            newest = newest and line != "# old workers"
            columns = line.split()
            if columns[1:2] == ["worker"]:
                found.append(Worker(int(columns[0]), newest))
        return found

    async def running(self, worker: Worker) -> str:
        """The generation that a process has begun with. Raises ServerError."""
        lines = (await self.ask("show info", worker)).splitlines()
        return next((line.partition(": ")[2] for line in lines if line.startswith("description: ")), "")

    async def slots(self, worker: Worker) -> dict[str, list[Slot]]:
        """Raises ServerError."""
        return slots.read(await self.ask("show servers state", worker))

    async def tell(self, worker: Worker, commands: Sequence[str]) -> None:
        """Raises ServerError with the answer that is none of a command that was carried out."""
        for first in range(0, len(commands), _COMMANDS_AT_ONCE):
            answer = await self._ask(_lines(worker, commands[first : first + _COMMANDS_AT_ONCE]))
            wrong = [line for line in answer.splitlines() if line.strip() and not _expected(line)]
            if wrong:
                raise ServerError(f"HAProxy {worker.pid} answered {wrong[0]!r}")

    async def reload(self, generation: str) -> None:
        """Has a process with the current generation take over; connections stay. Raises ServerError."""
        await self.ask("reload")
        told = ""
        try:
            async with asyncio.timeout(RELOADED_WITHIN_S):
                while told != generation:
                    await asyncio.sleep(_POLL_S)
                    told = await self._newest()
        except TimeoutError:
            raise ServerError(f"HAProxy has not begun {generation} in {RELOADED_WITHIN_S:.0f} s, but {told}") from None

    async def _newest(self) -> str:
        """While its master starts anew there is nobody to ask."""
        try:
            newest = [each for each in await self.workers() if each.newest]
            return await self.running(newest[0]) if newest else "no process"
        except ServerError as error:
            return str(error)

    async def ask(self, request: str, worker: Worker | None = None) -> str:
        """The master's answer, or a worker's. Raises ServerError."""
        return await self._ask(_lines(worker, [request]) if worker else f"{request}\n")

    async def _ask(self, lines: str) -> str:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                reader, writer = await self._connected()
                try:
                    writer.write(lines.encode())
                    writer.write_eof()
                    return (await reader.read()).decode()
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            where = self.directory / SOCKET
            raise ServerError(f"HAProxy does not answer at {where}: {error or 'too late'}") from error

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Its master starts anew with each configuration, and is not there for a moment."""
        while True:
            try:
                return await asyncio.open_unix_connection(self.directory / SOCKET)
            except ConnectionRefusedError:
                await asyncio.sleep(_POLL_S)


def _lines(worker: Worker, commands: Sequence[str]) -> str:
    return "".join(f"@!{worker.pid} {each}\n" for each in commands)


def _expected(line: str) -> bool:
    """What `set server ... addr` says of what it did."""
    return "changed from" in line or line.startswith("no need to change") or "nothing changed" in line
