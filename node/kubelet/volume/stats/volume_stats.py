"""How full the volumes of the node's pods are, measured when somebody asks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from node.kubelet.volume import persistent_volume
from node.kubelet.volume.claims import ClaimReader
from node.kubelet.volume.csi.driver import Capability, CsiError
from node.kubelet.volume.csi.drivers import CsiDrivers
from node.kubelet.volume.csi.mounted import MountedVolumes
from node.kubelet.volume.stats import use, ways
from node.kubelet.volume.stats.use import VolumeUse
from node.kubelet.volume.stats.ways import Way
from node.kubelet.volume.volume_manager import VolumeError, VolumeManager
from podlab.api.pods import volumes as api_volumes
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume
from podlab.errors import ApiError
from podlab.foreign.csi.v1 import csi_pb2

log = logging.getLogger(__name__)

# As old as a figure may become, as Kubernetes' --volume-stats-agg-period says.
PERIOD_S = 60.0
# For how long somebody who asks waits for volumes that are measured for him.
WAIT_S = 2.0
_Key = tuple[str, str]


@dataclass(frozen=True)
class VolumeReading:
    """One of a pod's volumes, by its name there. `claim` is empty for one that is no claim's."""

    volume: str
    claim: str
    ephemeral: bool
    use: VolumeUse


# What is known of pods' volumes, by the pods' uids.
Volumes = Mapping[str, tuple[VolumeReading, ...]]


class VolumeStats:
    """Of one node. A volume that does not answer, as of an NFS server that is away, keeps its last figures and
    delays nobody: it is not asked again before it has answered."""

    def __init__(
        self,
        volumes: VolumeManager,
        claims: ClaimReader,
        drivers: CsiDrivers,
        root: Path,
        *,
        period_s: float = PERIOD_S,
        wait_s: float = WAIT_S,
    ) -> None:
        self._volumes, self._claims, self._drivers = volumes, claims, drivers
        self._mounted = MountedVolumes(root / "pods")
        self._period_s, self._wait_s = period_s, wait_s
        # All trees are walked in one thread: a pod with a million files delays no other work.
        self._walker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="volume-stats")
        self._found: dict[_Key, VolumeReading] = {}
        self._asked: dict[_Key, float] = {}
        self._running: dict[_Key, asyncio.Task[None]] = {}
        # A bound claim keeps its volume.
        self._bound: dict[_Key, PersistentVolume] = {}

    async def read(self, pods: Iterable[pod_pb2.Pod]) -> Volumes:
        """What is known of the pods' volumes. Pods that are not named are forgotten."""
        wanted = {(pod.metadata.uid, volume.name): (pod, volume) for pod in pods for volume in pod.spec.volumes}
        self._forget(wanted)
        begun = [self._begin(key, *what) for key, what in wanted.items() if self._is_due(key)]
        if begun:
            await asyncio.wait(begun, timeout=self._wait_s)
        told: dict[str, tuple[VolumeReading, ...]] = {}
        for key in wanted:
            if key in self._found:
                told[key[0]] = (*told.get(key[0], ()), self._found[key])
        return told

    def _is_due(self, key: _Key) -> bool:
        asked = self._asked.get(key)
        return key not in self._running and (asked is None or time.monotonic() - asked >= self._period_s)

    def _begin(self, key: _Key, pod: pod_pb2.Pod, volume: pod_pb2.Volume) -> asyncio.Task[None]:
        self._asked[key] = time.monotonic()
        task = asyncio.create_task(self._measure(key, pod, volume), name=f"volume {volume.name} of {key[0]}")
        self._running[key] = task
        return task

    def _forget(self, wanted: Mapping[_Key, object]) -> None:
        for known in (self._found, self._asked, self._bound):
            for key in known.keys() - wanted.keys():
                known.pop(key)

    async def _measure(self, key: _Key, pod: pod_pb2.Pod, volume: pod_pb2.Volume) -> None:
        try:
            claim = api_volumes.claim_name(pod, volume)
            found = await (self._of_claim(key, pod, volume, claim) if claim else self._of_own(pod, volume))
            if found is not None:
                self._found[key] = VolumeReading(volume.name, claim, ways.is_ephemeral(volume), found)
        except (OSError, ApiError, VolumeError, CsiError) as error:
            # Its figures are missing, or older: a pod that ends meanwhile is no reason to tell anybody.
            log.debug("volume %s of pod %s cannot be measured: %s", volume.name, pod.metadata.name, error)
        finally:
            self._running.pop(key, None)

    async def _of_own(self, pod: pod_pb2.Pod, volume: pod_pb2.Volume) -> VolumeUse | None:
        path = self._volumes.own_path(pod, volume.name)
        match ways.of_own(volume):
            case Way.TREE:
                return await asyncio.get_running_loop().run_in_executor(self._walker, use.of_tree, path)
            case Way.DRIVER:
                return await self._of_driver(pod, volume.name)
        return None

    async def _of_claim(self, key: _Key, pod: pod_pb2.Pod, volume: pod_pb2.Volume, claim: str) -> VolumeUse | None:
        bound = self._bound.get(key)
        if bound is None:
            bound = self._bound[key] = await self._claims.bound(pod, volume, claim)
        match ways.of_claim(bound):
            case Way.FILESYSTEM:
                path = persistent_volume.node_path(bound, self._volumes.own_path(pod, volume.name))
                return await _in_own_thread(lambda: use.of_filesystem(path))
            case Way.DRIVER:
                return await self._of_driver(pod, volume.name)
        return None

    async def _of_driver(self, pod: pod_pb2.Pod, volume: str) -> VolumeUse | None:
        mounted = await asyncio.to_thread(self._mounted.of, pod.metadata.uid)
        for each in mounted:
            if each.volume == volume:
                driver = self._drivers.named(each.driver)
                if not await driver.can(Capability.GET_VOLUME_STATS):
                    return None
                asked = csi_pb2.NodeGetVolumeStatsRequest(
                    volume_id=each.handle, volume_path=each.target, staging_target_path=each.staged
                )
                return use.of_driver(await driver.stats(asked))
        return None


async def _in_own_thread(work: Callable[[], VolumeUse]) -> VolumeUse:
    """For what may never return: a thread that waits for a server holds no other work up, nor the process's end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[VolumeUse] = loop.create_future()

    def run() -> None:
        try:
            result = work()
        except OSError as error:
            _tell(loop, done, lambda error=error: done.set_exception(error))  # type: ignore[misc]
        else:
            _tell(loop, done, lambda: done.set_result(result))

    threading.Thread(target=run, name="volume-stats", daemon=True).start()
    return await done


def _tell(loop: asyncio.AbstractEventLoop, done: asyncio.Future[VolumeUse], tell: Callable[[], None]) -> None:
    """Nobody waits any more where the future is done, or its loop closed."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(lambda: None if done.done() else tell())
