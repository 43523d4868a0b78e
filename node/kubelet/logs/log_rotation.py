"""Rotates containers' logs, so that they do not grow without bound."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from node.kubelet.cri.runtime import Runtime, RuntimeFailure, RuntimeUnavailable
from node.kubelet.logs import log_files
from node.kubelet.settings import LogSettings
from podlab.api.values import quantity
from podlab.settings import SettingsError

log = logging.getLogger(__name__)

PERIOD_S = 10.0
# The present file and one that was rotated.
MIN_FILES = 2


class LogRotation:
    """`run` for ever."""

    def __init__(self, runtime: Runtime, settings: LogSettings) -> None:
        """Raises SettingsError."""
        try:
            self._max_bytes = quantity.value(settings.max_size)
        except ValueError as error:
            raise SettingsError(f"logs.max_size: {error}") from error
        if self._max_bytes <= 0:
            raise SettingsError(f"logs.max_size: {settings.max_size!r} is not above 0")
        if settings.max_files < MIN_FILES:
            raise SettingsError(f"logs.max_files: {settings.max_files} is less than {MIN_FILES}")
        self._max_files = settings.max_files
        self._runtime = runtime

    async def run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD_S)
            try:
                await self.rotate()
            except RuntimeUnavailable as error:
                log.debug("logs are not rotated: %s", error)  # PodWorkers logs it once

    async def rotate(self) -> None:
        """One look at all logs; one that cannot be rotated keeps no other from it. Raises RuntimeUnavailable."""
        for pod in (await self._runtime.pods()).values():
            for container in pod.alive:
                try:
                    await self._rotate(container.id, Path(container.log_path))
                except RuntimeUnavailable:
                    raise
                except (RuntimeFailure, OSError) as error:
                    log.warning("the log of %s/%s %s: %s", pod.namespace, pod.name, container.name, error)

    async def _rotate(self, container_id: str, path: Path) -> None:
        if path.name and log_files.rotate(path, self._max_bytes, self._max_files):
            await self._runtime.reopen_log(container_id)
