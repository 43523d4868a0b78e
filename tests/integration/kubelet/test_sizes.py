"""Pods that take more of the node's disk than they may."""

from __future__ import annotations

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.kubelet_pods import Json
from podlab_testing.memory_node import MemoryKubelet, Until
from podlab_testing.told_events import told

from node.kubelet.logs import log_files
from node.kubelet.worker.context import WorkerTimings
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2

IMAGE = "podlab.local/hello:1.0"
LIMITED = {"resources": {"limits": {"ephemeral-storage": "1Mi"}}}
MIB = 1 << 20


@pytest.fixture
def timings() -> WorkerTimings:
    return WorkerTimings(storage_period_s=0.1)


async def _pod(admin: Client, *containers: Json, **spec: object) -> pod_pb2.Pod:
    named = [{"name": f"c{number}", "image": IMAGE, **one} for number, one in enumerate(containers)]
    made = builtin_kinds.read({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "default"},
        "spec": {"nodeName": "n1", "containers": named, **spec},
    })  # fmt: skip
    assert isinstance(made, pod_pb2.Pod)
    return await admin.create(made)


def _running(pod: pod_pb2.Pod | None) -> bool:
    return pod is not None and pod.status.phase == "Running"


@pytest.mark.parametrize("place", ["root filesystem", "log", "volume", "sizeLimit"])
async def test_a_pod_that_takes_too_much_is_evicted(
    admin: Client, kubelet: MemoryKubelet, until: Until, place: str
) -> None:
    volumes = [{"name": "v", "emptyDir": {"sizeLimit": "1Mi"} if place == "sizeLimit" else {}}]
    of_two = (LIMITED, {"resources": {"limits": {"ephemeral-storage": "5Mi"}}})
    await _pod(admin, *(({}, {}) if place == "sizeLimit" else of_two), volumes=volumes)
    pod = await until("a", _running)
    log = log_files.log_directory(pod) / "c0/0.log"
    match place:
        case "root filesystem":
            kubelet.runtime.written["c0"] = 2 * MIB
            told = 'Container c0 exceeded its local ephemeral storage limit "1Mi". '
        case "log":
            log.write_bytes(b"x" * 2 * MIB)
            told = 'Container c0 exceeded its local ephemeral storage limit "1Mi". '
        case "volume":
            (kubelet.root / f"pods/{pod.metadata.uid}/volumes/v/file").write_bytes(b"x" * 7 * MIB)
            told = "Pod ephemeral local storage usage exceeds the total limit of containers 6Mi. "
        case _:
            (kubelet.root / f"pods/{pod.metadata.uid}/volumes/v/file").write_bytes(b"x" * 2 * MIB)
            told = 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". '
    seen = (await until("a", lambda now: now is not None and now.status.phase == "Failed")).status
    assert (seen.reason, seen.message) == ("Evicted", told)
    assert not kubelet.runtime.alive()


@pytest.mark.parametrize("why", ["it has ended", "it is critical"])
async def test_a_pod_that_may_not_be_evicted_stays_as_it_is(
    admin: Client, kubelet: MemoryKubelet, until: Until, why: str
) -> None:
    critical = {"priorityClassName": "system-node-critical"} if why == "it is critical" else {"restartPolicy": "Never"}
    await _pod(admin, LIMITED, **critical)
    await until("a", _running)
    if why == "it has ended":
        kubelet.runtime.end("c0", 0)
        await until("a", lambda now: now is not None and now.status.phase == "Succeeded")
    kubelet.runtime.written["c0"] = 2 * MIB
    looks = kubelet.runtime.looks
    log = log_files.log_directory(await admin.get(pod_pb2.Pod, "a", "default")) / "c0/0.log"
    log.write_bytes(b"x" * 2 * MIB)
    await kubelet.kill()
    await kubelet.start()
    await kubelet.runtime.until(lambda: kubelet.runtime.looks > looks + 1)
    phase = (await admin.get(pod_pb2.Pod, "a", "default")).status.phase
    assert phase == ("Running" if why == "it is critical" else "Succeeded")


@pytest.mark.parametrize(
    ("medium", "why"),
    [
        (
            "HugePages",
            "medium HugePages: hugePages storage requested, but there is no resource request for huge pages",
        ),
        ("Disk", 'unknown storage medium "Disk"'),
    ],
)
async def test_a_medium_that_a_pod_cannot_have_is_told(
    admin: Client, kubelet: MemoryKubelet, until: Until, medium: str, why: str
) -> None:
    mounts = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    await _pod(admin, mounts, volumes=[{"name": "v", "emptyDir": {"medium": medium}}])
    assert await told(admin, "FailedMount") == f'MountVolume.SetUp failed for volume "v": {why}'
    assert (await admin.get(pod_pb2.Pod, "a", "default")).status.phase == "Pending"
