"""The Secrets that Ingresses name, each followed by its name: the agent may read no others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from node.ingress.wanted import Place
from podlab.api.secrettypes import TLS
from podlab.client.client import Client
from podlab.client.informer import Informer
from podlab.core.v1.config_pb2 import Secret

KNOWN_WITHIN_S = 5.0
"""A Secret that the API server does not tell of for so long holds up no other change."""


class NamedSecrets:
    """`run` for ever. Secrets of another type than `kubernetes.io/tls` are as good as missing."""

    def __init__(self, client: Client, on_change: Callable[[], None]) -> None:
        """Calls `on_change` when one that is followed comes, changes or goes."""
        self._client = client
        self._on_change = on_change
        self._followed: dict[Place, Informer[Secret]] = {}
        self._changed = asyncio.Event()

    async def run(self) -> None:
        running: dict[Informer[Secret], asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                wanted = set(self._followed.values())
                for informer in running.keys() - wanted:
                    running.pop(informer).cancel()
                for informer in wanted - running.keys():
                    running[informer] = group.create_task(informer.run())
                await self._changed.wait()
                self._changed.clear()

    async def follow(self, places: frozenset[Place]) -> None:
        """These and no others from now on. New ones are waited for, KNOWN_WITHIN_S at most."""
        before = self._followed
        self._followed = {place: before.get(place) or self._informer(place) for place in places}
        self._changed.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(KNOWN_WITHIN_S):
                for place in places - before.keys():
                    await self._followed[place].synced.wait()

    def known(self, place: Place) -> bool:
        """Whether the API server has told of it, be it that there is none. Of one that an Ingress names which came
        after the last `follow`, it has not."""
        followed = self._followed.get(place)
        return followed is not None and followed.synced.is_set()

    def get(self, place: Place) -> Secret | None:
        """One of those that are followed."""
        namespace, name = place
        return self._followed[place].get(name, namespace)

    def _informer(self, place: Place) -> Informer[Secret]:
        namespace, name = place
        selector = f"metadata.name={name},type={TLS}"
        made = Informer(self._client, Secret, namespace=namespace, field_selector=selector)
        made.on_change(lambda _: self._on_change())
        return made
