"""Scheduler, controllers and API server together give a pod its volume, and the pod the node where that is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from podlab_testing import storage
from podlab_testing.cluster import Cluster
from podlab_testing.scheduling_cluster import AddNode, RunningScheduler, SchedulerPods

from master.controllers.framework.informers import Informers
from master.controllers.storage.persistentvolume.controller import PersistentVolumeController
from master.controllers.storage.provisioner.controller import LocalPathProvisioner
from master.controllers.storage.storageprotection import StorageProtectionController
from podlab.api.pods.volumes import NO_PROVISIONER, is_bound, local_path_node
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim


@pytest.fixture(autouse=True)
async def controllers(cluster: Cluster) -> AsyncIterator[None]:
    """Those of volumes. (The one of nodes would find their kubelets missing.)"""
    client = await cluster.client("system:kube-controller-manager")
    informers, recorder = Informers(client), EventRecorder(client, "test")
    loops = (
        PersistentVolumeController(client, informers, recorder),
        LocalPathProvisioner(client, informers, recorder),
        StorageProtectionController(client, informers),
    )
    tasks = [asyncio.create_task(informers.run())]
    await informers.synced()
    tasks += [asyncio.create_task(one.run()) for one in loops]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def mounting(*claims: str) -> Any:
    def change(pod: Pod) -> None:
        for each in claims:
            pod.spec.volumes.add(name=each).volumeSource.persistentVolumeClaim.claimName = each

    return change


def unclassed(name: str) -> PersistentVolumeClaim:
    """A claim that takes the default class."""
    made = storage.claim(name)
    made.spec.ClearField("storageClassName")
    return made


async def claimed(admin: Client, name: str) -> tuple[PersistentVolumeClaim, PersistentVolume]:
    claim = await admin.get(PersistentVolumeClaim, name, "default")
    return claim, await admin.get(PersistentVolume, claim.spec.volumeName)


async def test_a_pod_with_a_claim_of_the_default_class_gets_a_directory_on_its_node(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode, admin: Client
) -> None:
    for name in ("n1", "n2"):
        await add_node(name)
    await admin.create(unclassed("data"))
    await pods.create("first", change=mounting("data"))
    node = await pods.bound("first")
    claim, volume = await claimed(admin, "data")
    assert is_bound(claim)
    assert local_path_node(volume) == node
    for number in range(3):
        await pods.create(f"later-{number}", change=mounting("data"))
        assert await pods.bound(f"later-{number}") == node, "where its data is"


async def test_a_pod_waits_for_its_claim_and_says_so(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode, admin: Client
) -> None:
    await add_node("n1")
    await pods.create("web", change=mounting("data"))
    await pods.refused("web", '0/1 nodes are available: persistentvolumeclaim "data" not found.')
    await admin.create(storage.claim(storageClassName=""))
    await pods.refused("web", "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.")
    await admin.create(storage.volume(storageClassName=""))
    assert await pods.bound("web") == "n1"


async def test_volumes_made_by_hand_draw_their_pods_to_their_nodes(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode, admin: Client
) -> None:
    for name in ("n1", "n2"):
        await add_node(name)
    await admin.create(storage.storage_class(provisioner=NO_PROVISIONER, delayed=True))
    terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n2"]}]}]
    for name in ("one", "two"):
        affinity = {"required": {"nodeSelectorTerms": terms}}
        await admin.create(storage.volume(name, local={"path": f"/mnt/{name}"}, nodeAffinity=affinity))
        await admin.create(storage.claim(f"of-{name}"))
    for name in ("one", "two"):
        await pods.create(name, change=mounting(f"of-{name}"))
    assert [await pods.bound(name) for name in ("one", "two")] == ["n2", "n2"]
    given = {(await claimed(admin, f"of-{name}"))[1].metadata.name for name in ("one", "two")}
    assert given == {"one", "two"}, "each has its own"
