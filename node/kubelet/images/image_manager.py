"""Pulls images: one pull at a time for each image, with a back-off after failures."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from node.kubelet.cri.runtime import Image, RegistryCredentials, Runtime, RuntimeFailure
from node.kubelet.images.credential_providers import CredentialProviders
from node.kubelet.images.pull_causes import explained
from node.kubelet.images.pulled import PulledImages
from node.kubelet.pod import restart_backoff
from node.kubelet.pod.pod_notes import FOREVER, BlockedStart
from podlab.api.values import imagenames, times

log = logging.getLogger(__name__)

# How long a pod shows ErrImagePull, before ImagePullBackOff.
SHOW_ERROR_S = 3.0
_PRESENT = "already present on machine and can be accessed by the pod"
_REFUSED = "is present with pull policy of Never but does not have the proper credentials to access the image"


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
    waited_s: float = 0.0
    waiting: list[Callable[[], None]] = field(default_factory=list)


_PullKey = tuple[str, Sequence[RegistryCredentials]]
"""An image and the credentials for it: pulls with other credentials fail apart from each other."""


class ImageManager:
    """`ensure_image` never waits for a pull: it starts one, and says why the image is not there yet."""

    def __init__(
        self,
        runtime: Runtime,
        providers: CredentialProviders | None = None,
        pulled: PulledImages | None = None,
        *,
        most_at_once: int = 0,
    ) -> None:
        """`most_at_once` pulls run side by side; 0: as many as there are."""
        self._runtime = runtime
        self._providers = providers or CredentialProviders()
        self._pulled = pulled or PulledImages()
        self._slots = asyncio.Semaphore(most_at_once) if most_at_once else contextlib.nullcontext()
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
                record(ImageEvent("Normal", "Pulled", _pulled(name, pull, present)))
                return present
        if present is not None and policy != "Always" and self._pulled.may_use(name, present.id, credentials):
            record(ImageEvent("Normal", "Pulled", f'Container image "{name}" {_PRESENT}'))
            return present
        if policy == "Never":
            why = "is not present with pull policy of Never" if present is None else _REFUSED
            message = f'Container image "{name}" {why}'
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
        asked, name, known = time.monotonic(), *key
        began = asked
        try:
            async with self._slots:
                began = time.monotonic()
                known = (*known, *await self._providers.for_image(name))
                await self._bring(name, known)
            pull.error, pull.delay_s = "", 0
        except (RuntimeFailure, OSError) as error:
            pull.error, pull.failed_at = explained(str(error), name, with_credentials=bool(known)), time.time()
            pull.delay_s = restart_backoff.longer_s(pull.delay_s)
            record(ImageEvent("Warning", "Failed", f'Failed to pull image "{name}": {pull.error}'))
        finally:
            ended = time.monotonic()
            pull.took_s, pull.waited_s = ended - began, ended - asked
            pull.retry_at = time.time() + pull.delay_s
            pull.task = None
            waiting, pull.waiting = pull.waiting, []
            for retry in waiting:
                retry()

    async def _bring(self, name: str, known: Sequence[RegistryCredentials]) -> None:
        """Pulls it, and writes down who has got it. Raises RuntimeFailure; OSError where that cannot be written."""
        self._pulled.begin(name)
        try:
            used = await self._try_credentials(name, known)
        except RuntimeFailure:
            self._pulled.end(name)
            raise
        image, there = await self._runtime.image(name), await self._runtime.images()
        if image is not None:
            of_secret = used if used is not None and used.origin else None
            self._pulled.add(name, image.id, of_secret, {each.id for each in there})

    async def _try_credentials(self, name: str, known: Sequence[RegistryCredentials]) -> RegistryCredentials | None:
        """Those that the registry accepted."""
        for credentials in known[:-1]:
            try:
                await self._runtime.pull(name, credentials)
            except RuntimeFailure as error:
                log.debug("pulling %s as %s failed: %s", name, credentials.username, error)
            else:
                return credentials
        last = known[-1] if known else None
        await self._runtime.pull(name, last)
        return last


def _pulled(name: str, pull: _Pull, image: Image) -> str:
    took, waited = _duration(pull.took_s), _duration(pull.waited_s)
    pulled = f'Successfully pulled image "{name}" in {took} ({waited} including waiting)'
    return f"{pulled}. Image size: {image.size_bytes} bytes."


def _duration(seconds: float) -> str:
    """As Go writes it, in whole milliseconds: 313ms, 1.594s."""
    milliseconds = int(seconds * 1000)
    return f"{milliseconds}ms" if 0 < milliseconds < 1000 else times.duration_text(milliseconds * 1_000_000)
