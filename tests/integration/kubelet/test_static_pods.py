"""Pods that files of a node describe, and what the API server is shown of them, on a runtime in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.cluster import Cluster
from podlab_testing.memory_node import MemoryKubelet, MemoryRuntime, Until
from podlab_testing.waiting import WITHIN_S

from podlab.client.absent import AbsentServer
from podlab.client.client import Client
from podlab.core.v1 import event_pb2, node_pb2, pod_pb2
from podlab.errors import Forbidden, Invalid

IMAGE = "podlab.local/hello:1.0"
MIRROR = "kubernetes.io/config.mirror"


@pytest.fixture
async def node(admin: Client) -> node_pb2.Node:
    made = builtin_kinds.read({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}})
    assert isinstance(made, node_pb2.Node)
    return await admin.create(made)


@pytest.fixture
def manifests(root: Path) -> Path:
    directory = root / "manifests"
    directory.mkdir()
    return directory


def _write(manifests: Path, text: str = "", **spec: object) -> None:
    """By way of another name, as whoever does not want half a file to be read."""
    beside = manifests / ".web.yaml"
    more = "".join(f"  {name}: {value}\n" for name, value in spec.items())
    beside.write_text(
        text
        or f"""apiVersion: v1
kind: Pod
metadata: {{name: web, labels: {{app: web}}}}
spec:
  terminationGracePeriodSeconds: 2
{more}  containers: [{{name: web, image: "{IMAGE}"}}]
"""
    )
    beside.rename(manifests / "web.yaml")


def _runs(pod: pod_pb2.Pod | None) -> bool:
    return pod is not None and pod.status.phase == "Running" and not pod.metadata.HasField("deletionTimestamp")


def _gone(pod: pod_pb2.Pod | None) -> bool:
    return pod is None


def _another(before: pod_pb2.Pod) -> Callable[[pod_pb2.Pod | None], bool]:
    return lambda pod: pod is not None and _runs(pod) and pod.metadata.uid != before.metadata.uid


async def _comes(is_there: Callable[[], Awaitable[bool]]) -> None:
    """Neither a file's being read nor a runtime in memory tells anybody."""
    async with asyncio.timeout(WITHIN_S):
        while not await is_there():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def _alive(runtime: MemoryRuntime, uid: str, wanted: int) -> None:
    async def is_so() -> bool:
        return len((await runtime.pod(uid)).alive) == wanted

    await _comes(is_so)


async def test_a_pod_of_a_file_runs_and_is_seen_until_its_file_goes(
    kubelet: MemoryKubelet, runtime: MemoryRuntime, until: Until, manifests: Path, node: node_pb2.Node
) -> None:
    _write(manifests)
    mirror = await until("web-n1", _runs)
    uid = mirror.metadata.annotations["kubernetes.io/config.hash"]
    assert mirror.metadata.annotations[MIRROR] == uid != mirror.metadata.uid
    assert mirror.metadata.annotations["kubernetes.io/config.source"] == "file"
    assert [(owner.kind, owner.uid) for owner in mirror.metadata.ownerReferences] == [("Node", node.metadata.uid)]
    assert mirror.status.containerStatuses[0].containerID
    assert (await runtime.pod(mirror.metadata.uid)).containers == (), "the mirror itself does not run"
    await _alive(runtime, uid, 1)
    (manifests / "web.yaml").unlink()
    await until("web-n1", _gone)
    assert (await runtime.pod(uid)).sandboxes == ()


async def test_a_mirror_that_is_deleted_comes_back_and_its_pod_runs_on(
    kubelet: MemoryKubelet, runtime: MemoryRuntime, until: Until, manifests: Path, node: node_pb2.Node, admin: Client
) -> None:
    _write(manifests)
    before = await until("web-n1", _runs)
    await admin.delete(pod_pb2.Pod, "web-n1", "default")
    after = await until("web-n1", _another(before))
    assert after.status.containerStatuses[0].containerID == before.status.containerStatuses[0].containerID
    await admin.delete(pod_pb2.Pod, "web-n1", "default", grace_period_s=0)
    again = await until("web-n1", _another(after))
    assert again.status.containerStatuses[0].containerID == before.status.containerStatuses[0].containerID


