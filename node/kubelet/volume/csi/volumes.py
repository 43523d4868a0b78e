"""Has drivers mount the volumes of pods before their containers start, and take them back when those have ended.

https://kubernetes-csi.github.io/docs/
"""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from node.kubelet.pod.callbacks import RecordEvent
from node.kubelet.volume import fs_group, mounter
from node.kubelet.volume.csi import expansion, requests
from node.kubelet.volume.csi.api_reader import CsiApiReader
from node.kubelet.volume.csi.driver import Capability, CsiDriver, CsiError
from node.kubelet.volume.csi.drivers import CsiDrivers
from node.kubelet.volume.csi.mounted import Mounted, MountedVolumes
from node.kubelet.volume.csi.requests import Wanted
from node.kubelet.volume.volume_manager import VolumeError, VolumeManager
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.errors import ApiError
from podlab.foreign.csi.v1 import csi_pb2
from podlab.storage.v1 import csi_pb2 as storage

log = logging.getLogger(__name__)

# How often volumes are looked at that may have grown, or that their drivers want published again.
LOOK_S = 60.0
PERIOD_S = 5.0
_CAPABILITIES = (
    Capability.STAGE_UNSTAGE_VOLUME,
    Capability.SINGLE_NODE_MULTI_WRITER,
    Capability.VOLUME_MOUNT_GROUP,
)


