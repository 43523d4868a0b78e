"""Says on Secrets of type kubernetes.io/service-account-token on which day their token was used last.

https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-legacy-token-last-used
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from master.apiserver.admission.write import Write, WriteContext
from master.apiserver.authentication.user import SERVER
from master.apiserver.registry.registry import Registry
from podlab.api import kinds
from podlab.api.objects import typed
from podlab.client.workqueue import WorkQueue, run_workers
from podlab.core.v1.config_pb2 import Secret
from podlab.errors import Conflict, NotFound

LAST_USED: Final = "kubernetes.io/legacy-token-last-used"
"""Label; its value is a date."""
_WRITING: Final = WriteContext(SERVER, manager="podlab-apiserver")
_Place = tuple[str, str]

log = logging.getLogger(__name__)


class LegacyTokens:
    """`run` for ever. Lives in the event loop."""

    def __init__(self, registry: Registry, clock: Callable[[], float]) -> None:
        self._registry = registry
        self._clock = clock
        self._queue: WorkQueue[_Place] = WorkQueue()

    def used(self, secret: Secret) -> None:
        """Its token has just been used. Does not wait."""
        if secret.metadata.labels.get(LAST_USED) != self._today():
            self._queue.add((secret.metadata.namespace, secret.metadata.name))

    async def run(self) -> None:
        """Write what `used` has told, one Secret after the other."""
        await run_workers(self._queue, self._reconcile, workers=1, name="legacy-tokens")

    async def _reconcile(self, at: _Place) -> None:
        try:
            stored = typed((await self._registry.get(kinds.of(Secret), *at)).message(), Secret)
            today = self._today()
            if stored.metadata.labels.get(LAST_USED) == today:
                return
            new = Secret()
            new.CopyFrom(stored)
            new.metadata.labels[LAST_USED] = today
            await self._registry.write(Write.update(_WRITING, new))
        except (Conflict, NotFound) as error:
            log.debug("secret %s/%s has changed meanwhile, its next use is told of: %s", *at, error)

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).date().isoformat()