async def test_a_changed_file_is_another_pod_under_the_same_name(
    kubelet: MemoryKubelet, runtime: MemoryRuntime, until: Until, manifests: Path, node: node_pb2.Node
) -> None:
    _write(manifests)
    before = await until("web-n1", _runs)
    _write(manifests, hostNetwork="true")
    after = await until("web-n1", _another(before))
    assert after.spec.hostNetwork
    assert after.status.containerStatuses[0].containerID != before.status.containerStatuses[0].containerID
    await _alive(runtime, before.metadata.annotations[MIRROR], 0)


async def test_a_malformed_file_is_told_of_and_runs_once_it_is_mended(
    kubelet: MemoryKubelet, until: Until, manifests: Path, node: node_pb2.Node, admin: Client
) -> None:
    _write(manifests, "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {}\n")

    async def is_told() -> bool:
        of_node = [event for event in (await admin.list(event_pb2.Event)).items if event.involvedObject.kind == "Node"]
        messages.update(event.message for event in of_node if event.reason == "FailedValidation")
        return bool(messages)

    messages = set[str]()
    await _comes(is_told)
    why = "invalid pod: spec.containers: Required value"
    assert messages == {f"Error validating static pod {manifests}/web.yaml: {why}"}
    _write(manifests)
    await until("web-n1", _runs)


async def test_a_restarted_kubelet_takes_its_pod_over_and_ends_that_of_a_file_that_went_meanwhile(
    kubelet: MemoryKubelet, runtime: MemoryRuntime, until: Until, manifests: Path, node: node_pb2.Node
) -> None:
    _write(manifests)
    before = await until("web-n1", _runs)
    await kubelet.kill()
    await kubelet.start()
    assert (await until("web-n1", _runs)).status == before.status
    await kubelet.kill()
    (manifests / "web.yaml").unlink()
    await kubelet.start()
    await until("web-n1", _gone)
    await _alive(runtime, before.metadata.annotations[MIRROR], 0)


async def test_without_an_api_server_the_pod_runs_and_ends_all_the_same(
    runtime: MemoryRuntime, root: Path, manifests: Path
) -> None:
    _write(manifests)
    alone = MemoryKubelet(AbsentServer(), runtime, root)

    async def runs() -> bool:
        return any(pod.alive for pod in (await runtime.pods()).values())

    async def is_gone() -> bool:
        return not await runtime.pods()

    await alone.start()
    try:
        await _comes(runs)
        (manifests / "web.yaml").unlink()
        await _comes(is_gone)
    finally:
        await alone.kill()


async def test_a_node_may_make_mirror_pods_of_itself_alone(
    cluster: Cluster, admin: Client, node: node_pb2.Node
) -> None:
    owner = {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": node.metadata.uid, "controller": True}

    def pod(at: str, **annotations: str) -> pod_pb2.Pod:
        made = builtin_kinds.read({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": "a", "namespace": "default", "ownerReferences": [owner],
                "annotations": {f"kubernetes.io/config.{name}": value for name, value in annotations.items()},
            },
            "spec": {"nodeName": at, "containers": [{"name": "a", "image": IMAGE}]},
        })  # fmt: skip
        assert isinstance(made, pod_pb2.Pod)
        return made

    kubelet = await cluster.client("system:node:n1")
    with pytest.raises(Forbidden, match="can only create mirror pods"):
        await kubelet.create(pod("n1"))
    with pytest.raises(Forbidden, match=r"can only create pods with spec\.nodeName set to itself"):
        await kubelet.create(pod("n2", mirror="x"))
    made = await kubelet.create(pod("n1", mirror="x"))
    assert made.spec.serviceAccountName == ""
    del made.metadata.annotations[MIRROR]
    with pytest.raises(Invalid, match="may not remove or update mirror pod annotation"):
        await admin.update(made)
    with pytest.raises(Invalid, match="if mirror pod annotation is set"):
        await admin.create(pod("", mirror="x"))
