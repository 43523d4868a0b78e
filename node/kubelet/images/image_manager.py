"""Gets images onto the node: each pulled once at a time, with a back-off after failures."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from node.kubelet.cri.runtime import Credentials, Image, Runtime, RuntimeFailure
from node.kubelet.pod import restart_backoff
from node.kubelet.pod.pod_notes import FOREVER, Hold

log = logging.getLogger(__name__)

# host[:port]/path[:tag][@digest]; what Docker's reference grammar allows, without its length limits.
_REFERENCE = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[a-z0-9]+:[0-9a-f]{32,})?"
)

# How long a pod shows ErrImagePull before the back-off is what there is to say.
SHOW_ERROR_S = 3.0


@dataclass(frozen=True)
class Told:
    """An event about an image: type, reason and message."""

    type: str
    reason: str
    message: str


@dataclass
class _Pull:
    """`waiting` are told when it ended."""

    task: asyncio.Task[None] | None = None
    error: str = ""
    delay_s: int = 0
    failed_at: float = 0.0
    retry_at: float = 0.0
    took_s: float = 0.0
    waiting: list[Callable[[], None]] = field(default_factory=list)


_At = tuple[str, Sequence[Credentials]]
"""An image, and who pulls it: whom the registry refuses holds up nobody else."""


class Images:
    """`ensure` never waits for a pull: it starts one and says to come again."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._pulls: dict[_At, _Pull] = {}

    async def ensure(
        self,
        name: str,
        policy: str,
        credentials: Sequence[Credentials],
        *,
        come_again: Callable[[], None],
        tell: Callable[[Told], None],
    ) -> Image | Hold:
        """The image, or why it is not there yet. `come_again` is called when a pull that was waited for ended.

        Credentials are tried in order until the registry takes one; without any, it is asked as nobody.
        """
        if not _REFERENCE.fullmatch(name):
            message = (
                f'Failed to apply default image tag "{name}": couldn\'t parse image name: invalid reference format'
            )
            tell(Told("Warning", "InspectFailed", message))
            return Hold("InvalidImageName", message, time.time() + restart_backoff.FIRST_S)
        at = (name, tuple(credentials))
        pull = self._pulls.get(at)
        present = await self._runtime.image(name)
        if pull is not None and pull.task is not None:
            pull.waiting.append(come_again)
            return Hold("ContainerCreating", "", FOREVER)
        if pull is not None and not pull.error:
            del self._pulls[at]
            if present is not None:
                tell(Told("Normal", "Pulled", f'Successfully pulled image "{name}" in {pull.took_s:.3f}s'))
                return present
        if present is not None and policy != "Always":
            tell(Told("Normal", "Pulled", f'Container image "{name}" already present on machine'))
            return present
        if policy == "Never":
            message = f'Container image "{name}" is not present with pull policy of Never'
            tell(Told("Warning", "ErrImageNeverPull", message))
            return Hold("ErrImageNeverPull", message, time.time() + restart_backoff.FIRST_S)
        return self._pull(at, come_again, tell)

    def _pull(self, at: _At, come_again: Callable[[], None], tell: Callable[[Told], None]) -> Hold:
        pull, name = self._pulls.setdefault(at, _Pull()), at[0]
        now = time.time()
        if pull.retry_at > now and now < pull.failed_at + SHOW_ERROR_S:
            tell(Told("Warning", "Failed", "Error: ErrImagePull"))
            return Hold("ErrImagePull", pull.error, min(pull.retry_at, pull.failed_at + SHOW_ERROR_S))
        if pull.retry_at > now:
            message = f'Back-off pulling image "{name}": ErrImagePull: {pull.error}'
            tell(Told("Normal", "BackOff", f'Back-off pulling image "{name}"'))
            tell(Told("Warning", "Failed", "Error: ImagePullBackOff"))
            return Hold("ImagePullBackOff", message, pull.retry_at)
        tell(Told("Normal", "Pulling", f'Pulling image "{name}"'))
        pull.waiting.append(come_again)
        pull.task = asyncio.create_task(self._work(at, pull, tell))
        return Hold("ContainerCreating", "", FOREVER)

    async def _work(self, at: _At, pull: _Pull, tell: Callable[[Told], None]) -> None:
        began, name = time.monotonic(), at[0]
        try:
            await self._pull_as_somebody(at)
            pull.error, pull.delay_s = "", 0
        except RuntimeFailure as error:
            pull.error, pull.failed_at = str(error), time.time()
            pull.delay_s = restart_backoff.longer_s(pull.delay_s)
            tell(Told("Warning", "Failed", f'Failed to pull image "{name}": {error}'))
        finally:
            pull.took_s = time.monotonic() - began
            pull.retry_at = time.time() + pull.delay_s
            pull.task = None
            waiting, pull.waiting = pull.waiting, []
            for come_again in waiting:
                come_again()

    async def _pull_as_somebody(self, at: _At) -> None:
        name, known = at
        for credentials in known[:-1]:
            try:
                await self._runtime.pull(name, credentials)
            except RuntimeFailure as error:
                log.debug("pulling %s as %s failed: %s", name, credentials.username, error)
            else:
                return
        await self._runtime.pull(name, known[-1] if known else None)
