"""The kinds that other API servers serve: learnt from the API server, which passes on what is asked about them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Set
from typing import Final

from podlab.api.kinds import GroupKind
from podlab.apiregistration.v1.apiservice_pb2 import APIService
from podlab.client.client import Client
from podlab.client.informer import Change, Informer
from podlab.errors import ApiError
from podlab.kinds.current import CurrentCatalog
from podlab.kinds.custom.served import ServedDefinitions

# So often they are asked for while an APIService names another server: what that serves changes without a word here.
EVERY_S: Final = 5.0

log = logging.getLogger(__name__)


class KindsElsewhere:
    """Adds them to the catalog. `run` for ever."""

    def __init__(self, client: Client, catalog: CurrentCatalog, services: Informer[APIService]) -> None:
        self._client = client
        self._services = services
        self._served = ServedDefinitions(catalog)
        self._names: Set[str] = frozenset()
        self._changed = asyncio.Event()
        self.kinds: Set[GroupKind] = frozenset()
        """Those that there are now. Their servers may be away: nobody waits to have seen their objects."""
        services.on_change(self._service_changed)

    async def run(self) -> None:
        """Ask when an APIService changes, and now and then while one names another server."""
        while True:
            there_are_some = any(service.spec.HasField("service") for service in self._services.store.values())
            if there_are_some or self._names:
                await self._ask()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S if there_are_some else None):
                    await self._changed.wait()
            self._changed.clear()

    async def _ask(self) -> None:
        try:
            found = {one.metadata.name: one for one in await self._client.discover_elsewhere()}
        except ApiError as error:
            log.debug("what other API servers serve is not known anew: %s", error)
            return
        gone = self._names - found.keys()
        self._names = found.keys()
        self.kinds = {GroupKind(one.spec.group, one.status.acceptedNames.kind) for one in found.values()}
        self._served.take([*((name, None) for name in gone), *found.items()])

    def _service_changed(self, change: Change[APIService]) -> None:
        if any(one is not None and one.spec.HasField("service") for one in (change.old, change.new)):
            self._changed.set()
