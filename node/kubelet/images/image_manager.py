"""Pulls images: one pull at a time for each image, with a back-off after failures."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from node.kubelet.cri.runtime import Image, RegistryCredentials, Runtime, RuntimeFailure
from node.kubelet.pod import restart_backoff
from node.kubelet.pod.pod_notes import FOREVER, BlockedStart
from podlab.api.values import imagenames

log = logging.getLogger(__name__)

# How long a pod shows ErrImagePull, before ImagePullBackOff.
SHOW_ERROR_S = 3.0


@dataclass(frozen=True)
class ImageEvent:
    """An Event about an image."""

    type: str
    reason: str
    message: str


RecordImageEvent = Callable[[ImageEvent], None]


@dataclass
class _Pull:
    """`waiting` are called when the pull ended."""

    task: asyncio.Task[None] | None = None
    error: str = ""
    delay_s: int = 0
    failed_at: float = 0.0
    retry_at: float = 0.0
    took_s: float = 0.0
    waiting: list[Callable[[], None]] = field(default_factory=list)


_PullKey = tuple[str, Sequence[RegistryCredentials]]
"""An image and the credentials for it: pulls with other credentials fail apart from each other."""


class ImageManager:
    """`ensure_image` never waits for a pull: it starts one, and says why the image is not there yet."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._pulls: dict[_PullKey, _Pull] = {}

    async def ensure_image(
        self,
        name: str,
        policy: str,
        credentials: Sequence[RegistryCredentials],
        *,
        retry: Callable[[], None],
        record: RecordImageEvent,
    ) -> Image | BlockedStart:
        """The image, or why it is not there yet. `retry` is called when the pull ended.

        Credentials are tried in order until the registry accepts one. Without any, the pull is anonymous.
        """
        if not imagenames.is_reference(name):
            message = (
                f'Failed to apply default image tag "{name}": couldn\'t parse image name: invalid reference format'
            )
            record(ImageEvent("Warning", "InspectFailed", message))
            return BlockedStart("InvalidImageName", message, time.time() + restart_backoff.FIRST_S)
        key = (name, tuple(credentials))
        pull = self._pulls.get(key)
        present = await self._runtime.image(name)
        if pull is not None and pull.task is not None:
            pull.waiting.append(retry)
            return BlockedStart("ContainerCreating", "", FOREVER)
        if pull is not None and not pull.error:
            del self._pulls[key]
            if present is not None:
                record(ImageEvent("Normal", "Pulled", f'Successfully pulled image "{name}" in {pull.took_s:.3f}s'))
                return present
        if present is not None and policy != "Always":
            record(ImageEvent("Normal", "Pulled", f'Container image "{name}" already present on machine'))
            return present
        if policy == "Never":
            message = f'Container image "{name}" is not present with pull policy of Never'
            record(ImageEvent("Warning", "ErrImageNeverPull", message))
            return BlockedStart("ErrImageNeverPull", message, time.time() + restart_backoff.FIRST_S)
        return self._start_pull(key, retry, record)

    def _start_pull(self, key: _PullKey, retry: Callable[[], None], record: RecordImageEvent) -> BlockedStart:
        pull, name = self._pulls.setdefault(key, _Pull()), key[0]
        now = time.time()
        if pull.retry_at > now and now < pull.failed_at + SHOW_ERROR_S:
            record(ImageEvent("Warning", "Failed", "Error: ErrImagePull"))
            return BlockedStart("ErrImagePull", pull.error, min(pull.retry_at, pull.failed_at + SHOW_ERROR_S))
        if pull.retry_at > now:
            message = f'Back-off pulling image "{name}": ErrImagePull: {pull.error}'
            record(ImageEvent("Normal", "BackOff", f'Back-off pulling image "{name}"'))
            record(ImageEvent("Warning", "Failed", "Error: ImagePullBackOff"))
            return BlockedStart("ImagePullBackOff", message, pull.retry_at)
        record(ImageEvent("Normal", "Pulling", f'Pulling image "{name}"'))
        pull.waiting.append(retry)
        pull.task = asyncio.create_task(self._pull(key, pull, record))
        return BlockedStart("ContainerCreating", "", FOREVER)

    async def _pull(self, key: _PullKey, pull: _Pull, record: RecordImageEvent) -> None:
        began, name = time.monotonic(), key[0]
        try:
            await self._try_credentials(key)
            pull.error, pull.delay_s = "", 0
        except RuntimeFailure as error:
            pull.error, pull.failed_at = str(error), time.time()
            pull.delay_s = restart_backoff.longer_s(pull.delay_s)
            record(ImageEvent("Warning", "Failed", f'Failed to pull image "{name}": {error}'))
        finally:
            pull.took_s = time.monotonic() - began
            pull.retry_at = time.time() + pull.delay_s
            pull.task = None
            waiting, pull.waiting = pull.waiting, []
            for retry in waiting:
                retry()

    async def _try_credentials(self, key: _PullKey) -> None:
        name, known = key
        for credentials in known[:-1]:
            try:
                await self._runtime.pull(name, credentials)
            except RuntimeFailure as error:
                log.debug("pulling %s as %s failed: %s", name, credentials.username, error)
            else:
                return
        await self._runtime.pull(name, known[-1] if known else None)
