"""Who may say what of a claim's devices, and where devices may be looked at that others use."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from podlab_testing import devices
from podlab_testing.cluster import Cluster
from podlab_testing.http_clients import SessionOf

from podlab.api.serializer import codec
from podlab.authentication.v1.token_pb2 import TokenRequestSpec
from podlab.client.client import Client
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.quota_pb2 import ResourceQuota
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount
from podlab.errors import Forbidden, Invalid
from podlab.rbac.v1 import rbac_pb2
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim, ResourceClaimTemplate
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice

GROUP = "resource.k8s.io"


async def grant(admin: Client, user: str, *rules: rbac_pb2.PolicyRule) -> None:
    role = rbac_pb2.ClusterRole(rules=rules)
    role.metadata.name = f"{user.replace(':', '-')}-devices"
    await admin.create(role)
    bound = rbac_pb2.ClusterRoleBinding(roleRef={"kind": "ClusterRole", "name": role.metadata.name})
    bound.metadata.name = role.metadata.name
    bound.subjects.add(kind="User", name=user)
    await admin.create(bound)


def may(verbs: str, resource: str, *names: str) -> rbac_pb2.PolicyRule:
    return rbac_pb2.PolicyRule(verbs=verbs.split(), apiGroups=[GROUP], resources=[resource], resourceNames=names)


STATUS = may("get update patch", "resourceclaims/status")


async def refused(writer: Client, claim: ResourceClaim) -> list[str]:
    with pytest.raises(Invalid) as told:
        await writer.update_status(claim)
    return [str(cause) for cause in told.value.causes]


async def test_what_was_given_is_said_by_those_who_may_bind(cluster: Cluster, admin: Client) -> None:
    claim = await admin.create(devices.claim())
    jane = await cluster.client("jane")
    await grant(admin, "jane", STATUS, may("get", "resourceclaims"))
    (cause,) = await refused(jane, devices.allocated(claim))
    about = 'changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="update"'
    what = 'User "jane" cannot update resource "resourceclaims/binding" in API group "resource.k8s.io"'
    assert cause.startswith(f"status: Forbidden: {about} permission: resourceclaims.resource.k8s.io is forbidden")
    assert cause.endswith(f"{what} at the cluster scope")
    bob = await cluster.client("bob")
    await grant(admin, "bob", STATUS, may("update", "resourceclaims/binding"))
    assert (await bob.update_status(devices.allocated(claim))).status.HasField("allocation")


async def test_a_patch_needs_the_verb_of_a_patch(cluster: Cluster, admin: Client, session_of: SessionOf) -> None:
    await admin.create(devices.claim())
    await grant(admin, "jane", STATUS, may("update", "resourceclaims/binding"))
    path = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims/all-gpus/status"
    body: dict[str, Any] = {"status": {"allocation": {"devices": {"results": []}}}}
    headers = {"Content-Type": "application/merge-patch+json"}
    async with session_of("jane").patch(path, json=body, headers=headers) as response:
        told = await response.json()
    assert (response.status, 'verb="patch" permission' in told["message"]) == (422, True)


async def test_how_devices_are_is_said_by_their_own_driver(cluster: Cluster, admin: Client) -> None:
    claim = await admin.update_status(devices.allocated(await admin.create(devices.claim())))
    claim.status.devices.add(driver=devices.DRIVER, pool="n1", device="gpu-0")
    jane = await cluster.client("jane")
    await grant(admin, "jane", STATUS, may("arbitrary-node:update", "resourceclaims/driver", "other.example.com"))
    (cause,) = await refused(jane, claim)
    start = 'status.devices: Forbidden: changing status.devices requires resource="resourceclaims/driver"'
    assert cause.startswith(f'{start}, verb="[arbitrary-node:update]" permission: ')
    assert f'"{devices.DRIVER}" is forbidden: User "jane" cannot arbitrary-node:update resource' in cause
    driver = await cluster.client("driver")
    await grant(admin, "driver", STATUS, may("arbitrary-node:update", "resourceclaims/driver", devices.DRIVER))
    told = await driver.update_status(claim)
    assert [one.device for one in told.status.devices] == ["gpu-0"]


async def test_a_driver_on_the_claims_node_tells_by_a_token_of_its_pod(admin: Client, session_of: SessionOf) -> None:
    claim = await admin.update_status(devices.allocated(await admin.create(devices.claim()), node="n1"))
    account = ServiceAccount()
    account.metadata.name, account.metadata.namespace = "driver", "default"
    await admin.create(account)
    for node in ("n1", "n2"):
        made = Node()
        made.metadata.name = node
        await admin.create(made)
    role = may("associated-node:update", "resourceclaims/driver", devices.DRIVER)
    await grant(admin, "system:serviceaccount:default:driver", STATUS, role)
    path = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims/all-gpus/status"
    claim.status.devices.add(driver=devices.DRIVER, pool="n1", device="gpu-0")
    for node, status in (("n2", 422), ("n1", 200)):
        pod = devices.user(f"driver-{node}", node=node, resourceClaimName="all-gpus")
        pod.spec.serviceAccountName = "driver"
        uid = (await admin.create(pod)).metadata.uid
        asked = {"apiVersion": "v1", "kind": "Pod", "name": pod.metadata.name, "uid": uid}
        token = await admin.request_token("default", "driver", TokenRequestSpec(boundObjectRef=asked))
        headers = {"Authorization": f"Bearer {token.token}"}
        async with session_of(None).put(path, json=codec.to_dict(claim), headers=headers) as response:
            told = await response.json()
        assert response.status == status, told


async def test_who_takes_devices_back_needs_not_ask_their_driver(cluster: Cluster, admin: Client) -> None:
    claim = await admin.update_status(devices.allocated(await admin.create(devices.claim())))
    (given,) = claim.status.allocation.devices.results
    claim.status.devices.add(driver=given.driver, pool=given.pool, device=given.device)
    claim = await admin.update_status(claim)
    assert claim.status.devices
    await grant(admin, "binder", STATUS, may("update", "resourceclaims/binding"))
    claim.status.Clear()
    taken = await (await cluster.client("binder")).update_status(claim)
    assert not taken.status.devices


async def test_devices_in_use_are_looked_at_from_labelled_namespaces_alone(admin: Client) -> None:
    for made, at in (
        (devices.claim(adminAccess=True), "spec.devices.requests[0].adminAccess"),
        (devices.template(adminAccess=True), "spec.devices.requests[0].adminAccess"),
    ):
        with pytest.raises(Invalid) as told:
            await admin.create(made)
        (cause,) = told.value.causes
        assert str(cause) == (
            f"{at}: Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label"
            " on the containing namespace"
        )
    space = Namespace()
    space.metadata.name = "admins"
    space.metadata.labels["resource.kubernetes.io/admin-access"] = "true"
    await admin.create(space)
    await admin.create(devices.template(namespace="admins", adminAccess=True))
    claim = await admin.create(devices.claim(namespace="admins", adminAccess=True))
    seen = devices.allocated(claim)
    seen.status.allocation.devices.results[0].adminAccess = True
    assert (await admin.update_status(seen)).status.allocation.devices.results[0].adminAccess
    elsewhere = devices.allocated(await admin.create(devices.claim()))
    elsewhere.status.allocation.devices.results[0].adminAccess = True
    (cause,) = await refused(admin, elsewhere)
    assert cause.startswith("status.allocation.devices.results[0].adminAccess: Forbidden: admin access to devices")


async def test_a_kubelet_has_the_slices_of_its_node_and_the_claims_of_its_pods(cluster: Cluster, admin: Client) -> None:
    kubelet, other = await cluster.client("system:node:n1"), await cluster.client("system:node:n2")
    offered = await kubelet.create(devices.resource_slice("n1", "gpu-0"))
    with pytest.raises(Forbidden) as told:
        await other.get(ResourceSlice, offered.metadata.name)
    assert "no relationship found between node 'n2' and this object" in told.value.message
    listed = await kubelet.list(ResourceSlice, field_selector="spec.nodeName=n1")
    assert [one.metadata.name for one in listed.items] == [offered.metadata.name]
    with pytest.raises(Forbidden) as told:
        await other.list(ResourceSlice, field_selector="spec.nodeName=n1")
    assert "can only list/watch/deletecollection resourceslices with nodeName field selector" in told.value.message
    await admin.create(devices.claim())
    await admin.create(devices.user(node="n1", resourceClaimName="all-gpus"))
    assert (await kubelet.get(ResourceClaim, "all-gpus", "default")).metadata.name == "all-gpus"
    with pytest.raises(Forbidden):
        await other.get(ResourceClaim, "all-gpus", "default")
    with pytest.raises(Forbidden):
        await kubelet.get(ResourceClaimTemplate, "one-gpu", "default")


async def test_a_kubelet_says_nothing_of_the_claims_that_were_made(cluster: Cluster, admin: Client) -> None:
    kubelet = await cluster.client("system:node:n1")
    pod = await admin.create(devices.user(node="n1"))
    pod.status.resourceClaimStatuses.add(name="gpu", resourceClaimName="stolen")
    with pytest.raises(Forbidden) as told:
        await kubelet.update_status(pod)
    assert told.value.message.endswith('node "n1" cannot update resource claim statues')


async def test_a_quota_limits_devices_by_their_class(admin: Client) -> None:
    of_class = f"{devices.CLASS}.deviceclass.resource.k8s.io/devices"
    quota = ResourceQuota()
    quota.metadata.name, quota.metadata.namespace = "devices", "default"
    quota.spec.hard[of_class].string = "3"
    quota = await admin.create(quota)
    quota.status.hard[of_class].string, quota.status.used[of_class].string = "3", "0"
    await admin.update_status(quota)
    await admin.create(devices.claim("two", count=2))
    with pytest.raises(Forbidden) as told:
        await admin.create(devices.claim("two-more", count=2))
    used = f"requested: {of_class}=2, used: {of_class}=2, limited: {of_class}=3"
    assert told.value.message.endswith(f"exceeded quota: devices, {used}")
    await admin.create(devices.claim("one"))
    assert (await admin.get(ResourceQuota, "devices", "default")).status.used[of_class].string == "3"


async def test_a_mark_of_a_device_is_as_old_as_its_writing(admin: Client) -> None:
    offered = devices.resource_slice("n1", "gpu-0")
    offered.spec.devices[0].taints.add(key="example.com/broken", effect="NoExecute")
    made = await admin.create(offered)
    assert made.spec.devices[0].taints[0].timeAdded.seconds >= made.metadata.creationTimestamp.seconds
    made.spec.devices[0].taints[0].timeAdded.seconds = 100
    kept = await admin.update(made)
    assert kept.spec.devices[0].taints[0].timeAdded.seconds == 100


async def test_a_spec_cannot_be_changed_and_a_status_is_none_at_creation(http: aiohttp.ClientSession) -> None:
    path = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims"
    request = {"name": "gpu", "exactly": {"deviceClassName": "gpus"}}
    given = {"metadata": {"name": "a"}, "spec": {"devices": {"requests": [request]}}}
    reserved = {"reservedFor": [{"resource": "pods", "name": "a", "uid": "u"}]}
    async with http.post(path, json={**given, "status": reserved}) as response:
        made = await response.json()
    assert (response.status, made["status"]) == (201, {})
    made["spec"]["devices"]["requests"][0]["exactly"]["count"] = 2
    async with http.put(f"{path}/a", json=made) as response:
        told = await response.json()
    assert (response.status, told["details"]["causes"][0]["field"]) == (422, "spec")
    assert told["message"].endswith("field is immutable")
