"""Patches over gRPC, against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from podlab_testing.cluster import Cluster

from podlab.apps.v1 import deployment_pb2
from podlab.client.client import Client
from podlab.core.v1 import config_pb2, node_pb2, pod_pb2, service_pb2
from podlab.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound, UnsupportedMediaType
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2 as pb

Make = Callable[..., Any]


def deployment() -> deployment_pb2.Deployment:
    made = deployment_pb2.Deployment(metadata=meta_pb2.ObjectMeta(name="web", namespace="default"))
    made.spec.selector.matchLabels["app"] = "web"
    made.spec.template.metadata.labels["app"] = "web"
    made.spec.template.spec.containers.add(name="main", image="podlab.local/hello:1.0")
    return made


async def test_a_strategic_patch_changes_one_container_as_kubectl_set_image_does(admin: Client) -> None:
    created = await admin.create(deployment())
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "podlab.local/hello:2.0"}]}}}}
    patched = await admin.patch(deployment_pb2.Deployment, "web", "default", patch=patch)
    container = patched.spec.template.spec.containers[0]
    assert (container.image, container.imagePullPolicy) == ("podlab.local/hello:2.0", "IfNotPresent")
    assert patched.metadata.generation == 2
    assert patched.metadata.uid == created.metadata.uid
    assert await admin.get(deployment_pb2.Deployment, "web", "default") == patched
    again = await admin.patch(deployment_pb2.Deployment, "web", "default", patch=patch)
    assert again.metadata.resourceVersion == patched.metadata.resourceVersion


async def test_merge_and_json_patches_as_kubectl_label_and_patch_send_them(admin: Client, config_map: Make) -> None:
    await admin.create(config_map(colour="blue", size="big"))
    merge = {"metadata": {"labels": {"tier": "front"}}, "data": {"colour": None}}
    merged = await admin.patch(config_pb2.ConfigMap, "settings", "default", patch=merge, patch_type=pb.PATCH_TYPE_MERGE)
    assert (dict(merged.data), dict(merged.metadata.labels)) == ({"size": "big"}, {"tier": "front"})
    operations = [
        {"op": "test", "path": "/data/size", "value": "big"},
        {"op": "add", "path": "/metadata/labels/example.com~1team", "value": "a"},
        {"op": "move", "from": "/data/size", "path": "/data/extent"},
    ]
    changed = await admin.patch(
        config_pb2.ConfigMap, "settings", "default", patch=operations, patch_type=pb.PATCH_TYPE_JSON
    )
    assert dict(changed.data) == {"extent": "big"}
    assert dict(changed.metadata.labels) == {"tier": "front", "example.com/team": "a"}


async def test_what_a_patch_makes_is_checked_like_an_update(admin: Client, pod: Make, service: Make) -> None:
    await admin.create(pod())
    with pytest.raises(Invalid, match="pod updates may not change fields"):
        await admin.patch(pod_pb2.Pod, "web", "default", patch={"spec": {"hostNetwork": True}})
    with pytest.raises(Invalid) as refused:
        await admin.patch(pod_pb2.Pod, "web", "default", patch={"spec": {"nodeNam": "x"}})
    assert [cause.field for cause in refused.value.causes] == ["spec.nodeNam"]
    with pytest.raises(Conflict, match="UID in precondition"):
        await admin.patch(pod_pb2.Pod, "web", "default", patch={"metadata": {"uid": "another"}})
    with pytest.raises(NotFound, match='pods "none" not found'):
        await admin.patch(pod_pb2.Pod, "none", "default", patch={})
    created = await admin.create(service())
    ports = {"spec": {"type": "NodePort", "ports": [{"port": 80, "targetPort": 8080}, {"port": 443, "name": "tls"}]}}
    with pytest.raises(Invalid, match=r"spec.ports\[0\].name: Required value"):
        await admin.patch(service_pb2.Service, "web", "default", patch=ports)
    ports["spec"]["ports"][0]["name"] = "http"  # type: ignore[index]
    patched = await admin.patch(service_pb2.Service, "web", "default", patch=ports)
    assert patched.spec.clusterIP == created.spec.clusterIP
    assert len({port.nodePort for port in patched.spec.ports} - {0}) == 2


async def test_malformed_patches_are_told_apart(admin: Client, config_map: Make) -> None:
    await admin.create(config_map(colour="blue"))

    async def refused(patch: Any, patch_type: Any) -> None:
        await admin.patch(config_pb2.ConfigMap, "settings", "default", patch=patch, patch_type=patch_type)

    with pytest.raises(BadRequest, match="error decoding patch: expected a list of operations"):
        await refused({}, pb.PATCH_TYPE_JSON)
    with pytest.raises(Invalid, match='testing value "/data/colour" failed'):
        await refused([{"op": "test", "path": "/data/colour", "value": "red"}], pb.PATCH_TYPE_JSON)
    with pytest.raises(UnsupportedMediaType, match="accepted media types include"):
        await refused({}, pb.PATCH_TYPE_UNSPECIFIED)
    with pytest.raises(BadRequest, match="does not match the name on the URL"):
        await refused({"metadata": {"name": "other"}}, pb.PATCH_TYPE_MERGE)


async def test_status_is_patched_apart(admin: Client, pod: Make, config_map: Make) -> None:
    await admin.create(pod())
    both = {
        "spec": {"hostname": "x"},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }
    patched = await admin.patch(pod_pb2.Pod, "web", "default", patch=both, subresource="status")
    assert (patched.status.phase, patched.spec.hostname) == ("Running", "")
    more = {"status": {"phase": "Failed", "conditions": [{"type": "Initialized", "status": "True"}]}}
    patched = await admin.patch(pod_pb2.Pod, "web", "default", patch=more, subresource="status")
    assert {condition.type for condition in patched.status.conditions} == {"Ready", "Initialized"}
    only_labels = {"metadata": {"labels": {"a": "b"}}, "status": {"phase": "Running"}}
    patched = await admin.patch(pod_pb2.Pod, "web", "default", patch=only_labels)
    assert (patched.status.phase, dict(patched.metadata.labels)) == ("Failed", {"a": "b"})
    with pytest.raises(NotFound, match="pods/scale"):
        await admin.patch(pod_pb2.Pod, "web", "default", patch={}, subresource="scale")
    await admin.create(config_map())
    with pytest.raises(BadRequest, match="configmaps have no status"):
        await admin.patch(config_pb2.ConfigMap, "settings", "default", patch={}, subresource="status")


async def test_a_dry_run_of_a_patch_stores_nothing(admin: Client, config_map: Make) -> None:
    created = await admin.create(config_map())
    answer = await admin.patch(config_pb2.ConfigMap, "settings", "default", patch={"data": {"a": "b"}}, dry_run=True)
    assert dict(answer.data) == {"a": "b"}
    assert await admin.get(config_pb2.ConfigMap, "settings", "default") == created


async def test_a_patch_with_a_stale_revision_is_a_conflict(admin: Client, config_map: Make) -> None:
    created = await admin.create(config_map())
    stale = {"metadata": {"resourceVersion": created.metadata.resourceVersion}, "data": {"a": "b"}}
    await admin.patch(config_pb2.ConfigMap, "settings", "default", patch=stale)
    with pytest.raises(Conflict, match="the object has been modified"):
        await admin.patch(config_pb2.ConfigMap, "settings", "default", patch=stale)


async def test_patches_of_different_parts_at_once_are_all_there_in_the_end(admin: Client, config_map: Make) -> None:
    await admin.create(config_map())
    results = await asyncio.gather(
        *(
            admin.patch(config_pb2.ConfigMap, "settings", "default", patch={"data": {f"k{number}": "v"}})
            for number in range(5)
        )
    )
    assert len(results) == 5
    assert len((await admin.get(config_pb2.ConfigMap, "settings", "default")).data) == 5


async def test_who_may_patch(cluster: Cluster, admin: Client, pod: Make, node: Make) -> None:
    jane, kubelet = await cluster.client("jane"), await cluster.client("system:node:n1")
    mine, theirs = await admin.create(pod("mine", node="n1")), await admin.create(pod("theirs", node="n2"))
    with pytest.raises(Forbidden, match='User "jane" cannot patch resource "pods"'):
        await jane.patch(pod_pb2.Pod, "mine", "default", patch={})
    running = {"status": {"phase": "Running"}}
    patched = await kubelet.patch(pod_pb2.Pod, mine.metadata.name, "default", patch=running, subresource="status")
    assert patched.status.phase == "Running"
    for name, subresource in ((theirs.metadata.name, "status"), (mine.metadata.name, "")):
        with pytest.raises(Forbidden):
            await kubelet.patch(pod_pb2.Pod, name, "default", patch=running, subresource=subresource)
    await kubelet.create(node("n1"))
    await kubelet.patch(node_pb2.Node, "n1", patch={"metadata": {"labels": {"disk": "ssd"}}})
    with pytest.raises(Forbidden, match="is not allowed to modify taints"):
        await kubelet.patch(node_pb2.Node, "n1", patch={"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}})
