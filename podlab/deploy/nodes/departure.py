"""Takes nodes out of the cluster whose machines are gone, so that others may have their names.

A program of its own, because it speaks gRPC: with the cluster's directory and names as its arguments, it prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from podlab.api.pods import volumes
from podlab.client.client import Client
from podlab.client.config import load_client_config_of
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.volume_pb2 import PersistentVolume
from podlab.errors import ApiError, NotFound
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.settings import SettingsError

_WITHIN_S: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class Departed:
    """What is known once the nodes are gone."""

    server_time: int
    """The API server's clock, in seconds: a certificate of this second or an earlier one is refused."""
    volumes: tuple[str, ...]
    """Whose data was on the machines: namespace and name of their claims."""

    @classmethod
    def read(cls, printed: dict[str, Any]) -> Departed:
        """What `main` printed."""
        return cls(server_time=printed["server_time"], volumes=tuple(printed["volumes"]))


async def depart(client: Client, names: Sequence[str]) -> Departed:
    """Delete these nodes; success where there is none of them. Raises ApiError."""
    for name in names:
        try:
            await client.delete(Node, name)
        except NotFound:
            continue
    tried = await client.create(Node(metadata=ObjectMeta(name=names[0])), dry_run=True)
    found = [each for each in (await client.list(PersistentVolume)).items if _is_local(each, names)]
    claims = sorted(f"{each.spec.claimRef.namespace}/{each.spec.claimRef.name}" for each in found)
    return Departed(server_time=tried.metadata.creationTimestamp.seconds, volumes=tuple(claims))


def _is_local(volume: PersistentVolume, names: Sequence[str]) -> bool:
    is_claimed = volumes.is_local_path(volume) and volume.spec.HasField("claimRef")
    return is_claimed and volumes.local_path_node(volume) in names


async def _run(directory: Path, names: Sequence[str]) -> Departed:
    config = load_client_config_of(directory)
    async with Client(config.server, config.tls, user_agent="podlab-deploy") as client:
        if not await client.connected(_WITHIN_S):
            raise SystemExit(f"nobody answers at {config.server} within {_WITHIN_S:g} s")
        return await depart(client, names)


def main(directory: str, *names: str) -> None:
    try:
        found = asyncio.run(_run(Path(directory), names))
    except (SettingsError, ApiError, OSError) as error:
        raise SystemExit(str(error)) from error
    json.dump(asdict(found), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
