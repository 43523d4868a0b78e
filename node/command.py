"""Runs another program to its end: what it is told on standard input, what it answers, how long it may take."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence

TIMEOUT_S = 120.0


class CommandError(Exception):
    """The program failed; the message has the command and its output."""


class NotInstalled(CommandError):
    """The program is not on this host."""


async def output(command: Sequence[str], stdin: str = "", *, package: str, timeout_s: float = TIMEOUT_S) -> str:
    """What the command prints; it ends with whoever waits for it. Raises CommandError; NotInstalled names the package
    that brings it."""
    # A file and not a pipe: writing to a command that ends early must not fail.
    with tempfile.TemporaryFile() as stdin_file:
        stdin_file.write(stdin.encode())
        stdin_file.seek(0)
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=stdin_file, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )
        except FileNotFoundError as error:
            raise NotInstalled(f"{command[0]}: not found; install the {package} package") from error
    try:
        stdout, stderr = await asyncio.wait_for(process.communicate(), timeout_s)
    except TimeoutError as error:
        raise CommandError(f"{command[0]}: no answer within {timeout_s:.0f} s") from error
    finally:
        if process.returncode is None:  # it took too long, or whoever asked for it is told to stop
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise CommandError(f"{' '.join(command)}: exit {process.returncode}: {stderr.decode().strip()}")
    return stdout.decode()
