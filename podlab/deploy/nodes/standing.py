"""What the cluster knows of some nodes now.

A program of its own, because it speaks gRPC: with the cluster's directory and names as its arguments, it prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from podlab.api.values import times
from podlab.client.client import Client
from podlab.client.config import load_client_config_of
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.core.v1.node_pb2 import Node
from podlab.errors import ApiError, NotFound
from podlab.settings import SettingsError

_WITHIN_S: Final = 5.0
_LEASES: Final = "kube-node-lease"


class UnansweredError(Exception):
    """No API server said anything of nodes; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A node of the cluster: its condition Ready, since when, and where its kubelet is."""

    ready: str
    since: str
    address: str
    renewed: str
    """When its kubelet last renewed its Lease; empty when it never did."""
    lease_s: int
    """For how long that is good; it is renewed each quarter of it."""


def read(printed: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Standing | None]:
    """What `main` printed; None stands for a node that the cluster does not have."""
    return {name: Standing(**each) if each is not None else None for name, each in printed.items()}


def standings(directory: Path, names: Sequence[str]) -> dict[str, Standing | None]:
    """By name, in the cluster whose directory in `.podlab` this is. Raises UnansweredError."""
    try:
        return asyncio.run(_ask(directory, names))
    except (SettingsError, ApiError, OSError) as error:
        raise UnansweredError(str(error)) from error


async def _ask(directory: Path, names: Sequence[str]) -> dict[str, Standing | None]:
    config = load_client_config_of(directory)
    async with Client(config.server, config.tls, user_agent="podlab-deploy") as client:
        if not await client.connected(_WITHIN_S):
            raise UnansweredError(f"nobody answers at {config.server} within {_WITHIN_S:g} s")
        return {name: await _standing(client, name) for name in names}


async def _standing(client: Client, name: str) -> Standing | None:
    try:
        node = await client.get(Node, name)
    except NotFound:
        return None
    lease = await _lease(client, name)
    ready = next((each for each in node.status.conditions if each.type == "Ready"), None)
    return Standing(
        ready=ready.status if ready else "Unknown",
        since=times.text(ready.lastTransitionTime) if ready else "",
        address=next((each.address for each in node.status.addresses if each.type == "InternalIP"), ""),
        renewed=times.micro_text(lease.spec.renewTime) if lease else "",
        lease_s=lease.spec.leaseDurationSeconds if lease else 0,
    )


async def _lease(client: Client, name: str) -> Lease | None:
    try:
        return await client.get(Lease, name, _LEASES)
    except NotFound:
        return None


def main(directory: str, *names: str) -> None:
    try:
        found = standings(Path(directory), names)
    except UnansweredError as error:
        raise SystemExit(str(error)) from error
    json.dump({name: asdict(each) if each is not None else None for name, each in found.items()}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
