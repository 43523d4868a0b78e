"""Pods that mount claims: what they see, what they wait for, and what stays when they are gone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from podlab_testing import builtin_kinds, storage
from podlab_testing.kubelet_pods import Json
from podlab_testing.memory_node import MemoryKubelet, Until
from podlab_testing.waiting import WITHIN_S

from podlab.api.pods.volumes import LOCAL_PATH, PROVISIONED_BY
from podlab.client.client import Client
from podlab.client.informer import Informer
from podlab.core.v1 import event_pb2
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.errors import Forbidden

IMAGE = "podlab.local/hello:1.0"
HERE = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n1"]}]}]


async def bound(admin: Client, given: PersistentVolume, name: str = "data", **spec: object) -> None:
    """A claim and its volume, bound as the controllers do it."""
    asked = storage.claim(name, volumeName=given.metadata.name, **spec)
    made = await admin.create(asked)
    given.spec.claimRef.namespace, given.spec.claimRef.name = "default", name
    given.spec.claimRef.uid = made.metadata.uid
    kept = await admin.create(given)
    for each in (made, kept):
        each.status.phase = "Bound"
        await admin.update_status(each)


async def pod(admin: Client, name: str = "a", *, mount: Json | None = None, **source: object) -> Pod:
    container = {"name": "web", "image": IMAGE, "volumeMounts": [{"name": "v", "mountPath": "/data", **(mount or {})}]}
    of = source if "ephemeral" in source else {"persistentVolumeClaim": {"claimName": "data", **source}}
    volume = {"name": "v", **of}
    given = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}}
    spec = {"nodeName": "n1", "containers": [container], "volumes": [volume]}
    made = builtin_kinds.read({**given, "spec": spec})
    assert isinstance(made, Pod)
    return await admin.create(made)


def runs(found: Pod | None) -> bool:
    return found is not None and found.status.phase == "Running"


def local_path(root: Path, name: str = "pvc-1") -> PersistentVolume:
    return storage.volume(
        name,
        annotations={PROVISIONED_BY: LOCAL_PATH},
        local={"path": str(root / "local-path" / name)},
        nodeAffinity={"required": {"nodeSelectorTerms": HERE}},
        persistentVolumeReclaimPolicy="Delete",
    )


async def told(admin: Client, part: str) -> event_pb2.Event:
    async for batch in admin.watch(event_pb2.Event, "", "default"):
        for change in batch:
            if change.object is not None and part in change.object.message:
                return change.object
    raise AssertionError(part)


@pytest.mark.parametrize(
    ("mount", "source", "where", "writable"),
    [
        ({}, {}, "", True),
        ({"readOnly": True}, {}, "", False),
        ({}, {"readOnly": True}, "", False),
        ({"subPath": "deep/er"}, {}, "deep/er", True),
    ],
)
async def test_a_pod_sees_the_directory_behind_its_claim(
    admin: Client,
    kubelet: MemoryKubelet,
    until: Until,
    tmp_path: Path,
    mount: Json,
    source: Json,
    where: str,
    writable: bool,
) -> None:
    (tmp_path / "disk").mkdir()
    await bound(admin, storage.volume(hostPath={"path": str(tmp_path / "disk")}))
    await pod(admin, mount=mount, **source)
    await until("a", runs)
    directory, may_write = kubelet.runtime.mounted["web"]["/data"]
    assert (directory.samefile(tmp_path / "disk" / where), may_write) == (True, writable)


async def test_a_volume_for_one_pod_goes_on_to_the_next_when_the_first_has_ended(
    admin: Client, kubelet: MemoryKubelet, until: Until, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    modes = ["ReadWriteOncePod"]
    given = storage.volume(hostPath={"path": str(tmp_path / "disk")}, accessModes=modes)
    await bound(admin, given, accessModes=modes)
    await pod(admin)
    await until("a", runs)
    await pod(admin, "b")
    await told(admin, "volume uses the ReadWriteOncePod access mode and is already in use by another pod")
    await admin.delete(Pod, "a", "default")
    await until("b", runs)


async def test_an_ephemeral_volume_is_its_own_pods_claim(
    admin: Client, kubelet: MemoryKubelet, until: Until, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    await bound(admin, storage.volume(hostPath={"path": str(tmp_path / "disk")}), "a-v")
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    made = await pod(admin, ephemeral={"volumeClaimTemplate": {"spec": spec}})
    await told(admin, "PVC default/a-v was not created for pod default/a (pod is not owner)")
    claim = await admin.get(PersistentVolumeClaim, "a-v", "default")
    claim.metadata.ownerReferences.add(apiVersion="v1", kind="Pod", name="a", uid=made.metadata.uid, controller=True)
    await admin.update(claim)
    await until("a", runs)
    directory, _ = kubelet.runtime.mounted["web"]["/data"]
    assert directory == tmp_path / "disk"


async def test_a_local_path_volume_is_made_at_the_first_mount_and_keeps_its_data_over_pods_and_kubelets(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    await bound(admin, local_path(kubelet.root))
    await pod(admin)
    await until("a", runs)
    directory, _ = kubelet.runtime.mounted["web"]["/data"]
    assert directory.stat().st_mode & 0o777 == 0o777
    (directory / "kept").write_text("data")
    held = await admin.get(PersistentVolume, "pvc-1")
    assert LOCAL_PATH in held.metadata.finalizers
    await kubelet.kill()
    await kubelet.start()
    await admin.delete(Pod, "a", "default")
    await until("a", lambda found: found is None)
    await pod(admin, "b")
    await until("b", runs)
    assert (directory / "kept").read_text() == "data"


async def test_the_data_of_a_released_volume_is_removed_by_its_node_and_only_on_its_word(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    await bound(admin, local_path(kubelet.root))
    await pod(admin)
    await until("a", runs)
    directory, _ = kubelet.runtime.mounted["web"]["/data"]
    unknown = kubelet.root / "local-path" / "pvc-unknown"
    unknown.mkdir()
    await admin.delete(Pod, "a", "default")
    await until("a", lambda found: found is None)
    volume = await admin.get(PersistentVolume, "pvc-1")
    volume.status.phase = "Released"
    volume = await admin.update_status(volume)
    volume.metadata.finalizers.remove("kubernetes.io/pv-protection")
    await admin.update(volume)
    assert directory.exists()
    volumes = Informer(admin, PersistentVolume)
    gone = asyncio.Event()
    volumes.on_change(lambda change: gone.set() if change.new is None else None)
    following = asyncio.create_task(volumes.run())
    await volumes.synced.wait()
    await admin.delete(PersistentVolume, "pvc-1")
    async with asyncio.timeout(WITHIN_S):
        await gone.wait()
    following.cancel()
    assert not directory.exists()
    assert unknown.exists(), "what the API does not know is not removed"


async def test_a_pod_says_what_its_claim_lacks_and_starts_when_it_has_it(
    admin: Client, kubelet: MemoryKubelet, until: Until, tmp_path: Path
) -> None:
    await pod(admin)
    why = 'failed to fetch PVC from API server: persistentvolumeclaims "data" not found'
    assert (await told(admin, f"error processing PVC default/data: {why}")).reason == "FailedMount"
    made = await admin.create(storage.claim())
    assert (await told(admin, "error processing PVC default/data: PVC is not bound")).type == "Warning"
    made.metadata.ClearField("resourceVersion")
    made.spec.volumeName = "disk"
    made = await admin.update(made)
    disk = storage.volume(
        local={"path": str(tmp_path / "disk")}, nodeAffinity={"required": {"nodeSelectorTerms": HERE}}
    )
    disk.spec.claimRef.namespace, disk.spec.claimRef.name, disk.spec.claimRef.uid = "default", "data", made.metadata.uid
    await admin.create(disk)
    made.status.phase = "Bound"
    await admin.update_status(made)
    assert (await told(admin, f'local volume: path "{tmp_path}/disk" does not exist')).reason == "FailedMount"
    (tmp_path / "disk").mkdir()
    await until("a", runs)


async def test_a_node_may_say_that_it_holds_a_volume_and_nothing_else_of_it(
    admin: Client, kubelet: MemoryKubelet
) -> None:
    await bound(admin, local_path(kubelet.root))
    volume = await kubelet.client.get(PersistentVolume, "pvc-1")
    volume.spec.persistentVolumeReclaimPolicy = "Retain"
    with pytest.raises(Forbidden, match=r"can only update the finalizer podlab\.io/local-path of volumes on itself"):
        await kubelet.client.update(volume)
    elsewhere = local_path(kubelet.root, "pvc-2")
    requirement = elsewhere.spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0]
    requirement.values[:] = ["n2"]
    await admin.create(elsewhere)
    for kind, name in ((PersistentVolume, "pvc-2"), (PersistentVolumeClaim, "data")):
        with pytest.raises(Forbidden, match="no relationship found between node 'n1' and this object"):
            await kubelet.client.get(kind, name, "default" if kind is PersistentVolumeClaim else "")
