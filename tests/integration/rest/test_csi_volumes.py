"""Kubernetes' conformance tests of volumes of drivers: objects that are kept, whatever drivers there are.

`PersistentVolumes CSI Conformance` and `CSIInlineVolumes`, whose volumes nobody mounts there, either.
"""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

VOLUMES = "/api/v1/persistentvolumes"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
PODS = "/api/v1/namespaces/default/pods"
DRIVER = "inline-driver-0f4a3c5e-7d1e-4f6b-9d5c-2f2a1b3c4d5e"
MODES = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"]
MERGE = {"Content-Type": "application/merge-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}


async def sent(http: aiohttp.ClientSession, method: str, path: str, body: Any = None, **parts: Any) -> Any:
    async with http.request(method, path, json=body, **parts) as response:
        answer = await response.json()
    assert response.status in (200, 201), answer
    return answer


def volume(**csi: Any) -> dict[str, Any]:
    spec = {
        "capacity": {"storage": "2Gi"},
        "csi": {"driver": DRIVER, "volumeHandle": "e2e-conformance", **csi},
        "accessModes": MODES,
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "by-hand",
        "volumeMode": "Filesystem",
    }
    metadata = {"generateName": "disk-", "creationTimestamp": None, "labels": {"run": "this"}}
    return {"metadata": metadata, "spec": spec, "status": {}}


def claim() -> dict[str, Any]:
    requests = {"requests": {"storage": "1Gi"}}
    spec = {"accessModes": MODES, "resources": requests, "storageClassName": "by-hand", "volumeMode": "Filesystem"}
    return {"metadata": {"generateName": "data-", "creationTimestamp": None}, "spec": spec, "status": {}}


@pytest.mark.parametrize(("path", "body"), [(VOLUMES, volume()), (CLAIMS, claim())], ids=["volume", "claim"])
async def test_volume_and_claim_are_marked_replaced_and_deleted_together(
    http: aiohttp.ClientSession, path: str, body: dict[str, Any]
) -> None:
    made = await sent(http, "POST", path, body)
    name = made["metadata"]["name"]
    found = await sent(http, "PATCH", f"{path}/{name}", {"metadata": {"labels": {name: "patched"}}}, headers=STRATEGIC)
    assert (found["metadata"]["uid"], found["metadata"]["labels"][name]) == (made["metadata"]["uid"], "patched")
    found["metadata"]["labels"] = {name: "updated"}
    found = await sent(http, "PUT", f"{path}/{name}", found)
    assert found["spec"] == made["spec"]
    chosen = {"labelSelector": f"{name}=updated"}
    everywhere = f"/api/v1/{path.rpartition('/')[2]}"
    assert len((await sent(http, "GET", everywhere, params=chosen))["items"]) == 1
    await sent(http, "DELETE", path, params=chosen)
    # Both are kept while they may be in use: who looks after that takes the finalizer away.
    left = (await sent(http, "GET", everywhere, params=chosen))["items"]
    assert all("deletionTimestamp" in each["metadata"] for each in left)


async def test_their_status_is_patched_and_replaced(http: aiohttp.ClientSession) -> None:
    made = (await sent(http, "POST", VOLUMES, volume()))["metadata"]["name"]
    below = f"{VOLUMES}/{made}/status"
    patch = {"status": {"message": "StatusPatched", "reason": "E2E patchStatus"}}
    found = await sent(http, "PATCH", below, patch, headers=MERGE)
    assert patch["status"].items() <= found["status"].items()
    found["status"] |= {"message": "StatusUpdated", "reason": "E2E updateStatus"}
    found = await sent(http, "PUT", below, found)
    assert (found["status"]["message"], found["status"]["reason"]) == ("StatusUpdated", "E2E updateStatus")

    made = (await sent(http, "POST", CLAIMS, claim()))["metadata"]["name"]
    below = f"{CLAIMS}/{made}/status"
    said = {"type": "StatusPatched", "status": "True", "reason": "E2E patchedStatus", "message": "Set from a test"}
    found = await sent(http, "PATCH", below, {"status": {"conditions": [said]}}, headers=MERGE)
    found["status"]["conditions"].append({**said, "type": "StatusUpdated", "lastTransitionTime": None})
    found = await sent(http, "PUT", below, found)
    assert [each["type"] for each in found["status"]["conditions"]] == ["StatusPatched", "StatusUpdated"]
    assert found["status"]["phase"] == "Pending"


async def test_a_pod_with_volumes_of_a_driver_is_kept_as_it_was_said(http: aiohttp.ClientSession) -> None:
    volumes = [
        {"name": "vol1", "csi": {"driver": "e2e.example.com"}},
        {"name": "vol2", "csi": {"driver": "e2e.example.com", "fsType": "ext4", "readOnly": True}},
    ]
    mounts = [{"name": each["name"], "mountPath": f"/mnt/{each['name']}"} for each in volumes]
    container = {"name": "c", "image": "busybox", "command": ["sh", "-c", "ls /mnt/*"], "volumeMounts": mounts}
    body = {"metadata": {"name": "inline"}, "spec": {"containers": [container], "volumes": volumes}}
    made = await sent(http, "POST", PODS, body)
    assert [each for each in made["spec"]["volumes"] if "csi" in each] == volumes
    async with http.post(PODS, json=body) as again:
        assert again.status == 409
    await sent(http, "DELETE", f"{PODS}/inline")


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        (VOLUMES, volume(driver=""), "spec.csi.driver: Required value"),
        (VOLUMES, volume(driver="a_b"), 'spec.csi.driver: Invalid value: "a_b"'),
        (VOLUMES, volume(volumeHandle=""), "spec.csi.volumeHandle: Required value"),
        (VOLUMES, volume(nodeStageSecretRef={"name": "s"}), "spec.csi.nodeStageSecretRef.namespace: Required value"),
        (
            PODS,
            {
                "metadata": {"name": "inline"},
                "spec": {
                    "containers": [{"name": "c", "image": "i"}],
                    "volumes": [{"name": "v", "csi": {"driver": "a.b", "nodePublishSecretRef": {}}}],
                },
            },
            "spec.volumes[0].csi.nodePublishSecretRef.name: Required value",
        ),
    ],
)
async def test_what_no_driver_could_use_is_refused(
    http: aiohttp.ClientSession, path: str, body: dict[str, Any], told: str
) -> None:
    async with http.post(path, json=body) as response:
        answer = await response.json()
    assert response.status == 422
    assert told in answer["message"]
