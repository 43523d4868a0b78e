"""The node's DNS servers, as the agent sees them: two files that both read, and sockets on which they are told to.

There are two, which share the port: while one starts again, the other answers.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from node.dns import journal

RECORDS, CONFIG = "records", "config"
CONTROLS = ("control", "control-2")
"""Of the units podlab-resolver and podlab-resolver-2."""
TIMEOUT_S = 5.0
# When more lines than this are there for each name that exists, the file is written anew.
WASTE = 2
WASTE_LEAST_BYTES = 1 << 20
_FIGURE = re.compile(r"(\w+)=(\d+)")


log = logging.getLogger(__name__)


class ServerError(Exception):
    """A DNS server did not do as told; the message says what, and what it answered."""


class DnsServer:
    """What it is told survives its own restarts, and the agent's: it is in the files first.

    A file of records is only ever added to, so that a server that stops anywhere reads on from there.
    """

    def __init__(self, directory: Path, *, waste_least_bytes: int = WASTE_LEAST_BYTES) -> None:
        self._directory = directory
        self._waste_least_bytes = waste_least_bytes
        self._present: dict[str, str] | None = None  # by name's digits; None: the file has not been read, or is damaged
        self._config = ""
        self._size_bytes = 0

    @property
    def is_known(self) -> bool:
        """Whether it is certain what the files hold; `write_all` makes it so."""
        return self._present is not None

    def load(self) -> None:
        """Reads what an earlier run has written. What is damaged counts for nothing. Raises OSError."""
        path = self._directory / RECORDS
        try:
            text = path.read_text()
            self._present = journal.replay(text)
            self._size_bytes = len(text)
        except FileNotFoundError:
            self._present = None
        except (journal.Damaged, UnicodeDecodeError) as error:
            log.error("%s: %s; it is written anew", path, error)
            self._present = None

    def write_all(self, wanted: Mapping[str, str], config: str) -> int:
        """Makes the files hold these names, by their digits, and this configuration; how many names were different.

        Raises OSError.
        """
        if self._present is None:
            self.load()
        lines = list(journal.difference(self._present or {}, wanted))
        is_whole, self._present = self._present is not None, dict(wanted)
        if is_whole:
            self._append(lines)
        else:  # at once, for a server that starts now must not take a part of it for all
            self._rewrite()
        self.write_config(config)
        return len(lines)

    def write(self, lines: Iterable[str]) -> None:
        """Adds lines to what `is_known`. Raises OSError."""
        assert self._present is not None, "write_all comes first"
        added = list(lines)
        for each in added:
            sign, name, *_ = each.split(" ")
            if sign == "+":
                self._present[name] = each
            else:
                self._present.pop(name, None)
        self._append(added)

    def _append(self, lines: list[str]) -> None:
        if not lines:
            return
        text = "".join(f"{each}\n" for each in lines)
        try:
            with (self._directory / RECORDS).open("a") as file:
                file.write(text)
        except OSError:
            self._present = None  # part of it may be there: the file is read again
            raise
        self._size_bytes += len(text)

    def write_config(self, config: str) -> bool:
        """Replaces the configuration: whether it was another one. Raises OSError."""
        if config == self._config:
            return False
        _replace(self._directory / CONFIG, config)
        self._config = config
        return True

    def _rewrite(self) -> None:
        lines = (f"{journal.FIRST}{secrets.token_hex(8)}", *(self._present or {}).values())
        text = "".join(f"{each}\n" for each in lines)
        _replace(self._directory / RECORDS, text)
        self._size_bytes = len(text)

    async def tell(self) -> bool:
        """Has the servers read what was added, and waits until they have; whether both did.

        One that does not run reads all when it starts. Raises ServerError when none did, or one found damage.
        """
        told = await asyncio.gather(*(self._told(each) for each in CONTROLS))
        missing = [why for why in told if why]
        if len(missing) == len(CONTROLS):
            raise ServerError("; ".join(missing))
        return not missing

    async def _told(self, control: str) -> str:
        """Empty, or why it could not be told. Raises ServerError when the server refuses what it read."""
        path, command = self._directory / control, "podlab.follow()"
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await _command(path, command)
        except TimeoutError:
            return f"{path}: no answer to {command} within {TIMEOUT_S:.0f} s"
        except (OSError, asyncio.IncompleteReadError) as error:
            return f"{path}: {command}: {error}; does its podlab-resolver run?"
        if not answer.isdecimal():
            self._present = None  # what it has read may be damaged
            raise ServerError(f"{path}: {command}: {answer}")
        return ""

    async def figures(self) -> Counter[str]:
        """How many questions the servers that run were asked since they started, by what became of them."""
        found: Counter[str] = Counter()
        for control in CONTROLS:
            with suppress(TimeoutError, OSError, asyncio.IncompleteReadError):  # it starts, or has ended
                async with asyncio.timeout(TIMEOUT_S):
                    answer = await _command(self._directory / control, "podlab.figures()")
                found.update({what: int(number) for what, number in _FIGURE.findall(answer)})
        return found

    def shorten(self) -> bool:
        """Writes the file anew where most of its lines are no longer true: whether it did. Raises OSError."""
        needed = sum(len(each) + 1 for each in (self._present or {}).values())
        if self._size_bytes < self._waste_least_bytes or self._size_bytes < WASTE * needed:
            return False
        self._rewrite()
        return True


async def _command(path: Path, command: str) -> str:
    """One command on a control socket, and its answer. Raises OSError, IncompleteReadError."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        await reader.readuntil(b"> ")
        writer.write(f"{command}\n".encode())
        return (await reader.readuntil(b"> ")).decode().removesuffix("> ").strip()
    finally:
        writer.close()


def _replace(path: Path, text: str) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    os.replace(temporary, path)
