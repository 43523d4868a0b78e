"""Has drivers mount the volumes of pods before their containers start, and take them back when those have ended.

https://kubernetes-csi.github.io/docs/
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from node.kubelet.volume import fs_group, mounter
from node.kubelet.volume.csi import requests
from node.kubelet.volume.csi.driver import Capability, CsiDriver, CsiError
from node.kubelet.volume.csi.drivers import CsiDrivers
from node.kubelet.volume.csi.mounted import Mounted, MountedVolumes
from node.kubelet.volume.csi.requests import SecretName, Wanted
from node.kubelet.volume.volume_manager import VolumeError, VolumeManager
from podlab.api.pods.attachments import attachment_name
from podlab.client.client import Client
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume
from podlab.errors import Forbidden, NotFound
from podlab.foreign.csi.v1 import csi_pb2
from podlab.storage.v1 import csi_pb2 as storage
from podlab.storage.v1.volumeattachment_pb2 import VolumeAttachment

log = logging.getLogger(__name__)

_CAPABILITIES = (
    Capability.STAGE_UNSTAGE_VOLUME,
    Capability.SINGLE_NODE_MULTI_WRITER,
    Capability.VOLUME_MOUNT_GROUP,
)


class CsiVolumes:
    """Of one node. What a driver does is done for one volume after another."""

    def __init__(self, client: Client, drivers: CsiDrivers, volumes: VolumeManager, root: Path, node_name: str) -> None:
        self._client = client
        self._drivers = drivers
        self._volumes = volumes
        self._root = root
        self._node_name = node_name
        self._mounted = MountedVolumes(root / "pods")
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        # What this kubelet has mounted: by the pod's uid and its name for the volume.
        self._done: set[tuple[str, str]] = set()

    async def set_up(self, pod: pod_pb2.Pod, persistent: Mapping[str, PersistentVolume]) -> None:
        """Returns when drivers have mounted all of the pod's volumes that are theirs. Raises VolumeError, ApiError."""
        for wanted in _wanted(pod, persistent):
            if (pod.metadata.uid, wanted.volume) in self._done:
                continue
            try:
                async with self._lock(wanted.driver, wanted.handle):
                    await self._mount(pod, wanted)
            except (CsiError, OSError, mounter.MountError) as error:
                raise VolumeError(f'MountVolume.SetUp failed for volume "{wanted.volume}" : {error}') from error
            self._done.add((pod.metadata.uid, wanted.volume))
            log.info("volume %s of pod %s is mounted by %s", wanted.volume, pod.metadata.name, wanted.driver)

    async def release(self, uid: str) -> None:
        """Nothing of the pod runs any more: has drivers take back what it had. Raises VolumeError."""
        for mounted in await asyncio.to_thread(self._mounted.of, uid):
            try:
                async with self._lock(mounted.driver, mounted.handle):
                    await self._unmount(uid, mounted)
            except (CsiError, OSError, mounter.MountError) as error:
                told = f'UnmountVolume.TearDown failed for volume "{mounted.volume}" : {error}'
                raise VolumeError(told) from error
            self._done.discard((uid, mounted.volume))
            if not mounted.staged:  # it was the pod's own: nobody else waits for it
                self._locks.pop((mounted.driver, mounted.handle), None)

    def _lock(self, driver: str, handle: str) -> asyncio.Lock:
        return self._locks.setdefault((driver, handle), asyncio.Lock())

    async def _mount(self, pod: pod_pb2.Pod, wanted: Wanted) -> None:
        driver, told = self._drivers.named(wanted.driver), await self._told(wanted.driver)
        if why := requests.why_unsupported(wanted, told):
            raise CsiError(why)
        attached = await self._attachment(wanted) if requests.needs_attachment(wanted, told) else {}
        can = [each for each in _CAPABILITIES if await driver.can(each)]
        target = self._volumes.own_path(pod, wanted.volume)
        staged = ""
        if wanted.persistent and Capability.STAGE_UNSTAGE_VOLUME in can:
            staged = str(requests.staging_path(self._root, wanted.driver, wanted.handle))
        mounted = Mounted(wanted.volume, wanted.driver, wanted.handle, str(target), staged)
        await asyncio.to_thread(self._mounted.add, pod.metadata.uid, mounted)
        group = fs_group.group_of(pod)
        usage = requests.capability(wanted, can, group)
        if staged:
            await self._stage(driver, wanted, mounted, usage, attached)
        await asyncio.to_thread(_make, target.parent)
        await driver.publish(
            csi_pb2.NodePublishVolumeRequest(
                volume_id=wanted.handle,
                publish_context=attached,
                staging_target_path=staged,
                target_path=str(target),
                volume_capability=usage,
                readonly=wanted.read_only,
                secrets=await self._secret("NodePublishSecretRef", wanted.publish_secret),
                volume_context=requests.context(wanted, pod, told),
            )
        )
        if group is not None and requests.sets_group(wanted, can, told):
            lazy = pod.spec.securityContext.fsGroupChangePolicy == "OnRootMismatch"
            await asyncio.to_thread(fs_group.set_group, target, group, only_if_root_differs=lazy)

    async def _stage(
        self,
        driver: CsiDriver,
        wanted: Wanted,
        mounted: Mounted,
        usage: csi_pb2.VolumeCapability,
        attached: Mapping[str, str],
    ) -> None:
        await asyncio.to_thread(_make, Path(mounted.staged))
        await driver.stage(
            csi_pb2.NodeStageVolumeRequest(
                volume_id=wanted.handle,
                publish_context=attached,
                staging_target_path=mounted.staged,
                volume_capability=usage,
                secrets=await self._secret("NodeStageSecretRef", wanted.stage_secret),
                volume_context=wanted.attributes,
            )
        )

    async def _unmount(self, uid: str, mounted: Mounted) -> None:
        driver, target = self._drivers.named(mounted.driver), Path(mounted.target)
        await driver.unpublish(mounted.handle, mounted.target)
        await asyncio.to_thread(_clear, target)
        if mounted.staged and not await asyncio.to_thread(self._mounted.stages, mounted, uid):
            await driver.unstage(mounted.handle, mounted.staged)
            await asyncio.to_thread(_clear, staged := Path(mounted.staged))
            await asyncio.to_thread(_clear, staged.parent)
        await asyncio.to_thread(self._mounted.remove, uid, mounted)

    async def _told(self, driver: str) -> storage.CSIDriver | None:
        """What the API knows of the driver; None when nothing."""
        try:
            return await self._client.get(storage.CSIDriver, driver)
        except NotFound:
            return None

    async def _attachment(self, wanted: Wanted) -> dict[str, str]:
        """What its driver's controller told when it attached the volume. Raises CsiError while it is not attached."""
        name = attachment_name(wanted.driver, wanted.handle, self._node_name)
        try:
            found = await self._client.get(VolumeAttachment, name)
        except (NotFound, Forbidden) as error:
            raise CsiError(f"volume {wanted.handle} is not attached to the node yet: {error}") from error
        if not found.status.attached:
            why = found.status.attachError.message
            raise CsiError(f"volume {wanted.handle} is not attached to the node yet{': ' + why if why else ''}")
        return dict(found.status.attachmentMetadata)

    async def _secret(self, field: str, name: SecretName | None) -> dict[str, str]:
        """What drivers are given as text. Raises CsiError."""
        if name is None:
            return {}
        try:
            secret = await self._client.get(config_pb2.Secret, name.name, name.namespace)
            return {key: value.decode() for key, value in secret.data.items()}
        except (NotFound, Forbidden, UnicodeDecodeError) as error:
            why = "a value of it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error
            told = f"failed to get secret {name.namespace}/{name.name}: {why}"
            raise CsiError(f"fetching {field} failed: {told}") from None


def _make(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)


def _clear(directory: Path) -> None:
    """Removes the empty directory that a volume was mounted on. What a driver has left mounted would go with it, so it
    is unmounted first."""
    mounter.unmount_below(directory)
    with suppress(FileNotFoundError):
        directory.rmdir()


def _wanted(pod: pod_pb2.Pod, persistent: Mapping[str, PersistentVolume]) -> list[Wanted]:
    """The pod's volumes that drivers have."""
    found = []
    for volume in pod.spec.volumes:
        if volume.volumeSource.HasField("csi"):
            found.append(requests.of_pod(pod, volume))
        elif volume.name in persistent and persistent[volume.name].spec.persistentVolumeSource.HasField("csi"):
            read_only = volume.volumeSource.persistentVolumeClaim.readOnly
            found.append(requests.of_claim(volume.name, persistent[volume.name], read_only=read_only))
    return found
