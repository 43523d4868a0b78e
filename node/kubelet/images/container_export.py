"""A container's file system as a tar, as `docker export` gives it: image and what was written, without what is mounted.

https://docs.docker.com/reference/cli/docker/container/export/
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator
from pathlib import Path

from node.kubelet.cri.runtime import ShownImage
from node.kubelet.images.ctr import CHUNK_BYTES
from node.kubelet.volume import mounter

# tar's own code for files that changed while it read them.
_CHANGED = 1
# Names as containers know them, with neither the host's users nor a leading point.
_TAR = ("tar", "--create", "--numeric-owner", "--xattrs", "--warning=none", "--transform=flags=r;s,^\\./,,", "--file=-")


class ContainerExport:
    """Files are shown below `directory` for as long as somebody reads them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def remove_leftovers(self) -> None:
        """What a kubelet that was killed had shown. Raises MountError, OSError."""
        mounter.unmount_below(self._directory)
        shutil.rmtree(self._directory, ignore_errors=True)

    async def read(self, files: ShownImage) -> AsyncGenerator[bytes, None]:
        """The tar. Raises MountError, OSError."""
        await asyncio.to_thread(self._directory.mkdir, mode=0o700, exist_ok=True)
        place = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self._directory))
        try:
            await asyncio.to_thread(mounter.read_only, place, files.kind, files.source, files.options)
            # Who stops reading ends tar before its files go.
            async with contextlib.aclosing(_tar(place)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            await asyncio.shield(asyncio.to_thread(_take_down, place))


async def _tar(place: Path) -> AsyncGenerator[bytes, None]:
    process = await asyncio.create_subprocess_exec(
        *_TAR, f"--directory={place}", ".", stdin=DEVNULL, stdout=PIPE, stderr=PIPE, limit=CHUNK_BYTES
    )
    assert process.stdout is not None
    assert process.stderr is not None
    complaints = asyncio.create_task(process.stderr.read())
    try:
        while chunk := await process.stdout.read(CHUNK_BYTES):
            yield chunk
        if await process.wait() not in (0, _CHANGED):
            raise OSError((await complaints).decode(errors="replace").strip())
    finally:
        complaints.cancel()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _take_down(place: Path) -> None:
    mounter.unmount_below(place)
    place.rmdir()
