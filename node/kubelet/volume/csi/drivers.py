"""Drivers of volumes that have made themselves known, and what the API is told of them."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import ClassVar

from node.kubelet.plugins.drivers import RegisteredDrivers
from node.kubelet.plugins.registry import PluginDelayed, PluginRefused
from node.kubelet.volume.csi.driver import CsiDriver, CsiError, NodeInfo
from podlab.client.client import Client
from podlab.core.v1 import node_pb2
from podlab.errors import AlreadyExists, ApiError, Conflict, NotFound
from podlab.foreign.pluginregistration.v1 import api_pb2
from podlab.storage.v1 import csi_pb2

log = logging.getLogger(__name__)

NODE_IDS = "csi.volume.kubernetes.io/nodeid"
_LONGEST_NAME = 63
_ATTEMPTS = 5


class CsiDrivers(RegisteredDrivers[CsiDriver]):
    """Implements PluginKind."""

    type: ClassVar[str] = "CSIPlugin"

    def __init__(self, client: Client, node_name: str) -> None:
        super().__init__()
        self._client = client
        self._node_name = node_name
        # The Node and its CSINode say all drivers: one change after the other.
        self._lock = asyncio.Lock()

    def named(self, name: str) -> CsiDriver:
        """Raises CsiError when it is not there."""
        found = self.find(name)
        if found is None:
            raise CsiError(f"driver name {name} not found in the list of registered CSI drivers")
        return found

    async def add(self, info: api_pb2.PluginInfo, endpoint: str) -> None:
        """See PluginKind."""
        _check(info)
        driver = CsiDriver(info.name, endpoint)
        try:
            await self._tell(info.name, await driver.info())
        except (CsiError, ApiError) as error:
            await driver.close()
            raise PluginDelayed(f"registration of CSI driver {info.name} failed: {error}") from error
        self.enlist(driver)

    async def remove(self, name: str, endpoint: str) -> None:
        """See PluginKind."""
        await super().remove(name, endpoint)
        if self.find(name) is None:
            try:
                await self._tell(name, None)
            except ApiError as error:
                log.warning("CSI driver %s is gone, which cannot be told yet: %s", name, error)

    async def _tell(self, name: str, info: NodeInfo | None) -> None:
        """Says that the driver is there, or with None that it is not. Raises ApiError, and CsiError for a driver that
        calls the node nothing."""
        if info is not None and not info.node_id:
            raise CsiError(f"failed to get node id of driver {name}: it is empty")
        async with self._lock:
            node = await self._client.get(node_pb2.Node, self._node_name)
            await self._tell_node(node, name, info)
            for attempt in range(_ATTEMPTS):
                try:
                    await self._tell_csi_node(node, name, info)
                    return
                except (AlreadyExists, Conflict):
                    if attempt == _ATTEMPTS - 1:
                        raise

    async def _tell_node(self, node: node_pb2.Node, name: str, info: NodeInfo | None) -> None:
        ids: dict[str, str] = json.loads(node.metadata.annotations.get(NODE_IDS) or "{}")
        wanted = {key: value for key, value in ids.items() if key != name} | ({name: info.node_id} if info else {})
        labels = info.topology if info is not None else {}
        if wanted == ids and labels.items() <= dict(node.metadata.labels).items():
            return
        told = json.dumps(wanted, sort_keys=True, separators=(",", ":")) if wanted else None
        patch = {"metadata": {"annotations": {NODE_IDS: told}, "labels": labels}}
        await self._client.patch(node_pb2.Node, self._node_name, patch=patch)

    async def _tell_csi_node(self, node: node_pb2.Node, name: str, info: NodeInfo | None) -> None:
        try:
            found = await self._client.get(csi_pb2.CSINode, self._node_name)
        except NotFound:
            found = csi_pb2.CSINode()
            found.metadata.name = self._node_name
            found.metadata.ownerReferences.add(
                apiVersion="v1", kind="Node", name=self._node_name, uid=node.metadata.uid
            )
        kept = [each for each in found.spec.drivers if each.name != name]
        if info is not None:
            kept.append(_described(name, info))
        if list(found.spec.drivers) == kept and found.metadata.uid:
            return
        del found.spec.drivers[:]
        found.spec.drivers.extend(kept)
        await (self._client.update(found) if found.metadata.uid else self._client.create(found))


def _described(name: str, info: NodeInfo) -> csi_pb2.CSINodeDriver:
    made = csi_pb2.CSINodeDriver(name=name, nodeID=info.node_id, topologyKeys=sorted(info.topology))
    if info.max_volumes > 0:
        made.allocatable.count = min(info.max_volumes, 2**31 - 1)
    return made


def _check(info: api_pb2.PluginInfo) -> None:
    if not info.name:
        raise PluginRefused("CSI driver name is empty")
    if len(info.name) > _LONGEST_NAME:
        raise PluginRefused(f"CSI driver name {info.name} is longer than {_LONGEST_NAME} characters")
    if not any(version.startswith("1.") for version in info.supported_versions):
        versions = ", ".join(info.supported_versions)
        raise PluginRefused(f"none of the CSI versions that {info.name} supports ({versions}) is 1.x")
