"""containerd's own command, for what CRI has no call for: archives, names and pushes."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, AsyncIterator

CHUNK_BYTES = 1024 * 1024
# Of a whole command, whatever it transfers.
TIMEOUT_S = 1800.0


class CtrError(Exception):
    """The command failed, or took too long; the message is containerd's."""


class Ctr:
    """`ctr` on the containerd of an endpoint, in the namespace of what CRI made."""

    def __init__(self, endpoint: str) -> None:
        self._command = ("ctr", "--address", endpoint.removeprefix("unix://"), "--namespace", "k8s.io")

    async def run(self, *arguments: str, chunks: AsyncIterator[bytes] | None = None) -> str:
        """What the command prints. `chunks` are its input. Raises CtrError."""
        process = await asyncio.create_subprocess_exec(
            *self._command, *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=CHUNK_BYTES
        )
        assert process.stdout is not None
        assert process.stderr is not None
        output = asyncio.gather(process.stdout.read(), process.stderr.read())
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await _feed(process, chunks)
                stdout, stderr = await output
                code = await process.wait()
        except TimeoutError as error:
            raise CtrError(f"`ctr {' '.join(arguments[:2])}` did not end within {TIMEOUT_S:.0f} s") from error
        finally:
            output.cancel()
            await _end(process)
        if code != 0:
            raise CtrError(_reason(stderr))
        return stdout.decode(errors="replace")

    async def read(self, *arguments: str) -> AsyncGenerator[bytes, None]:
        """The command's output as it comes. Raises CtrError, also after a part of it."""
        process = await asyncio.create_subprocess_exec(
            *self._command, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=PIPE, limit=CHUNK_BYTES
        )
        assert process.stdout is not None
        assert process.stderr is not None
        complaints = asyncio.create_task(process.stderr.read())
        try:
            while chunk := await process.stdout.read(CHUNK_BYTES):
                yield chunk
            if await process.wait() != 0:
                raise CtrError(_reason(await complaints))
        finally:
            complaints.cancel()
            await _end(process)


async def _feed(process: asyncio.subprocess.Process, chunks: AsyncIterator[bytes] | None) -> None:
    assert process.stdin is not None
    # A command that refuses its input stops reading. Its output says why.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        if chunks is not None:
            async for chunk in chunks:
                process.stdin.write(chunk)
                await process.stdin.drain()
    process.stdin.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def _reason(stderr: bytes) -> str:
    """containerd's log lines stand before the command's own last word."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("ctr: ") if lines else "it said nothing"
