"""Volumes of the example's driver of volumes, which runs as a program of its own, through the API server."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from podlab_testing import builtin_kinds, waiting
from podlab_testing.memory_node import MemoryKubelet, Until
from podlab_testing.source_code import PROJECT
from podlab_testing.told_events import told

from node.kubelet.volume import mounter
from podlab.api.pods.attachments import attachment_name
from podlab.client.client import Client
from podlab.core.v1 import config_pb2, node_pb2, pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.storage.v1.csi_pb2 import CSINode
from podlab.storage.v1.volumeattachment_pb2 import VolumeAttachment

DRIVER = "files.example.com"
MISSING = f"driver name {DRIVER} not found in the list of registered CSI drivers"
FAILED = 'MountVolume.SetUp failed for volume "v" : '
IMAGE = "podlab.local/hello:1.0"
Start = Callable[[], None]


@pytest.fixture
def driver(kubelet: MemoryKubelet, tmp_path: Path) -> Iterator[Start]:
    """Starts it; it ends with the test."""
    running: list[subprocess.Popen[bytes]] = []
    environment = {**os.environ, "KUBELET": str(kubelet.root), "DATA": str(tmp_path / "data")}

    def start() -> None:
        program = [sys.executable, str(PROJECT / "examples/csi/driver.py"), DRIVER, "n1"]
        running.append(subprocess.Popen(program, env=environment, stdout=subprocess.DEVNULL))

    (kubelet.root / "plugins_registry").mkdir(parents=True, exist_ok=True)
    yield start
    for each in running:
        each.terminate()
        each.wait(10)


def _read(data: dict[str, Any]) -> Any:
    return builtin_kinds.read(data)


async def _told_of(admin: Client, **spec: Any) -> None:
    """The driver's CSIDriver, and the Node that it is on."""
    node = node_pb2.Node()
    node.metadata.name = "n1"
    await admin.create(node)
    made = {
        "attachRequired": False,
        "podInfoOnMount": True,
        "volumeLifecycleModes": ["Persistent", "Ephemeral"],
        **spec,
    }
    driver = {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": DRIVER}, "spec": made}
    await admin.create(_read(driver))


def _pod(name: str, source: dict[str, Any], **spec: Any) -> Any:
    container = {"name": name, "image": IMAGE, "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    volumes = [{"name": "v", **source}]
    data = {"nodeName": "n1", "containers": [container], "volumes": volumes, "terminationGracePeriodSeconds": 1, **spec}
    return _read({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": data})


async def _claimed(admin: Client, mode: str = "Filesystem", **csi: Any) -> None:
    """A volume of the driver, bound to claim c."""
    about = {"name": "c", "namespace": "default"}
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": "pv", "volumeMode": mode}
    asked = {**spec, "resources": {"requests": {"storage": "1Gi"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": about, "spec": asked}
    made = await admin.create(_read(claim))
    source = {"driver": DRIVER, "volumeHandle": "kept", **csi}
    given = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "csi": source, "volumeMode": mode}
    volume = {**given, "claimRef": {**about, "uid": made.metadata.uid}}
    await admin.create(
        _read({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"}, "spec": volume})
    )
    made.status.phase = "Bound"
    made.status.capacity["storage"].string = "1Gi"
    await admin.update_status(made)


def _running(pod: pod_pb2.Pod) -> bool:
    return pod.status.phase == "Running"


async def test_a_driver_is_told_of_and_makes_a_volume_for_a_pod(
    admin: Client, kubelet: MemoryKubelet, until: Until, driver: Start, tmp_path: Path
) -> None:
    """Conformance: CSIInlineVolumes, CSINodes."""
    await _told_of(admin)
    source = {"csi": {"driver": DRIVER, "readOnly": True, "volumeAttributes": {"greeting": "hello"}}}
    pod = await admin.create(_pod("a", source))
    assert await told(admin, "FailedMount") == FAILED + MISSING
    driver()
    await until("a", _running)
    nodes = await admin.get(CSINode, "n1")
    (told_of,) = nodes.spec.drivers
    assert (told_of.name, told_of.nodeID, told_of.allocatable.count) == (DRIVER, "n1", 5)
    node = await admin.get(node_pb2.Node, "n1")
    assert node.metadata.annotations["csi.volume.kubernetes.io/nodeid"] == f'{{"{DRIVER}":"n1"}}'
    assert node.metadata.labels[f"topology.{DRIVER}/node"] == "n1"
    path, writable = kubelet.runtime.mounted["a"]["/v"]
    assert (path / "greeting").read_text() == "hello\n"
    assert not writable
    with pytest.raises(OSError, match="Read-only"):
        (path / "more").touch()
    await admin.delete(pod_pb2.Pod, "a", "default")
    await until("a", lambda pod: pod is None)
    assert not mounter.mounted_below(kubelet.root / "pods" / pod.metadata.uid)
    assert not list((tmp_path / "data").iterdir())


async def test_a_volume_is_staged_once_for_the_pods_of_a_node_and_keeps_its_files(
    admin: Client, kubelet: MemoryKubelet, until: Until, driver: Start, tmp_path: Path
) -> None:
    await _told_of(admin, fsGroupPolicy="File")
    await _claimed(admin)
    driver()
    claim = {"persistentVolumeClaim": {"claimName": "c"}}
    for name in ("a", "b"):
        await admin.create(_pod(name, claim, securityContext={"fsGroup": 1234}))
        await until(name, _running)
    path, writable = kubelet.runtime.mounted["a"]["/v"]
    assert writable
    (path / "kept").write_text("x")
    assert (kubelet.runtime.mounted["b"]["/v"][0] / "kept").read_text() == "x"
    assert path.stat().st_gid == 1234
    (staged,) = (kubelet.root / "plugins/kubernetes.io/csi" / DRIVER).glob("*/globalmount")
    await admin.delete(pod_pb2.Pod, "a", "default")
    await until("a", lambda pod: pod is None)
    assert mounter.mounted_below(staged)
    await kubelet.kill()
    await kubelet.start()
    await admin.delete(pod_pb2.Pod, "b", "default")
    await until("b", lambda pod: pod is None)
    assert not staged.exists()
    assert not mounter.mounted_below(kubelet.root)
    assert (tmp_path / "data/kept/kept").read_text() == "x"


async def test_a_volume_waits_for_its_attachment_and_its_secret(
    admin: Client, kubelet: MemoryKubelet, until: Until, driver: Start
) -> None:
    await _told_of(admin, attachRequired=True)
    await _claimed(admin, nodePublishSecretRef={"name": "key", "namespace": "default"})
    driver()
    await admin.create(_pod("a", {"persistentVolumeClaim": {"claimName": "c"}}))
    first = await told(admin, "FailedMount")
    assert "volume kept is not attached to the node yet" in first or "not found in the list" in first
    wish = VolumeAttachment()
    wish.metadata.name = attachment_name(DRIVER, "kept", "n1")
    wish.spec.attacher, wish.spec.nodeName, wish.spec.source.persistentVolumeName = DRIVER, "n1", "pv"
    made = await admin.create(wish)
    made.status.attached = True
    await admin.update_status(made)
    missing = "fetching NodePublishSecretRef failed: failed to get secret default/key: "
    await told(admin, "FailedMount", begins=FAILED + missing)
    secret = config_pb2.Secret(data={"k": b"\xff"})
    secret.metadata.name, secret.metadata.namespace = "key", "default"
    made_secret = await admin.create(secret)
    await told(admin, "FailedMount", begins=f"{FAILED}{missing}a value of it is not UTF-8")
    made_secret.data["k"] = b"v"
    await admin.update(made_secret)
    await until("a", _running)


async def test_a_driver_registers_once_its_node_is_there(
    admin: Client, kubelet: MemoryKubelet, until: Until, driver: Start
) -> None:
    driver()
    await admin.create(_pod("a", {"csi": {"driver": DRIVER}}))
    assert await told(admin, "FailedMount") == FAILED + MISSING
    await _told_of(admin)
    await until("a", _running)


async def test_what_a_driver_does_not_have_is_told(
    admin: Client, kubelet: MemoryKubelet, until: Until, driver: Start
) -> None:
    await _told_of(admin, volumeLifecycleModes=["Persistent"])
    driver()
    await admin.create(_pod("a", {"csi": {"driver": DRIVER}}))
    rule = f'volume mode "Ephemeral" not supported by driver {DRIVER} (only supports ["Persistent"])'
    assert await told(admin, "FailedMount", but=FAILED + MISSING) == FAILED + rule


@pytest.mark.parametrize("as_secrets", [False, True])
async def test_a_driver_gets_tokens_of_the_pods_account_and_publishes_again(
    admin: Client, kubelet: MemoryKubelet, until: Until, driver: Start, as_secrets: bool
) -> None:
    asked = [{"audience": "vault", "expirationSeconds": 700}, {"audience": ""}]
    await _told_of(admin, tokenRequests=asked, requiresRepublish=True, serviceAccountTokenInSecrets=as_secrets)
    driver()
    await admin.create(_pod("a", {"csi": {"driver": DRIVER}}))
    await until("a", _running)
    shown = kubelet.runtime.mounted["a"]["/v"][0] / "tokens"
    first = json.loads(shown.read_text())
    assert set(first) == {"vault", ""}
    payload = first["vault"]["token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["aud"], claims["kubernetes.io"]["pod"]["name"]) == (["vault"], "a")
    ends = datetime.fromisoformat(first["vault"]["expirationTimestamp"])
    assert timedelta(seconds=600) < ends - datetime.now(UTC) <= timedelta(seconds=700)
    shown.unlink()
    await waiting.until(shown.exists, "the volume is published again")


async def test_a_volume_that_has_grown_is_enlarged_while_its_pod_runs(
    admin: Client, kubelet: MemoryKubelet, until: Until, driver: Start
) -> None:
    await _told_of(admin)
    await _claimed(admin)
    driver()
    await admin.create(_pod("a", {"persistentVolumeClaim": {"claimName": "c"}}))
    await until("a", _running)
    claim = await admin.get(PersistentVolumeClaim, "c", "default")
    claim.status.conditions.add(type="FileSystemResizePending", status="True")
    claim.status.allocatedResources["storage"].string = "2Gi"
    claim.status.allocatedResourceStatuses["storage"] = "NodeResizePending"
    await admin.update_status(claim)
    volume = await admin.get(PersistentVolume, "pv")
    volume.spec.capacity["storage"].string = "2Gi"  # as the driver's own controller says when it has enlarged it
    await admin.update(volume)
    told_of = await told(admin, "FileSystemResizeSuccessful")
    assert told_of == 'MountVolume.NodeExpandVolume succeeded for volume "pv"'
    status = (await admin.get(PersistentVolumeClaim, "c", "default")).status
    assert status.capacity["storage"].string == "2Gi"
    assert not status.conditions
    assert not status.allocatedResourceStatuses
    volume = await admin.get(PersistentVolume, "pv")
    volume.spec.capacity["storage"].string = "1Ei"
    await admin.update(volume)
    assert "code = OutOfRange desc = the disk has no" in await told(admin, "VolumeResizeFailed")
    assert (await admin.get(PersistentVolumeClaim, "c", "default")).status.capacity["storage"].string == "2Gi"


def _loop_devices(image: Path) -> str:
    command = ["losetup", "--associated", str(image)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _pod_with_device(name: str) -> Any:
    container = {"name": name, "image": IMAGE, "volumeDevices": [{"name": "v", "devicePath": "/dev/data"}]}
    claim = {"persistentVolumeClaim": {"claimName": "c"}}
    return _pod(name, claim, containers=[container])


async def test_a_container_sees_a_volume_as_a_device(
    admin: Client, kubelet: MemoryKubelet, until: Until, driver: Start, tmp_path: Path
) -> None:
    await _told_of(admin)
    await _claimed(admin, mode="Block")
    driver()
    await admin.create(_pod_with_device("a"))
    await until("a", _running)
    device, permissions = kubelet.runtime.devices["a"]["/dev/data"]
    assert (device.is_block_device(), permissions) == (True, "mrw")
    with device.open("r+b") as opened:
        opened.write(b"kept")
    await admin.delete(pod_pb2.Pod, "a", "default")
    await until("a", lambda pod: pod is None)
    assert not device.exists()
    assert not mounter.mounted_below(kubelet.root)
    image = tmp_path / "data/kept/device"
    assert image.read_bytes().startswith(b"kept")
    assert not _loop_devices(image)


@pytest.mark.parametrize(
    ("mode", "used", "told_of"),
    [
        ("Block", "volumeMounts", "volume v has volumeMode Block, but is specified in volumeMounts"),
        ("Filesystem", "volumeDevices", "volume v has volumeMode Filesystem, but is specified in volumeDevices"),
    ],
)
async def test_a_volume_is_used_as_what_its_claim_says(
    admin: Client, kubelet: MemoryKubelet, driver: Start, mode: str, used: str, told_of: str
) -> None:
    await _told_of(admin)
    await _claimed(admin, mode=mode)
    claim = {"persistentVolumeClaim": {"claimName": "c"}}
    await admin.create(_pod("a", claim) if used == "volumeMounts" else _pod_with_device("a"))
    assert (await told(admin, "FailedMount")).endswith(told_of)


async def test_a_driver_tells_how_full_its_volume_is(
    admin: Client, kubelet: MemoryKubelet, until: Until, driver: Start
) -> None:
    await _told_of(admin)
    await _claimed(admin)
    driver()
    await admin.create(_pod("a", {"persistentVolumeClaim": {"claimName": "c"}}))
    pod = await until("a", _running)
    (kubelet.runtime.mounted["a"]["/v"][0] / "file").write_bytes(b"x" * 100_000)
    assert kubelet.runner is not None
    told_of = (await kubelet.runner.volume_stats.read([pod]))[pod.metadata.uid]
    (found,) = (each for each in told_of if each.claim)
    assert (found.volume, found.claim) == ("v", "c")
    assert 100_000 <= found.use.used < 200_000
    assert found.use.capacity > found.use.available > 0
    assert found.use.inodes > found.use.inodes_free > 0
