"""ConfigMaps and Secrets that this node's pods use, read by name: a node may not list them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from node.kubelet.containerconfig.environment import Source
from podlab.client.client import Client
from podlab.core.v1 import config_pb2
from podlab.errors import ApiError, Forbidden, NotFound

log = logging.getLogger(__name__)

REFRESH_S = 10.0
Config = config_pb2.ConfigMap | config_pb2.Secret


@dataclass
class _Watched:
    """`pods` are the uids of those to be told about a change."""

    seen: Config | None
    pods: set[str] = field(default_factory=set)


class Sources:
    """Reads what a pod asks for, then looks again every REFRESH_S for as long as the pod lives."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._handlers: list[Callable[[str], None]] = []
        self._watched: dict[tuple[str, Source], _Watched] = {}

    def on_change(self, handler: Callable[[str], None]) -> None:
        """Calls `handler` with a pod's uid when something that it uses changed."""
        self._handlers.append(handler)

    async def read(self, uid: str, namespace: str, wanted: Iterable[Source]) -> dict[Source, Config | None]:
        """What is there now, None for what is missing. Raises ApiError when the API cannot tell."""
        found: dict[Source, Config | None] = {}
        for source in dict.fromkeys(wanted):
            seen = await self._get(namespace, source)
            watched = self._watched.setdefault((namespace, source), _Watched(seen))
            self._saw(watched, seen, watched.pods - {uid})
            watched.pods.add(uid)
            found[source] = seen
        return found

    def forget(self, uid: str) -> None:
        """The pod needs nothing any more."""
        for at, watched in list(self._watched.items()):
            watched.pods.discard(uid)
            if not watched.pods:
                del self._watched[at]

    async def run(self) -> None:
        """Tells about changes, for ever."""
        while True:
            await asyncio.sleep(REFRESH_S)
            for (namespace, source), watched in list(self._watched.items()):
                if watched.seen is not None and watched.seen.immutable:
                    continue
                try:
                    now = await self._get(namespace, source)
                except ApiError as error:
                    log.debug("%s in %s cannot be read: %s", source, namespace, error)
                    continue
                self._saw(watched, now, watched.pods)

    def _saw(self, watched: _Watched, now: Config | None, told: Iterable[str]) -> None:
        """Tells these pods when it is not what was seen before."""
        if _revision(now) == _revision(watched.seen):
            return
        watched.seen = now
        for uid in list(told):
            for handler in self._handlers:
                handler(uid)

    async def _get(self, namespace: str, source: Source) -> Config | None:
        try:
            return await self._client.get(source.kind, source.name, namespace)
        except (NotFound, Forbidden) as error:
            # Forbidden: the API does not know yet, or no more, that a pod here uses it.
            if isinstance(error, Forbidden):
                log.warning("%s in %s: %s", source, namespace, error)
            return None


def _revision(config: Config | None) -> str:
    return config.metadata.resourceVersion if config is not None else ""
