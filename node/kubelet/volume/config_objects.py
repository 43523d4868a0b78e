"""ConfigMaps and Secrets that this node's pods use, read by name: a node may not list them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from node.kubelet.containerconfig.environment import ConfigReference
from podlab.client.client import Client
from podlab.core.v1 import config_pb2
from podlab.errors import ApiError, Forbidden, NotFound

log = logging.getLogger(__name__)

PERIOD_S = 10.0
ConfigObject = config_pb2.ConfigMap | config_pb2.Secret


@dataclass
class _Watched:
    """`pods` are the uids of the pods that use the object, which is None when it is missing."""

    current: ConfigObject | None
    pods: set[str] = field(default_factory=set)


class ConfigObjectManager:
    """Reads what a pod uses, and reads it again every `period_s` for as long as the pod lives."""

    def __init__(self, client: Client, *, period_s: float = PERIOD_S) -> None:
        self._client = client
        self._period_s = period_s
        self._handlers: list[Callable[[str], None]] = []
        self._watched: dict[tuple[str, ConfigReference], _Watched] = {}

    def on_change(self, handler: Callable[[str], None]) -> None:
        """Calls `handler` with the uid of a pod when an object that it uses changed."""
        self._handlers.append(handler)

    async def read(
        self, uid: str, namespace: str, references: Iterable[ConfigReference]
    ) -> dict[ConfigReference, ConfigObject | None]:
        """The objects as they are now, None for those that are missing. Raises ApiError."""
        found: dict[ConfigReference, ConfigObject | None] = {}
        for reference in dict.fromkeys(references):
            current = await self._get(namespace, reference)
            watched = self._watched.setdefault((namespace, reference), _Watched(current))
            self._update(watched, current, watched.pods - {uid})
            watched.pods.add(uid)
            found[reference] = current
        return found

    def forget(self, uid: str) -> None:
        """The pod uses nothing any more."""
        for key, watched in list(self._watched.items()):
            watched.pods.discard(uid)
            if not watched.pods:
                del self._watched[key]

    async def run(self) -> None:
        """Finds changes, for ever."""
        while True:
            await asyncio.sleep(self._period_s)
            for (namespace, reference), watched in list(self._watched.items()):
                if watched.current is not None and watched.current.immutable:
                    continue
                try:
                    current = await self._get(namespace, reference)
                except ApiError as error:
                    log.debug("%s in %s cannot be read: %s", reference, namespace, error)
                    continue
                self._update(watched, current, watched.pods)

    def _update(self, watched: _Watched, current: ConfigObject | None, pods: Iterable[str]) -> None:
        """Calls the handlers for these pods when the object has changed."""
        if _revision(current) == _revision(watched.current):
            return
        watched.current = current
        for uid in list(pods):
            for handler in self._handlers:
                handler(uid)

    async def _get(self, namespace: str, reference: ConfigReference) -> ConfigObject | None:
        try:
            found: ConfigObject = await self._client.get(reference.kind, reference.name, namespace)
            return found
        except (NotFound, Forbidden) as error:
            # Forbidden: the API does not know yet, or no longer, that a pod here uses it.
            if isinstance(error, Forbidden):
                log.warning("%s in %s: %s", reference, namespace, error)
            return None


def _revision(config: ConfigObject | None) -> str:
    return config.metadata.resourceVersion if config is not None else ""
