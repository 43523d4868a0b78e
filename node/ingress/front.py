"""Makes a running HAProxy do what is wanted: endpoints by command, all else by a configuration that takes over."""

from __future__ import annotations

import logging
import time

from node.ingress import slots
from node.ingress.config import CONFIG
from node.ingress.server import Server, Worker
from node.ingress.slots import Slot
from node.ingress.wanted import Wanted

log = logging.getLogger(__name__)

# What an old process costs is its memory: some 16 MiB, for as long as a client keeps a connection.
LEAST_S = 0.25
MOST_S = 16.0


def least_interval_s(old_processes: int) -> float:
    """Between configurations: twice as long for each process that still ends what it began under an earlier one."""
    return min(MOST_S, LEAST_S * 2.0**old_processes)


class Front:
    """`look`, then `apply`; both raise ServerError, and `apply` CommandError and OSError, too."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._present: dict[Worker, dict[str, list[Slot]]] = {}
        self._renewed_s = 0.0

    async def look(self) -> dict[str, int]:
        """How many endpoints each backend has room for now."""
        workers = await self._server.workers()
        self._present = {worker: await self._server.slots(worker) for worker in workers}
        newest = self._newest()
        return {name: len(found) for name, found in self._present[newest].items()} if newest else {}

    async def apply(self, wanted: Wanted) -> float:
        """After how many seconds it is to be tried again, as too little time has passed; 0: all is as wanted."""
        generation, newest = wanted.generation, self._newest()
        as_wanted = newest is not None and await self._server.running(newest) == generation
        # Whatever becomes of another configuration, no request goes to an endpoint that has gone.
        await self._move(wanted, generation if as_wanted else "")
        if as_wanted:
            return 0
        wait_s = self._renewed_s + least_interval_s(len(self._present) - 1) - time.monotonic()
        if newest is None or wait_s <= 0:
            await self._renew(wanted, generation)
            return 0
        return wait_s

    def _newest(self) -> Worker | None:
        return next((worker for worker in self._present if worker.newest), None)

    async def _move(self, wanted: Wanted, generation: str) -> None:
        """Endpoints come and go in processes that run on, and in the file of the generation that one starts with."""
        for worker, found in self._present.items():
            commands = list(slots.commands(found, wanted.endpoints))
            if commands and worker.newest and generation:
                files = wanted.files(self._server.folder(generation), generation)
                self._server.write(generation, {CONFIG: files[CONFIG]})
            await self._server.tell(worker, commands)

    async def _renew(self, wanted: Wanted, generation: str) -> None:
        """Another configuration takes over. One that HAProxy refuses changes nothing."""
        self._server.write(generation, wanted.files(self._server.folder(generation), generation))
        await self._server.check(generation)
        self._server.switch(generation)
        await self._server.reload(generation)
        self._renewed_s = time.monotonic()
        counts = len(wanted.claims.routes), len(wanted.backends)
        log.info("configuration %s: %d routes, %d backends", generation, *counts)
