"""Claims of devices: made for pods, told to them, freed when pods end, and gone with them."""

from __future__ import annotations

import pytest
from podlab_testing import devices
from podlab_testing.cluster_view import ClusterView
from podlab_testing.devices import FINALIZER
from podlab_testing.fake_nodes import FakeNodes

from podlab.core.v1.pod_pb2 import Pod
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim, ResourceClaimTemplate

pytestmark = pytest.mark.usefixtures("controllers")


def claims(seen: ClusterView) -> list[ResourceClaim]:
    return seen.informers.of(ResourceClaim).list("default")


def told(seen: ClusterView, name: str = "web") -> dict[str, str]:
    """What the pod is told of its claims."""
    pod = seen.informers.pods.get(name, "default")
    made = pod.status.resourceClaimStatuses if pod is not None else ()
    return {one.name: one.resourceClaimName for one in made}


async def allocate(seen: ClusterView, name: str, *pods: Pod) -> ResourceClaim:
    """As the scheduler does it."""
    held = await seen.client.get(ResourceClaim, name, "default")
    held.metadata.finalizers.append(FINALIZER)
    return await seen.client.update_status(devices.allocated(await seen.client.update(held), *pods))


async def test_a_pod_gets_a_claim_from_its_template_that_goes_with_it(seen: ClusterView, nodes: FakeNodes) -> None:
    await seen.client.create(devices.template())
    pod = await seen.client.create(devices.user(node="n1"))
    await seen.until(lambda: told(seen), "the pod is told of its claim")
    name = told(seen)["gpu"]
    made = await seen.client.get(ResourceClaim, name, "default")
    assert name.startswith("web-gpu-")
    assert made.spec.devices.requests[0].exactly.deviceClassName == devices.CLASS
    assert made.metadata.ownerReferences[0].uid == pod.metadata.uid
    await allocate(seen, name, pod)
    await seen.client.delete(Pod, "web", "default")
    await seen.until(lambda: not claims(seen), "the claim is free, and gone with its pod")


async def test_a_pod_waits_for_its_template_and_says_so(seen: ClusterView) -> None:
    await seen.client.create(devices.user())
    missing = 'resource claim template "one-gpu": resourceclaimtemplate.resource.k8s.io "one-gpu" not found'
    await seen.until_told({("Pod", "FailedResourceClaimCreation", f"PodResourceClaim gpu: {missing}")})
    await seen.client.create(devices.template())
    await seen.until(lambda: told(seen), "the pod is told of its claim")
    assert len(claims(seen)) == 1


async def test_a_claim_that_is_lost_is_made_again_and_a_foreign_one_is_left_alone(seen: ClusterView) -> None:
    await seen.client.create(devices.template())
    await seen.client.create(devices.user())
    await seen.until(lambda: told(seen), "the pod is told of its claim")
    first = told(seen)["gpu"]
    await seen.client.create(devices.claim("web-gpu-foreign"))
    await seen.client.delete(ResourceClaim, first, "default")
    await seen.until(lambda: told(seen).get("gpu") not in (first, None), "the pod is told of another claim")
    assert {one.metadata.name for one in claims(seen)} == {"web-gpu-foreign", told(seen)["gpu"]}


async def test_a_shared_claim_is_freed_by_its_last_user_and_stays(seen: ClusterView, nodes: FakeNodes) -> None:
    await seen.client.create(devices.claim())
    users = [
        await seen.client.create(devices.user(name, node="n1", resourceClaimName="all-gpus")) for name in ("a", "b")
    ]
    await allocate(seen, "all-gpus", *users)
    running = {"a": "Running", "b": "Running"}
    await seen.until(lambda: {one.metadata.name: one.status.phase for one in seen.pods()} == running, "both run")

    def reserved() -> list[str]:
        return [one.name for held in claims(seen) for one in held.status.reservedFor]

    await nodes.end(await seen.client.get(Pod, "a", "default"), "Succeeded", 0)
    await seen.until(lambda: reserved() == ["b"], "a pod that has ended uses nothing")
    assert claims(seen)[0].status.HasField("allocation")
    await seen.client.delete(Pod, "b", "default")
    await seen.until(lambda: not reserved(), "nobody uses it")
    await seen.until(lambda: not claims(seen)[0].metadata.finalizers, "it may go")
    assert not claims(seen)[0].status.HasField("allocation")


