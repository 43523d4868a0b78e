from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from podlab_testing import storage
from podlab_testing.kubelet_pods import MakePod

from node.kubelet.volume.claims import ClaimReader
from node.kubelet.volume.csi.drivers import CsiDrivers
from node.kubelet.volume.local_path import LocalPathManager
from node.kubelet.volume.stats import use
from node.kubelet.volume.stats.use import VolumeUse
from node.kubelet.volume.stats.volume_stats import VolumeStats
from node.kubelet.volume.volume_manager import VolumeManager
from podlab.client.absent import AbsentServer
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume


class BoundClaims(ClaimReader):
    """Every claim has the same volume."""

    def __init__(self, volume: PersistentVolume) -> None:
        client = AbsentServer()
        super().__init__(client, LocalPathManager(client, "n1", Path("/nonexistent")))
        self._volume = volume
        self.asked = 0

    async def bound(self, pod: pod_pb2.Pod, pod_volume: pod_pb2.Volume, name: str) -> PersistentVolume:
        self.asked += 1
        return self._volume


@pytest.fixture
def claims(tmp_path: Path) -> BoundClaims:
    return BoundClaims(storage.volume(local={"path": str(tmp_path)}))


def _stats(root: Path, claims: BoundClaims, **options: Any) -> VolumeStats:
    return VolumeStats(VolumeManager(root), claims, CsiDrivers(AbsentServer(), "n1"), root, **options)


def _claiming(pod: MakePod) -> pod_pb2.Pod:
    return pod(volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "c"}}])


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Filesystems do not answer until it is over."""
    over, answer = threading.Event(), use.of_filesystem

    def silent(path: Path) -> VolumeUse:
        over.wait(10)
        return answer(path)

    monkeypatch.setattr(use, "of_filesystem", silent)
    yield over
    over.set()


async def test_figures_are_as_old_as_the_period_and_of_those_that_are_there(
    pod: MakePod, tmp_path: Path, claims: BoundClaims
) -> None:
    made = pod(
        volumes=[{"name": "cache", "emptyDir": {}}, {"name": "data", "persistentVolumeClaim": {"claimName": "c"}}]
    )
    cache = tmp_path / "pods" / made.metadata.uid / "volumes/cache"
    cache.mkdir(parents=True)
    stats = _stats(tmp_path, claims)
    empty, data = (await stats.read([made]))[made.metadata.uid]
    assert (empty.volume, empty.claim, empty.ephemeral) == ("cache", "", True)
    assert (data.volume, data.claim, data.ephemeral) == ("data", "c", False)
    assert data.use.capacity > 0
    (cache / "file").write_bytes(b"x" * 50_000)
    assert (await stats.read([made]))[made.metadata.uid][0] == empty
    assert await stats.read([]) == {}
    assert (await stats.read([made]))[made.metadata.uid][0].use.used >= 50_000


async def test_a_claim_is_asked_about_once(pod: MakePod, tmp_path: Path, claims: BoundClaims) -> None:
    stats = _stats(tmp_path, claims, period_s=0)
    for _ in range(3):
        assert await stats.read([_claiming(pod)])
    assert claims.asked == 1


async def test_a_volume_that_is_silent_delays_once_and_tells_when_it_answers(
    pod: MakePod, tmp_path: Path, claims: BoundClaims, silence: threading.Event
) -> None:
    stats, made = _stats(tmp_path, claims, period_s=0, wait_s=0.01), _claiming(pod)
    assert await stats.read([made]) == {}
    (waiting,) = stats._running.values()
    assert await stats.read([made]) == {}
    assert list(stats._running.values()) == [waiting], "it is not asked twice"
    silence.set()
    await waiting
    stats._period_s = 60
    assert made.metadata.uid in await stats.read([made])


async def test_what_cannot_be_measured_has_no_figures(pod: MakePod, tmp_path: Path, claims: BoundClaims) -> None:
    made = pod(volumes=[{"name": "v", "emptyDir": {}}, {"name": "d", "csi": {"driver": "absent"}}])
    assert await _stats(tmp_path, claims).read([made]) == {}
