"""Rotates containers' logs, so that they do not grow without bound."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from node.kubelet.cri.runtime import Runtime, RuntimeFailure
from node.kubelet.logs import log_files

log = logging.getLogger(__name__)

PERIOD_S = 10.0


async def run(runtime: Runtime) -> None:
    """Rotates, for ever."""
    while True:
        await asyncio.sleep(PERIOD_S)
        try:
            for pod in (await runtime.pods()).values():
                for container in pod.alive:
                    if container.log_path and log_files.rotate(Path(container.log_path)):
                        await runtime.reopen_log(container.id)
        except (RuntimeFailure, OSError) as error:
            log.warning("logs cannot be rotated: %s", error)
