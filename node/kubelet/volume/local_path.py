"""Directories of this node that are volumes of the class local-path: made at the first mount, removed with their claim.

The finalizer on the volume says that the node holds data; how both sides agree is in docs/design/volumes.md.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from node.kubelet.disk import file_tree
from node.kubelet.volume import mounter
from node.kubelet.volume.volume_manager import VolumeError
from podlab.api import volumes
from podlab.api.volumes import LOCAL_PATH
from podlab.client.client import Client
from podlab.core.v1.volume_pb2 import PersistentVolume
from podlab.errors import ApiError, Forbidden, NotFound

log = logging.getLogger(__name__)

LOOK_S = 10.0


def is_to_remove(volume: PersistentVolume, node: str) -> bool:
    """Whether the data that the node holds of it is to go."""
    asked = volumes.is_going(volume) and volume.spec.persistentVolumeReclaimPolicy == "Delete"
    held = LOCAL_PATH in volume.metadata.finalizers and volumes.local_path_node(volume) == node
    return asked and held and volume.status.phase == "Released"


class LocalPath:
    """`run` for ever. Nothing is touched but what is directly below `<root>/local-path`."""

    def __init__(self, client: Client, node: str, root: Path) -> None:
        self._client = client
        self._node = node
        self._root = root / "local-path"

    async def hold(self, volume: PersistentVolume) -> None:
        """Makes the volume's directory and says so on the volume. Other volumes are none of its business.

        Raises VolumeError for a directory that is not this node's to make, and ApiError.
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
        if volumes.is_going(volume):  # nobody would know of the data
            raise VolumeError(f'volume "{volume.metadata.name}" is being deleted')
        await asyncio.to_thread(_make, path)
        changed = PersistentVolume()
        changed.CopyFrom(volume)
        changed.metadata.finalizers.append(LOCAL_PATH)
        await self._client.update(changed)

    async def run(self) -> None:
        """Removes what is to go, until cancelled."""
        while True:
            for name in await asyncio.to_thread(self._held):
                try:
                    await self._look(name)
                except (ApiError, OSError) as error:
                    log.warning("local volume %s: %s: will be looked at again", name, error)
            await asyncio.sleep(LOOK_S)

    def _held(self) -> list[str]:
        return sorted(path.name for path in self._root.iterdir()) if self._root.is_dir() else []

    async def _look(self, name: str) -> None:
        """A volume that the API does not know, or not as this node's, is kept: that is no word to remove data."""
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
    """For whichever user a container runs as."""
    if not path.exists():
        path.mkdir(parents=True)
        path.chmod(0o777)


def _remove(path: Path) -> None:
    """Raises OSError, also when something is mounted there: that is not the volume's."""
    if below := mounter.mounted_below(path):
        raise OSError(f"{below[0]} is mounted there")
    file_tree.remove(path)
