"""Imports image archives with containerd's own command: CRI has no call for it."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator

from podlab.errors import BadRequest

COMMAND = ("ctr", "--namespace", "k8s.io", "images", "import", "-")
# `ctr` prints one such line for each image.
_MARK = "unpacking "
TIMEOUT_S = 600.0


async def import_archive(chunks: AsyncIterator[bytes]) -> list[str]:
    """The names of the images in the archive. Raises BadRequest with containerd's message."""
    process = await asyncio.create_subprocess_exec(*COMMAND, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    output = asyncio.gather(process.stdout.read(), process.stderr.read())
    try:
        async with asyncio.timeout(TIMEOUT_S):
            # A command that refuses the archive stops reading. Its output says why.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                async for chunk in chunks:
                    process.stdin.write(chunk)
                    await process.stdin.drain()
            process.stdin.close()
            stdout, stderr = await output
            code = await process.wait()
    except TimeoutError as error:
        raise BadRequest(f"the archive was not imported within {TIMEOUT_S:.0f} s") from error
    finally:
        output.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code != 0:
        raise BadRequest(f"the archive cannot be imported: {stderr.decode(errors='replace').strip()}")
    lines = stdout.decode(errors="replace").splitlines()
    return [line.removeprefix(_MARK).partition(" ")[0] for line in lines if line.startswith(_MARK)]
