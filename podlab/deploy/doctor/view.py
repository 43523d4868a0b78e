"""What an API server tells of the cluster: any that answers within some seconds."""

import asyncio
from pathlib import Path
from typing import Final

from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.client.client import Client
from podlab.client.config import ClientConfig, load_client_config_of
from podlab.core.v1.node_pb2 import Node
from podlab.deploy.doctor.diagnosis import ClusterView
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.errors import ApiError
from podlab.settings import SettingsError

_WITHIN_S: Final = 15.0


def look(directory: Path) -> ClusterView:
    """Of the cluster whose directory in `.podlab` this is; that nobody answers is a result, too."""
    try:
        return asyncio.run(_look(load_client_config_of(directory)))
    except TimeoutError:
        return ClusterView(silent=f"none did within {_WITHIN_S:.0f} s")
    except (SettingsError, ApiError, OSError) as error:
        return ClusterView(silent=str(error))


async def _look(config: ClientConfig) -> ClusterView:
    async with Client(config.server, config.tls, user_agent="podlab-doctor") as client, asyncio.timeout(_WITHIN_S):
        if not await client.connected(_WITHIN_S / 2):
            return ClusterView(silent=f"no connection to {config.server}")
        nodes = (await client.list(Node)).items
        slices = await client.list(EndpointSlice, "default", label_selector=f"{SERVICE_NAME_LABEL}=kubernetes")
    return ClusterView(
        nodes=[node.metadata.name for node in nodes],
        not_ready={node.metadata.name: why for node in nodes if (why := _why_not_ready(node))},
        served=[address for each in slices.items for endpoint in each.endpoints for address in endpoint.addresses],
    )


def _why_not_ready(node: Node) -> str:
    """Empty when it is."""
    ready = next((each for each in node.status.conditions if each.type == "Ready"), None)
    if ready is None:
        return "its kubelet has not said how it is"
    return "" if ready.status == "True" else f"{ready.reason}: {ready.message}"