async def test_a_claim_of_a_pod_that_has_ended_goes_before_it(seen: ClusterView, nodes: FakeNodes) -> None:
    await seen.client.create(devices.template())
    pod = await seen.client.create(devices.user(node="n1"))
    await seen.until(lambda: told(seen), "the pod is told of its claim")
    await allocate(seen, told(seen)["gpu"], pod)
    await seen.until(lambda: seen.pods()[0].status.phase == "Running", "it runs")
    await nodes.end(await seen.client.get(Pod, "web", "default"), "Failed")
    await seen.until(lambda: not claims(seen), "the claim is gone")
    assert [one.status.phase for one in seen.pods()] == ["Failed"]


async def test_a_deleted_claim_waits_for_its_user(seen: ClusterView, nodes: FakeNodes) -> None:
    await seen.client.create(devices.claim())
    pod = await seen.client.create(devices.user(node="n1", resourceClaimName="all-gpus"))
    await allocate(seen, "all-gpus", pod)
    await seen.client.delete(ResourceClaim, "all-gpus", "default")
    other = await seen.client.create(devices.user("other", node="n1", resourceClaimName="all-gpus"))
    await seen.until(lambda: len(seen.pods()) == 2, "both are known")
    assert claims(seen)[0].metadata.HasField("deletionTimestamp")
    assert [one.name for one in claims(seen)[0].status.reservedFor] == ["web"]
    await seen.client.delete(Pod, "web", "default")
    await seen.until(lambda: not claims(seen), "it is gone with its user")
    await seen.client.delete(Pod, other.metadata.name, "default")


async def test_a_pod_that_was_bound_by_hand_is_reserved_for(seen: ClusterView, nodes: FakeNodes) -> None:
    await seen.client.create(devices.claim())
    first = await seen.client.create(devices.user("first", node="n1", resourceClaimName="all-gpus"))
    await allocate(seen, "all-gpus", first)
    await seen.client.create(devices.user("second", node="n1", resourceClaimName="all-gpus"))
    await seen.until(lambda: len(claims(seen)[0].status.reservedFor) == 2, "the second may use it too")


async def test_a_pod_leaves_a_device_that_is_tainted(seen: ClusterView, nodes: FakeNodes) -> None:
    await seen.client.create(devices.claim())
    offered = await seen.client.create(devices.resource_slice("n1", "gpu-0", "gpu-1"))
    pod = await seen.client.create(devices.user(node="n1", resourceClaimName="all-gpus"))
    await allocate(seen, "all-gpus", pod)
    offered.spec.devices[1].taints.add(key="example.com/broken", effect="NoExecute")
    offered.spec.devices[0].taints.add(key="example.com/slow", effect="NoSchedule")
    offered = await seen.client.update(offered)
    await seen.client.create(devices.user("other"))
    await seen.until(lambda: len(seen.pods()) == 2, "other devices' taints, and other effects, evict nobody")
    offered.spec.devices[0].taints.add(key="example.com/broken", effect="NoExecute")
    await seen.client.update(offered)
    await seen.until_told({("Pod", "DeviceTaintManagerEviction", "Marking for deletion")})
    await seen.until(lambda: [one.metadata.name for one in seen.pods()] == ["other"], "its pod has left")


async def test_a_pod_stays_as_long_as_its_claim_tolerates(seen: ClusterView, nodes: FakeNodes) -> None:
    tolerated = [{"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1}]
    claim = await seen.client.create(devices.claim(tolerations=tolerated))
    offered = devices.resource_slice("n1", "gpu-0")
    offered.spec.devices[0].taints.add(key="example.com/broken", effect="NoExecute")
    await seen.client.create(offered)
    pod = await seen.client.create(devices.user(node="n1", resourceClaimName="all-gpus"))
    given = devices.allocated(claim, pod)
    result = given.status.allocation.devices.results[0]
    result.tolerations.extend(claim.spec.devices.requests[0].exactly.tolerations)
    await seen.client.update_status(given)
    await seen.until(lambda: not seen.pods(), "its time is over")
    await seen.until_told({("Pod", "DeviceTaintManagerEviction", "Marking for deletion")})


async def test_templates_are_used_as_long_as_pods_need_them(seen: ClusterView) -> None:
    await seen.client.create(devices.template())
    await seen.client.create(devices.user())
    await seen.until(lambda: told(seen), "the pod is told of its claim")
    await seen.client.delete(ResourceClaimTemplate, devices.TEMPLATE, "default")
    await seen.client.delete(Pod, "web", "default")
    await seen.until(lambda: not claims(seen), "the claim of a pod that was never bound is gone")
