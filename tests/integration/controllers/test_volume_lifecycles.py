"""Kubernetes' conformance tests `PersistentVolumes CSI Conformance`, step by step, beside those who look after volumes.

No node has the driver, and no class is there: volume and claim find each other, and nothing is mounted.
"""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.cluster_view import ClusterView

from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.errors import Conflict

pytestmark = pytest.mark.usefixtures("controllers")

DRIVER = "e2e-driver-0f4a3c5e-7d1e-4f6b-9d5c-2f2a1b3c4d5e"
MODES = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"]
OF_TEST = "e2e-pv-pool=this"
KINDS = {PersistentVolume: "", PersistentVolumeClaim: "default"}


async def _create(seen: ClusterView, name: str) -> None:
    """The volume and the claim of that name, which are for each other."""
    common = {"accessModes": MODES, "storageClassName": "of-this-test"}
    csi = {"driver": DRIVER, "volumeHandle": "e2e-conformance"}
    given = {**common, "capacity": {"storage": "2Gi"}, "csi": csi, "persistentVolumeReclaimPolicy": "Retain"}
    wanted = {**common, "resources": {"requests": {"storage": "2Gi"}}}
    for kind, spec in ((PersistentVolume, given), (PersistentVolumeClaim, wanted)):
        about = {"name": name, "labels": {"e2e-pv-pool": "this"}, "namespace": KINDS[kind]}
        made = {"apiVersion": "v1", "kind": kind.DESCRIPTOR.name, "metadata": about, "spec": spec}
        await seen.client.create(builtin_kinds.read(made))


async def _names(seen: ClusterView, kind: Any, selector: str) -> list[str]:
    """In all namespaces."""
    return [each.metadata.name for each in (await seen.client.list(kind, label_selector=selector)).items]


async def _gone(seen: ClusterView, kind: Any, selector: str) -> None:
    informer = seen.informers.volumes if kind is PersistentVolume else seen.informers.claims
    await seen.until(lambda: not informer.list(), f"no {kind.DESCRIPTOR.name}")
    assert await _names(seen, kind, selector) == []


async def test_volume_and_claim_are_found_changed_and_removed_one_by_one_and_together(seen: ClusterView) -> None:
    await _create(seen, "first")
    for kind, namespace in KINDS.items():
        assert await _names(seen, kind, OF_TEST) == ["first"]
        patched = await seen.client.patch(
            kind, "first", namespace, patch={"metadata": {"labels": {"first": "patched"}}}
        )
        assert patched.metadata.labels["first"] == "patched"
        assert (await seen.client.get(kind, "first", namespace)).metadata.uid == patched.metadata.uid
    for kind in (PersistentVolumeClaim, PersistentVolume):
        await seen.client.delete(kind, "first", KINDS[kind])
        await _gone(seen, kind, "first=patched")

    await _create(seen, "second")
    for kind, namespace in KINDS.items():
        while True:  # against those who bind them
            found = await seen.client.get(kind, "second", namespace)
            found.metadata.labels["second"] = "updated"
            try:
                updated = await seen.client.update(found)
                break
            except Conflict:
                continue
        assert updated.metadata.labels["second"] == "updated"
    for kind in (PersistentVolumeClaim, PersistentVolume):
        assert await _names(seen, kind, "second=updated") == ["second"]
        await seen.client.delete_collection(kind, KINDS[kind], label_selector="second=updated")
        await _gone(seen, kind, "second=updated")
