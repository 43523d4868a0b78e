"""Volumes that show images, through the API server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.memory_node import IMAGE, MemoryKubelet, MemoryRuntime, Until
from podlab_testing.told_events import told

from node.kubelet.volume import mounter
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2

DATA = "podlab.local/data:1.0"


@pytest.fixture
def runtime(runtime: MemoryRuntime, tmp_path: Path) -> MemoryRuntime:
    runtime.files = tmp_path / "images"
    files = runtime.files / f"sha256:{DATA}"
    files.mkdir(parents=True)
    (files / "data.json").write_text("{}")
    return runtime


def _pod(**image: Any) -> Any:
    container = {"name": "main", "image": IMAGE, "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    volume = {"name": "v", "image": {"reference": DATA, **image}}
    spec = {"nodeName": "n1", "containers": [container], "volumes": [volume], "terminationGracePeriodSeconds": 1}
    return builtin_kinds.read(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "default"}, "spec": spec}
    )


async def test_a_container_sees_the_files_of_an_image_and_cannot_change_them(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    """Conformance: ImageVolume, but for the pull."""
    kubelet.runtime.present.add(DATA)
    made = await admin.create(_pod())
    assert made.spec.volumes[0].volumeSource.image.pullPolicy == "IfNotPresent"
    pod = await until("a", lambda pod: pod.status.phase == "Running")
    path, writable = kubelet.runtime.mounted["main"]["/v"]
    assert (path / "data.json").read_text() == "{}"
    assert not writable
    with pytest.raises(OSError, match="Read-only"):
        (path / "more").touch()
    assert kubelet.runtime.shown == {f"podlab-image-volume-{pod.metadata.uid}-v"}
    await kubelet.kill()
    await kubelet.start()
    await admin.delete(pod_pb2.Pod, "a", "default")
    await until("a", lambda pod: pod is None)
    assert not kubelet.runtime.shown
    assert not mounter.mounted_below(kubelet.root)
    assert (kubelet.runtime.files / f"sha256:{DATA}/data.json").exists()


async def test_a_container_waits_for_the_image_of_its_volume(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    await admin.create(_pod(pullPolicy="Always"))
    assert await told(admin, "Failed", but="Error: ErrImagePull") == (
        f'Failed to pull image "{DATA}": failed to pull image "{DATA}": no such host: '
        "the node finds no address of podlab.local"
    )
    pod = await until("a", lambda pod: pod.status.containerStatuses[0].state.waiting.reason == "ErrImagePull")
    assert pod.status.phase == "Pending"
