"""The loop that removes unused images when their filesystem fills up; what goes is decided in `image_garbage.py`."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Collection

from node.kubelet.cri.runtime import Runtime, RuntimeFailure, RuntimeUnavailable
from node.kubelet.images import image_garbage
from node.kubelet.images.image_garbage import Records
from node.kubelet.settings import ImageGcSettings

log = logging.getLogger(__name__)

PERIOD_S = 300.0


class ImageCollector:
    """`used` gives the names of the images that pods of this node mean to use; those of containers are known anyway."""

    def __init__(
        self,
        runtime: Runtime,
        settings: ImageGcSettings,
        used: Callable[[], Collection[str]],
        tell: Callable[[str, str, str], None],
        count: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`tell` records an Event of the node: type, reason, message. `count` counts an image that goes."""
        self._runtime = runtime
        self._settings = settings
        self._used = used
        self._tell = tell
        self._count = count
        self._records: Records = {}
        self._one = asyncio.Lock()

    async def run(self, period_s: float = PERIOD_S) -> None:
        while True:
            try:
                await self.collect()
            except RuntimeUnavailable as error:
                log.debug("unused images are not looked for: %s", error)  # PodWorkers logs it once
            except (RuntimeFailure, OSError) as error:
                log.warning("unused images cannot be removed: %s", error)
                self._tell("Warning", "ImageGCFailed", str(error))
            await asyncio.sleep(period_s)

    async def collect(self) -> None:
        """Removes unused images if their filesystem is too full. Raises OSError, RuntimeFailure."""
        async with self._one:
            now = await self._detect()
            status = os.statvfs(await self._runtime.image_directory())
            capacity, available = status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize
            if not capacity:
                self._tell("Warning", "InvalidDiskCapacity", image_garbage.INVALID_CAPACITY)
                return
            wanted = image_garbage.bytes_to_free(self._settings, available, capacity)
            if wanted:
                freed = await self._free(now, wanted)
                if freed < wanted:
                    message = image_garbage.too_few(wanted, freed)
                    log.warning("%s", message)
                    self._tell("Warning", "FreeDiskSpaceFailed", message)

    async def remove_unused(self) -> None:
        """All that are old enough. Raises RuntimeFailure."""
        async with self._one:
            await self._free(await self._detect(), None)

    async def _detect(self) -> float:
        """Looks which images are there and in use; when, in seconds of a monotonic clock."""
        used = set(self._used())
        used.add(await self._runtime.sandbox_image())
        for pod in (await self._runtime.pods()).values():
            for container in pod.containers:
                used |= {container.image, container.image_id}
        now = time.monotonic()
        self._records = image_garbage.updated(self._records, await self._runtime.images(), used, now)
        return now

    async def _free(self, looked_at: float, wanted_bytes: int | None) -> int:
        """How many bytes the images had that were removed; all unused ones go when nothing is said."""
        freed = 0
        for image in image_garbage.unused(self._records, looked_at, self._settings.minimum_age_s):
            if wanted_bytes is not None and freed >= wanted_bytes:
                break
            log.info("unused image %s is removed: %d bytes", ", ".join(image.names) or image.id, image.size_bytes)
            await self._runtime.remove_image(image.id)
            self._count("space")
            freed += image.size_bytes
        return freed
