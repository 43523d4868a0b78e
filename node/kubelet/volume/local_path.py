"""Volumes of the class local-path: directories of this node, made at the first mount and removed with their claim.

The finalizer on the volume says that the node has data of it. docs/design/volumes.md describes the protocol.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from node.kubelet.disk import file_tree
from node.kubelet.volume import mounter
from node.kubelet.volume.volume_manager import VolumeError
from podlab.api.pods import volumes
from podlab.api.pods.volumes import LOCAL_PATH
from podlab.client.client import Client
from podlab.core.v1.volume_pb2 import PersistentVolume
from podlab.errors import ApiError, Forbidden, NotFound

log = logging.getLogger(__name__)

PERIOD_S = 10.0


def is_to_remove(volume: PersistentVolume, node: str) -> bool:
    """Whether the data that the node has of it is to be removed."""
    is_deleted = volumes.is_going(volume) and volume.spec.persistentVolumeReclaimPolicy == "Delete"
    is_here = LOCAL_PATH in volume.metadata.finalizers and volumes.local_path_node(volume) == node
    return is_deleted and is_here and volume.status.phase == "Released"


class LocalPathManager:
    """`run` for ever. Only directories directly below `<root>/local-path` are ever removed."""

    def __init__(self, client: Client, node: str, root: Path, *, period_s: float = PERIOD_S) -> None:
        self._client = client
        self._node = node
        self._root = root / "local-path"
        self._period_s = period_s

    async def set_up(self, volume: PersistentVolume) -> None:
        """Makes the volume's directory and sets the finalizer. Does nothing for volumes of other classes.

        Raises VolumeError for a directory that does not belong on this node, and ApiError.
        """
        if not volumes.is_local_path(volume):
            return
        path = self._root / volume.metadata.name
        wanted, node = volume.spec.persistentVolumeSource.local.path, volumes.local_path_node(volume)
        if wanted != str(path) or node != self._node:
            raise VolumeError(f'volume "{volume.metadata.name}": {wanted} on {node} is not {path} on {self._node}')
        if LOCAL_PATH in volume.metadata.finalizers:
            await asyncio.to_thread(_make, path)
            return
        if volumes.is_going(volume):  # without finalizer nobody would remove the data
            raise VolumeError(f'volume "{volume.metadata.name}" is being deleted')
        await asyncio.to_thread(_make, path)
        changed = PersistentVolume()
        changed.CopyFrom(volume)
        changed.metadata.finalizers.append(LOCAL_PATH)
        await self._client.update(changed)

    async def run(self) -> None:
        """Removes deleted volumes, until cancelled."""
        while True:
            for name in await asyncio.to_thread(self._names):
                try:
                    await self._remove_if_deleted(name)
                except (ApiError, OSError) as error:
                    log.warning("local volume %s: %s: will be tried again", name, error)
            await asyncio.sleep(self._period_s)

    def _names(self) -> list[str]:
        return sorted(path.name for path in self._root.iterdir()) if self._root.is_dir() else []

    async def _remove_if_deleted(self, name: str) -> None:
        """Keeps the data of a volume that the API does not know, or not as this node's."""
        try:
            volume = await self._client.get(PersistentVolume, name)
        except (NotFound, Forbidden):
            return
        path = self._root / name
        if not is_to_remove(volume, self._node) or volume.spec.persistentVolumeSource.local.path != str(path):
            return
        await asyncio.to_thread(_remove, path)
        changed = PersistentVolume()
        changed.CopyFrom(volume)
        changed.metadata.finalizers.remove(LOCAL_PATH)
        await self._client.update(changed)
        log.info("local volume %s is removed: its claim is gone", name)


def _make(path: Path) -> None:
    """Containers may write to it as any user."""
    if not path.exists():
        path.mkdir(parents=True)
        path.chmod(0o777)


def _remove(path: Path) -> None:
    """Raises OSError, also when something is mounted there, which does not belong to the volume."""
    if below := mounter.mounted_below(path):
        raise OSError(f"{below[0]} is mounted there")
    file_tree.remove(path)
