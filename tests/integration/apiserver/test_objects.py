"""The life of objects over gRPC, against a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from podlab.apps.v1 import deployment_pb2
from podlab.client.client import Client
from podlab.core.v1 import config_pb2, event_pb2, namespace_pb2, pod_pb2, serviceaccount_pb2
from podlab.errors import AlreadyExists, BadRequest, Conflict, Forbidden, Invalid, NotFound
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2

pytestmark = pytest.mark.parametrize("backend", ["sqlite", "etcd"])

Pods = Callable[..., pod_pb2.Pod]
ConfigMaps = Callable[..., config_pb2.ConfigMap]


def deployment(replicas: int = 1) -> deployment_pb2.Deployment:
    made = deployment_pb2.Deployment(metadata=meta_pb2.ObjectMeta(name="web", namespace="default"))
    made.spec.replicas = replicas
    made.spec.selector.matchLabels["app"] = "web"
    made.spec.template.metadata.labels["app"] = "web"
    made.spec.template.spec.containers.add(name="main", image="podlab.local/hello:1.0")
    return made


async def test_what_was_created_can_be_read(admin: Client, config_map: ConfigMaps) -> None:
    created = await admin.create(config_map(colour="blue"))
    assert created.metadata.uid
    assert created.metadata.creationTimestamp.seconds
    assert created.metadata.resourceVersion
    assert await admin.get(config_pb2.ConfigMap, "settings", "default") == created


async def test_the_same_name_is_refused_twice(admin: Client, config_map: ConfigMaps) -> None:
    await admin.create(config_map())
    with pytest.raises(AlreadyExists, match='configmaps "settings" already exists'):
        await admin.create(config_map())


async def test_a_missing_object_is_not_found(admin: Client, config_map: ConfigMaps) -> None:
    with pytest.raises(NotFound, match='configmaps "settings" not found'):
        await admin.get(config_pb2.ConfigMap, "settings", "default")
    with pytest.raises(NotFound):
        await admin.update(config_map())
    with pytest.raises(NotFound):
        await admin.delete(config_pb2.ConfigMap, "settings", "default")


async def test_a_generated_name_is_made_of_its_prefix(admin: Client, pod: Pods) -> None:
    wanted = pod("")
    wanted.metadata.generateName = "web-"
    first, second = await admin.create(wanted), await admin.create(wanted)
    assert first.metadata.name.startswith("web-")
    assert first.metadata.name != second.metadata.name


async def test_a_dry_run_checks_everything_and_stores_nothing(admin: Client, pod: Pods) -> None:
    assert (await admin.create(pod(), dry_run=True)).spec.schedulerName == "default-scheduler"
    with pytest.raises(NotFound):
        await admin.get(pod_pb2.Pod, "web", "default")
    with pytest.raises(Invalid):
        await admin.create(pod("Not A Name"), dry_run=True)


async def test_all_causes_of_an_invalid_object_are_told_with_their_paths(admin: Client, pod: Pods) -> None:
    wanted = pod()
    wanted.spec.containers[0].image = ""
    wanted.spec.containers.add(name="main", image="x")
    with pytest.raises(Invalid) as refused:
        await admin.create(wanted)
    assert {cause.field for cause in refused.value.causes} >= {"spec.containers[0].image", "spec.containers[1].name"}


async def test_a_missing_namespace_is_named(admin: Client, config_map: ConfigMaps) -> None:
    with pytest.raises(NotFound, match='namespaces "nowhere" not found'):
        await admin.create(config_map(namespace="nowhere"))
    with pytest.raises(BadRequest, match="namespace"):
        await admin.create(config_map(namespace=""))


async def test_a_new_pod_is_pending_with_its_class_and_tolerations(admin: Client, pod: Pods) -> None:
    wanted = pod()
    wanted.status.phase = "Running"
    for side in (wanted.spec.containers[0].resources.limits,):
        side["cpu"].string, side["memory"].string = "500m", "64Mi"
    created = await admin.create(wanted)
    assert (created.status.phase, created.status.qosClass) == ("Pending", "Guaranteed")
    assert {(t.key, t.tolerationSeconds) for t in created.spec.tolerations} == {
        ("node.kubernetes.io/not-ready", 300),
        ("node.kubernetes.io/unreachable", 300),
    }


async def test_of_two_writers_with_the_same_revision_one_wins(admin: Client, config_map: ConfigMaps) -> None:
    created = await admin.create(config_map())
    created.data["who"] = "first"
    await admin.update(created)
    created.data["who"] = "second"
    with pytest.raises(Conflict, match="the object has been modified"):
        await admin.update(created)


async def test_an_update_that_changes_nothing_writes_nothing(admin: Client) -> None:
    created = await admin.create(deployment())
    assert (await admin.update(created)).metadata.resourceVersion == created.metadata.resourceVersion


async def test_the_generation_follows_the_spec_alone(admin: Client) -> None:
    current = await admin.create(deployment())
    assert current.metadata.generation == 1
    current.metadata.labels["a"] = "b"
    current = await admin.update(current)
    assert current.metadata.generation == 1
    current.status.replicas = 7
    current = await admin.update_status(current)
    assert (current.metadata.generation, current.status.replicas) == (1, 7)
    current.spec.replicas = 2
    current.status.replicas = 0
    current = await admin.update(current)
    assert (current.metadata.generation, current.status.replicas) == (2, 7)


async def test_a_status_update_leaves_the_spec_alone(admin: Client, pod: Pods) -> None:
    created = await admin.create(pod())
    created.spec.nodeName = "n9"
    created.metadata.labels["a"] = "b"
    created.status.phase = "Running"
    updated = await admin.update_status(created)
    assert (updated.spec.nodeName, updated.status.phase, dict(updated.metadata.labels)) == ("", "Running", {})


async def test_a_manifest_sent_again_keeps_identity_and_status(admin: Client, pod: Pods) -> None:
    first, again = pod(), pod(tier="front")
    for sent in (first, again):  # what a pod gets once, a manifest that is sent again has to name
        sent.spec.serviceAccountName, sent.spec.automountServiceAccountToken = "default", False
    created = await admin.create(first)
    updated = await admin.update(again)
    assert updated.metadata.uid == created.metadata.uid
    assert updated.metadata.creationTimestamp == created.metadata.creationTimestamp
    assert updated.status.phase == "Pending"
    assert dict(updated.metadata.labels) == {"tier": "front"}


async def test_secrets_take_text_and_give_bytes(admin: Client) -> None:
    secret = config_pb2.Secret(metadata=meta_pb2.ObjectMeta(name="s", namespace="default"), stringData={"a": "b"})
    created = await admin.create(secret)
    assert dict(created.data) == {"a": b"b"}
    assert not created.stringData


async def test_a_finalizer_holds_an_object_until_it_is_gone(admin: Client, config_map: ConfigMaps) -> None:
    wanted = config_map()
    wanted.metadata.finalizers.append("example.com/wait")
    await admin.create(wanted)
    assert not await admin.delete(config_pb2.ConfigMap, "settings", "default")
    held = await admin.get(config_pb2.ConfigMap, "settings", "default")
    assert held.metadata.HasField("deletionTimestamp")
    del held.metadata.finalizers[:]
    await admin.update(held)
    with pytest.raises(NotFound):
        await admin.get(config_pb2.ConfigMap, "settings", "default")


async def test_a_bound_pod_waits_for_its_kubelet_and_an_unbound_one_does_not(admin: Client, pod: Pods) -> None:
    await admin.create(pod("free"))
    assert await admin.delete(pod_pb2.Pod, "free", "default")
    created = await admin.create(pod("bound", node="n1"))
    assert not await admin.delete(pod_pb2.Pod, "bound", "default")
    held = await admin.get(pod_pb2.Pod, "bound", "default")
    assert held.metadata.deletionGracePeriodSeconds == 30
    with pytest.raises(Conflict, match="UID in precondition"):
        await admin.delete(pod_pb2.Pod, "bound", "default", grace_period_s=0, uid="another")
    assert await admin.delete(pod_pb2.Pod, "bound", "default", grace_period_s=0, uid=created.metadata.uid)


async def test_propagation_leaves_its_finalizer(admin: Client) -> None:
    await admin.create(deployment())
    policy = apiserver_pb2.PROPAGATION_POLICY_FOREGROUND
    assert not await admin.delete(deployment_pb2.Deployment, "web", "default", propagation=policy)
    held = await admin.get(deployment_pb2.Deployment, "web", "default")
    assert list(held.metadata.finalizers) == ["foregroundDeletion"]


async def test_a_namespace_goes_last(admin: Client, config_map: ConfigMaps) -> None:
    await admin.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="team")))
    await admin.create(config_map(namespace="team"))
    assert not await admin.delete(namespace_pb2.Namespace, "team")
    with pytest.raises(Forbidden, match="because it is being terminated") as refused:
        await admin.create(config_map("other", namespace="team"))
    assert [(one.reason, one.field) for one in refused.value.causes] == [("NamespaceTerminating", "metadata.namespace")]
    going = await admin.get(namespace_pb2.Namespace, "team")
    assert (going.status.phase, list(going.spec.finalizers)) == ("Terminating", ["kubernetes"])
    del going.spec.finalizers[:]
    with pytest.raises(Conflict, match="1 configmaps"):
        await admin.update(going)
    await admin.delete(config_pb2.ConfigMap, "settings", "team")
    await admin.delete(serviceaccount_pb2.ServiceAccount, "default", "team")
    await admin.update(going)
    with pytest.raises(NotFound):
        await admin.get(namespace_pb2.Namespace, "team")


async def test_system_namespaces_exist_and_stay(admin: Client) -> None:
    present = {item.metadata.name for item in (await admin.list(namespace_pb2.Namespace)).items}
    assert present == {"default", "kube-system", "kube-public", "kube-node-lease"}
    with pytest.raises(Forbidden, match="may not be deleted"):
        await admin.delete(namespace_pb2.Namespace, "kube-system")


async def test_an_object_that_is_too_large_is_refused(admin: Client) -> None:
    event = event_pb2.Event(metadata=meta_pb2.ObjectMeta(name="e", namespace="default"), message="x" * (2 << 20))
    with pytest.raises(Invalid, match="1572864 bytes"):
        await admin.create(event)
