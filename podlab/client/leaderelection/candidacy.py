"""How a service takes part in an election: who it is, who was here before it, and where it is told whether it leads."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grpc_health.v1 import health, health_pb2

from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.leaderelection.decide import Candidate, Terms
from podlab.client.leaderelection.elector import LeaderElector
from podlab.client.leaderelection.predecessor import succeeding

HEALTH_SERVICE = "leader-election"
"""What grpc.health.v1 is asked for whether the service leads. As a whole, one that waits for its turn serves too."""


@contextmanager
def candidacy(client: Client, lease: str, address: str, lasts_s: int) -> Iterator[LeaderElector]:
    """The election for the Lease of that name, for a service that is reached at `address` (host:port).

    After `lasts_s` without a word of its holder another takes the Lease.

    Who was here last stands in the directory that systemd keeps for the unit. Raises as `succeeding`.
    """
    directory = os.environ.get("RUNTIME_DIRECTORY")
    identity = f"{socket.gethostname()}_{uuid.uuid4()}"
    with succeeding(Path(directory) / "identity" if directory else None, identity) as predecessor:
        candidate = Candidate(identity, predecessor, address)
        yield LeaderElector(client, lease, candidate, EventRecorder(client, lease), terms=Terms.lasting(lasts_s))


async def tell(checks: health.aio.HealthServicer, elector: LeaderElector) -> None:
    """Answers health checks: of HEALTH_SERVICE, and as a whole while it is another's turn."""
    await checks.set(HEALTH_SERVICE, health_pb2.HealthCheckResponse.NOT_SERVING)
    waits = [asyncio.create_task(event.wait()) for event in (elector.waiting, elector.leading)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if elector.waiting.is_set():
            await checks.set("", health_pb2.HealthCheckResponse.SERVING)
        await elector.leading.wait()
        await checks.set(HEALTH_SERVICE, health_pb2.HealthCheckResponse.SERVING)
    finally:
        for wait in waits:
            wait.cancel()
