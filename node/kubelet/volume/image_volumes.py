"""Volumes that show the files of an image. https://kubernetes.io/docs/tasks/configure-pod-container/image-volumes/

containerd 1.6 mounts no images by CRI: the kubelet has its files shown, and mounts them below the pod's directory.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from node.kubelet.cri.runtime import Runtime, RuntimeFailure
from node.kubelet.volume import mounter
from node.kubelet.volume.mounter import MountError
from node.kubelet.volume.volume_manager import VolumeError, VolumeManager
from podlab.core.v1 import pod_pb2

_MARKS = "image-volumes"


class ImageVolumes:
    """Of one node. What is mounted is written down before: an empty file for each volume in its pod's directory."""

    def __init__(self, runtime: Runtime, volumes: VolumeManager) -> None:
        self._runtime = runtime
        self._volumes = volumes

    async def is_mounted(self, pod: pod_pb2.Pod, volume: str) -> bool:
        path = self._volumes.own_path(pod, volume)
        return path in await asyncio.to_thread(mounter.mounted_below, path)

    async def mount(self, pod: pod_pb2.Pod, volume: str, image: str) -> None:
        """Shows the image, which is on the node. Raises VolumeError, and RuntimeUnavailable."""
        uid, path = pod.metadata.uid, self._volumes.own_path(pod, volume)
        try:
            await asyncio.to_thread(_mark, self._marks(uid) / volume)
            shown = await self._runtime.show_image(image, _key(uid, volume))
            await asyncio.to_thread(mounter.read_only, path, shown.kind, shown.source, shown.options)
        except (OSError, MountError, RuntimeFailure) as error:
            raise VolumeError(f'MountVolume.SetUp failed for volume "{volume}" : {error}') from error

    async def release(self, uid: str) -> None:
        """Nothing of the pod runs any more. Raises VolumeError, and RuntimeFailure."""
        marks = self._marks(uid)
        for name in await asyncio.to_thread(_names, marks):
            path = self._volumes.pod_directory(uid) / "volumes" / name
            try:
                await asyncio.to_thread(mounter.unmount_below, path)
            except (OSError, MountError) as error:
                raise VolumeError(f'UnmountVolume.TearDown failed for volume "{name}" : {error}') from error
            await self._runtime.hide_image(_key(uid, name))
        await asyncio.to_thread(shutil.rmtree, marks, ignore_errors=True)

    def _marks(self, uid: str) -> Path:
        return self._volumes.pod_directory(uid) / _MARKS


def _key(uid: str, volume: str) -> str:
    return f"podlab-image-volume-{uid}-{volume}"


def _mark(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def _names(marks: Path) -> list[str]:
    return sorted(path.name for path in marks.iterdir()) if marks.is_dir() else []
