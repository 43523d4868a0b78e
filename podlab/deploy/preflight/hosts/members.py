"""Which nodes the cluster has now, and the machines that they are.

A program of its own, because it speaks gRPC: with the cluster's directory as its argument, it prints JSON.
"""

import asyncio
import json
import socket
import sys
from pathlib import Path
from typing import Final

from podlab.client.client import Client
from podlab.client.config import ClientConfig, load_client_config_of
from podlab.core.v1 import node_pb2
from podlab.errors import ApiError
from podlab.settings import SettingsError

_WITHIN_S: Final = 3.0
_ANSWERED_WITHIN_S: Final = 10.0


def members(directory: Path) -> dict[str, str] | None:
    """Of the cluster whose directory in `.podlab` this is, by node the machine id that its kubelet last told.

    None where the cluster is not there, or does not answer.
    """
    try:
        config = load_client_config_of(directory)
    except SettingsError:
        return None
    if not any(_listens(server) for server in config.server.split(",")):
        return None
    try:
        return asyncio.run(_ask(config))
    except (ApiError, OSError):
        return None


def _listens(server: str) -> bool:
    """Tells at once that nobody does, where gRPC would try again and again."""
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _WITHIN_S).close()
    except OSError:
        return False
    return True


async def _ask(config: ClientConfig) -> dict[str, str] | None:
    async with Client(config.server, config.tls, user_agent="podlab-preflight") as client:
        if not await client.connected(_WITHIN_S):
            return None
        async with asyncio.timeout(_ANSWERED_WITHIN_S):  # without most of etcd it waits for long
            nodes = (await client.list(node_pb2.Node)).items
        return {node.metadata.name: node.status.nodeInfo.machineID for node in nodes}


if __name__ == "__main__":
    json.dump(members(Path(sys.argv[1])), sys.stdout)