class CsiVolumes:
    """Of one node. What a driver does is done for one volume after another."""

    def __init__(
        self,
        client: Client,
        drivers: CsiDrivers,
        volumes: VolumeManager,
        reader: CsiApiReader,
        root: Path,
        *,
        look_s: float = LOOK_S,
    ) -> None:
        self._client = client
        self._drivers = drivers
        self._volumes = volumes
        self._reader = reader
        self._root = root
        self._look_s = look_s
        self._handlers: list[Callable[[str], None]] = []
        self._mounted = MountedVolumes(root / "pods")
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        # What this kubelet has mounted, by the pod's uid and its name for the volume: when it is looked at again.
        self._look_at: dict[tuple[str, str], float] = {}

    def on_due(self, handler: Callable[[str], None]) -> None:
        """Calls `handler` with the uid of a pod whose volumes are to be set up again."""
        self._handlers.append(handler)

    async def run(self, period_s: float = PERIOD_S) -> None:
        """Calls the handlers, for ever."""
        while True:
            await asyncio.sleep(period_s)
            self.notify()

    def notify(self) -> None:
        """Calls the handlers for pods whose volumes are to be looked at."""
        now = time.monotonic()
        for uid in {uid for (uid, _), at in self._look_at.items() if now >= at}:
            for handler in self._handlers:
                handler(uid)

    async def set_up(
        self, pod: pod_pb2.Pod, persistent: Mapping[str, PersistentVolume], record_event: RecordEvent
    ) -> None:
        """Returns when drivers have mounted all of the pod's volumes that are theirs, and done again what is due: what
        has grown is enlarged, and what CSIDrivers ask for is published. Raises VolumeError, ApiError."""
        for wanted in _wanted(pod, persistent):
            key = (pod.metadata.uid, wanted.volume)
            at = self._look_at.get(key)
            if at is not None and time.monotonic() < at:
                continue
            if at is not None:
                self._look_at[key] = time.monotonic() + self._look_s  # also when it fails
            try:
                async with self._lock(wanted.driver, wanted.handle):
                    looks = await self._mount(pod, wanted, again=at is not None)
                    if wanted.persistent and not wanted.read_only:
                        looks |= await self._expand(pod, wanted, persistent[wanted.volume], record_event)
            except (CsiError, OSError, mounter.MountError) as error:
                raise VolumeError(f'MountVolume.SetUp failed for volume "{wanted.volume}" : {error}') from error
            self._look_at[key] = time.monotonic() + self._look_s if looks else math.inf
            if at is None:
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
            self._look_at.pop((uid, mounted.volume), None)
            if not mounted.staged:  # it was the pod's own: nobody else waits for it
                self._locks.pop((mounted.driver, mounted.handle), None)

    def _lock(self, driver: str, handle: str) -> asyncio.Lock:
        return self._locks.setdefault((driver, handle), asyncio.Lock())

    async def _mount(self, pod: pod_pb2.Pod, wanted: Wanted, *, again: bool) -> bool:
        """True when it is to be done again after a while."""
        driver, told = self._drivers.named(wanted.driver), await self._reader.driver(wanted.driver)
        if why := requests.why_unsupported(wanted, told):
            raise CsiError(why)
        repeats = told is not None and told.spec.requiresRepublish
        if again and not repeats:
            return False
        attached = await self._reader.attachment(wanted) if requests.needs_attachment(wanted, told) else {}
        can = [each for each in _CAPABILITIES if await driver.can(each)]
        mounted = self._mounted_as(pod, wanted, can)
        await asyncio.to_thread(self._mounted.add, pod.metadata.uid, mounted)
        group = fs_group.group_of(pod)
        usage = requests.capability(wanted, can, group)
        if mounted.staged and not again:
            await self._stage(driver, wanted, mounted, usage, attached)
        await asyncio.to_thread(_make, Path(mounted.target).parent)
        await self._publish(pod, driver, wanted, mounted, usage, attached, told)
        if group is not None and not again and requests.sets_group(wanted, can, told):
            lazy = pod.spec.securityContext.fsGroupChangePolicy == "OnRootMismatch"
            await asyncio.to_thread(fs_group.set_group, Path(mounted.target), group, only_if_root_differs=lazy)
        return repeats

    def _mounted_as(self, pod: pod_pb2.Pod, wanted: Wanted, can: Collection[int]) -> Mounted:
        staged = ""
        if wanted.persistent and Capability.STAGE_UNSTAGE_VOLUME in can:
            staged = str(requests.staging_path(self._root, wanted))
        target = self._volumes.own_path(pod, wanted.volume)
        if wanted.block:
            target = self._volumes.device_path(pod, wanted.persistent)
        return Mounted(wanted.volume, wanted.driver, wanted.handle, str(target), staged)

    async def _publish(
        self,
        pod: pod_pb2.Pod,
        driver: CsiDriver,
        wanted: Wanted,
        mounted: Mounted,
        usage: csi_pb2.VolumeCapability,
        attached: Mapping[str, str],
        told: storage.CSIDriver | None,
    ) -> None:
        secrets = await self._reader.secret("NodePublishSecretRef", wanted.publish_secret)
        context = requests.context(wanted, pod, told)
        tokens = await self._reader.tokens(pod, told)
        as_secrets = told is not None and told.spec.serviceAccountTokenInSecrets
        await driver.publish(
            csi_pb2.NodePublishVolumeRequest(
                volume_id=wanted.handle,
                publish_context=attached,
                staging_target_path=mounted.staged,
                target_path=mounted.target,
                volume_capability=usage,
                readonly=wanted.read_only,
                secrets={**secrets, **tokens} if as_secrets else secrets,
                volume_context=context if as_secrets else {**context, **tokens},
            )
        )

    async def _expand(
        self, pod: pod_pb2.Pod, wanted: Wanted, volume: PersistentVolume, record_event: RecordEvent
    ) -> bool:
        """Whether the driver can do it: then the volume may grow later. What fails is told of, and tried again."""
        driver = self._drivers.named(wanted.driver)
        if not await driver.can(Capability.EXPAND_VOLUME):
            return False
        claim = await self._client.get(PersistentVolumeClaim, volume.spec.claimRef.name, volume.spec.claimRef.namespace)
        if not (size := expansion.missing_bytes(claim, volume)):
            return True
        can = [each for each in _CAPABILITIES if await driver.can(each)]
        mounted = self._mounted_as(pod, wanted, can)
        try:
            await driver.expand(
                csi_pb2.NodeExpandVolumeRequest(
                    volume_id=wanted.handle,
                    volume_path=mounted.target,
                    capacity_range=csi_pb2.CapacityRange(required_bytes=size),
                    staging_target_path=mounted.staged,
                    volume_capability=requests.capability(wanted, can, None),
                    secrets=await self._reader.secret("NodeExpandSecretRef", wanted.expand_secret),
                )
            )
            await self._client.update_status(expansion.grown(claim, volume))
        except (CsiError, ApiError) as error:
            told = f'NodeExpandVolume.NodeExpandVolume failed for volume "{wanted.persistent}" : {error}'
            record_event("Warning", "VolumeResizeFailed", told)
        else:
            told = f'MountVolume.NodeExpandVolume succeeded for volume "{wanted.persistent}"'
            record_event("Normal", "FileSystemResizeSuccessful", told)
        return True

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
                secrets=await self._reader.secret("NodeStageSecretRef", wanted.stage_secret),
                volume_context=wanted.attributes,
            )
        )

    async def _unmount(self, uid: str, mounted: Mounted) -> None:
        driver, target = self._drivers.named(mounted.driver), Path(mounted.target)
        await driver.unpublish(mounted.handle, mounted.target)
        await asyncio.to_thread(_clear, target)
        await asyncio.to_thread(_remove_if_empty, target.parent)
        if mounted.staged and not await asyncio.to_thread(self._mounted.stages, mounted, uid):
            await driver.unstage(mounted.handle, mounted.staged)
            await asyncio.to_thread(_clear, staged := Path(mounted.staged))
            await asyncio.to_thread(_remove_if_empty, staged.parent)
        await asyncio.to_thread(self._mounted.remove, uid, mounted)


def _make(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)


def _clear(path: Path) -> None:
    """Removes the empty directory that a volume was mounted on, or the file that was its device. What a driver has left
    mounted would go with it, so it is unmounted first."""
    mounter.unmount_below(path)
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _remove_if_empty(directory: Path) -> None:
    """What several volumes may be in."""
    try:
        directory.rmdir()
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.ENOENT):
            raise


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
