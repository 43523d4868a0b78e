"""Drivers publish devices, pods claim them: scheduler and API server together give each pod devices and their node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from podlab_testing import allocations
from podlab_testing import devices as templates
from podlab_testing.cluster import Cluster
from podlab_testing.scheduling_cluster import AddNode, Explain, RunningScheduler, SchedulerPods
from podlab_testing.waiting import WITHIN_S

from master.controllers.devices.resourceclaim.controller import ResourceClaimController
from master.controllers.framework.informers import Informers
from podlab.api.objects import condition
from podlab.api.pods import resourceclaims
from podlab.api.values import times
from podlab.api.values.jsonvalues import Json
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import BadRequest
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim

CANNOT = (
    "0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: 0/2 nodes are available:"
    " 2 Preemption is not helpful for scheduling."
)


def claiming(*claims: str) -> Callable[[Pod], None]:
    def change(pod: Pod) -> None:
        for each in claims:
            pod.spec.resourceClaims.add(name=each, resourceClaimName=each)
            pod.spec.containers[0].resources.claims.add(name=each)

    return change


@pytest.fixture
async def nodes(add_node: AddNode, admin: Client) -> Sequence[str]:
    """Two nodes with two devices each."""
    for name in ("n1", "n2"):
        await add_node(name)
        offered = ["a", "b"]
        await admin.create(allocations.resource_slice(f"slice-{name}", {"nodeName": name, "devices": offered}))
    await admin.create(allocations.device_class())
    return "n1", "n2"


async def claim_of(admin: Client, name: str) -> ResourceClaim:
    return await admin.get(ResourceClaim, name, "default")


async def told_of(pods: SchedulerPods, name: str, message: str) -> Pod:
    """The pod once its condition is exactly this."""

    def says(pod: Pod) -> bool:
        found = condition(pod.status.conditions, "PodScheduled")
        return found is not None and found.message == message

    return await pods.wait(name, says)


async def given_anew(admin: Client, name: str) -> None:
    """Returns once the claim has devices of which nothing is told yet."""
    listed = await admin.list(ResourceClaim, "default", field_selector=f"metadata.name={name}")
    async with asyncio.timeout(WITHIN_S):
        claim = listed.items[0]
        watch = admin.watch(ResourceClaim, listed.resource_version, "default", field_selector=f"metadata.name={name}")
        while not claim.status.HasField("allocation") or claim.status.devices:
            claim = [event.object or claim for event in await anext(watch)][-1]


async def give_back(admin: Client, name: str) -> None:
    """As the controller of claims does when no pod uses the claim."""
    claim = await claim_of(admin, name)
    claim.status.Clear()
    await admin.update_status(claim)


async def test_a_pod_gets_devices_and_the_node_where_they_are(
    scheduler: RunningScheduler, pods: SchedulerPods, nodes: Sequence[str], admin: Client
) -> None:
    await admin.create(
        allocations.resource_claim("gpus", requests=[{"name": "r0", "exactly": {"deviceClassName": "gpu", "count": 2}}])
    )
    created = await pods.create("first", change=claiming("gpus"))
    node = await pods.bound("first")
    claim = await claim_of(admin, "gpus")
    assert allocations.results(claim.status.allocation) == [f"r0={node}/a", f"r0={node}/b"]
    assert [one.uid for one in claim.status.reservedFor] == [created.metadata.uid]
    assert resourceclaims.FINALIZER in claim.metadata.finalizers
    assert claim.status.allocation.HasField("allocationTimestamp")
    (term,) = claim.status.allocation.nodeSelector.nodeSelectorTerms
    assert list(term.matchFields[0].values) == [node]


async def test_pods_share_a_claim_on_the_node_of_its_devices(
    scheduler: RunningScheduler, pods: SchedulerPods, nodes: Sequence[str], admin: Client
) -> None:
    await admin.create(allocations.resource_claim("shared"))
    made = [await pods.create(f"p{number}", change=claiming("shared")) for number in range(4)]
    assert len({await pods.bound(pod.metadata.name) for pod in made}) == 1
    claim = await claim_of(admin, "shared")
    assert {one.uid for one in claim.status.reservedFor} == {pod.metadata.uid for pod in made}
    assert len(claim.status.allocation.devices.results) == 1


async def test_no_device_is_given_twice_however_many_pods_race_for_it(
    scheduler: RunningScheduler, pods: SchedulerPods, nodes: Sequence[str], admin: Client
) -> None:
    names = [f"p{number}" for number in range(8)]
    await asyncio.gather(*(admin.create(allocations.resource_claim(each)) for each in names))
    await asyncio.gather(*(pods.create(each, change=claiming(each)) for each in names))

    def is_decided(pod: Pod) -> bool:
        found = condition(pod.status.conditions, "PodScheduled")
        return bool(pod.spec.nodeName) or (found is not None and found.message == CANNOT)

    decided = [await pods.wait(each, is_decided) for each in names]
    bound = {pod.metadata.name: pod.spec.nodeName for pod in decided if pod.spec.nodeName}
    assert len(bound) == 4
    given = {name: allocations.results((await claim_of(admin, name)).status.allocation) for name in bound}
    assert len({tuple(each) for each in given.values()}) == 4
    assert all(each[0].startswith(f"r0={bound[name]}/") for name, each in given.items())
    first = next(iter(bound))
    await admin.delete(Pod, first, "default")
    await give_back(admin, first)
    late = asyncio.create_task(_first_bound(pods, [each for each in names if each not in bound]))
    taker = await asyncio.wait_for(late, WITHIN_S)
    assert allocations.results((await claim_of(admin, taker)).status.allocation) == given[first]


async def _first_bound(pods: SchedulerPods, names: Sequence[str]) -> str:
    waits = {asyncio.create_task(pods.bound(each)): each for each in names}
    done, others = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for each in others:
        each.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    return waits[done.pop()]


async def test_a_pod_waits_for_its_claim_without_an_attempt(
    scheduler: RunningScheduler, pods: SchedulerPods, nodes: Sequence[str], admin: Client, explain: Explain
) -> None:
    await pods.create("early", change=claiming("late"))
    await pods.create("other")
    await pods.bound("other")
    explained = await explain("early")
    assert explained.message.startswith('0/2 nodes are available: could not find ResourceClaim "default/late".')
    pod = await admin.get(Pod, "early", "default")
    assert condition(pod.status.conditions, "PodScheduled") is None, "nothing was tried"
    await admin.create(allocations.resource_claim("late"))
    assert await pods.bound("early") in nodes


async def test_a_pod_waits_for_the_class_of_its_claim(
    scheduler: RunningScheduler, pods: SchedulerPods, nodes: Sequence[str], admin: Client
) -> None:
    requests = [{"name": "r0", "exactly": {"deviceClassName": "later"}}]
    await admin.create(allocations.resource_claim("of-later", requests=requests))
    await pods.create("first", change=claiming("of-later"))
    await pods.refused(
        "first",
        "0/2 nodes are available: request r0: device class later does not exist.",
    )
    await admin.create(allocations.device_class("later"))
    assert await pods.bound("first") in nodes


async def test_a_pod_waits_for_devices_that_a_driver_publishes_later(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode, admin: Client
) -> None:
    await add_node("n1")
    await add_node("n3")
    await admin.create(allocations.device_class())
    await admin.create(allocations.resource_claim("gpus"))
    await pods.create("first", change=claiming("gpus"))
    await told_of(pods, "first", CANNOT)
    await pods.event("first", "FailedScheduling", lambda message: message == CANNOT)
    await admin.create(allocations.resource_slice("slice", {"nodeName": "n3", "devices": ["a"]}))
    assert await pods.bound("first") == "n3"


async def test_a_claim_without_value_is_told_as_an_error_and_mended_by_another_class(
    scheduler: RunningScheduler, pods: SchedulerPods, nodes: Sequence[str], admin: Client, explain: Explain
) -> None:
    selectors = [{"cel": {"expression": f'device.attributes["{allocations.DRIVER}"].cores > 1'}}]
    await admin.create(allocations.device_class("cores", selectors=selectors))
    requests = [{"name": "r0", "exactly": {"deviceClassName": "cores"}}]
    await admin.create(allocations.resource_claim("of-cores", requests=requests))
    await pods.create("first", change=claiming("of-cores"))
    problem = (
        'running "DynamicResources" filter plugin: class cores: selector #0 on device gpu.example.com/n1/a:'
        " CEL runtime error: no such key: cores"
    )
    pod = await told_of(pods, "first", problem)
    found = condition(pod.status.conditions, "PodScheduled")
    assert found is not None
    assert found.reason == "SchedulerError"
    with pytest.raises(BadRequest, match="no such key: cores"):
        await explain("first", now=True)
    changed = await admin.get(type(allocations.device_class()), "cores")
    del changed.spec.selectors[:]
    await admin.update(changed)
    assert await pods.bound("first") in nodes


async def test_a_claim_that_nobody_uses_is_given_other_devices(
    scheduler: RunningScheduler, pods: SchedulerPods, nodes: Sequence[str], admin: Client
) -> None:
    await admin.create(allocations.resource_claim("kept"))
    await pods.create("first", change=claiming("kept"))
    node = await pods.bound("first")
    other = next(each for each in nodes if each != node)
    await admin.delete(Pod, "first", "default")
    claim = await claim_of(admin, "kept")
    del claim.status.reservedFor[:]
    await admin.update_status(claim)

    def elsewhere(pod: Pod) -> None:
        claiming("kept")(pod)
        required = pod.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution
        required.nodeSelectorTerms.add().matchFields.add(key="metadata.name", operator="In", values=[other])

    await pods.create("second", change=elsewhere)
    assert await pods.bound("second") == other
    assert allocations.results((await claim_of(admin, "kept")).status.allocation) == [f"r0={other}/a"]


async def test_a_restart_of_the_api_server_loses_no_claim(
    cluster: Cluster, scheduler: RunningScheduler, pods: SchedulerPods, nodes: Sequence[str], admin: Client
) -> None:
    names = [f"p{number}" for number in range(4)]
    for each in names:
        await admin.create(allocations.resource_claim(each))
    for each in names[:2]:
        await pods.create(each, change=claiming(each))
    await cluster.stop()
    await cluster.start()
    assert await admin.connected(WITHIN_S)
    for each in names[2:]:
        await pods.create(each, change=claiming(each))
    bound = {each: await pods.bound(each) for each in names}
    given = [allocations.results((await claim_of(admin, each)).status.allocation)[0] for each in names]
    assert len(set(given)) == 4
    assert [each.split("=")[1].split("/")[0] for each in given] == [bound[each] for each in names]


@pytest.fixture
async def controller(cluster: Cluster) -> AsyncIterator[None]:
    """Makes claims from templates, and takes them back."""
    client = await cluster.client("system:kube-controller-manager")
    informers = Informers(client)
    loop = ResourceClaimController(client, informers, EventRecorder(client, "test"))
    tasks = [asyncio.create_task(informers.run())]
    await informers.synced()
    tasks.append(asyncio.create_task(loop.run()))
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_pods_of_a_template_get_devices_and_leave_them_to_others(
    scheduler: RunningScheduler, controller: None, pods: SchedulerPods, nodes: Sequence[str], admin: Client
) -> None:
    await admin.create(templates.template(deviceClassName="gpu"))

    def from_template(pod: Pod) -> None:
        pod.spec.resourceClaims.add(name="gpu", resourceClaimTemplateName=templates.TEMPLATE)

    names = [f"p{number}" for number in range(6)]
    for each in names:
        await pods.create(each, change=from_template)
    waits = {asyncio.create_task(pods.bound(each)): each for each in names}
    bound: list[str] = []
    while len(bound) < 6:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=WITHIN_S)
        assert done, f"{bound} are bound, and no other"
        for each in done:
            name = waits.pop(each)
            bound.append(name)
            claim = (await admin.get(Pod, name, "default")).status.resourceClaimStatuses[0].resourceClaimName
            used = await claim_of(admin, claim)
            assert allocations.results(used.status.allocation)[0].partition("=")[2].startswith(f"{each.result()}/")
            if len(bound) <= 2:
                await admin.delete(Pod, name, "default", grace_period_s=0)
    held = [each for each in (await admin.list(ResourceClaim, "default")).items if each.status.HasField("allocation")]
    given = [one.device + one.pool for each in held for one in each.status.allocation.devices.results]
    assert len(set(given)) == len(given)


async def test_an_extended_resource_is_a_device_by_a_claim_that_the_scheduler_makes(
    scheduler: RunningScheduler, pods: SchedulerPods, nodes: Sequence[str], admin: Client
) -> None:
    await admin.create(allocations.device_class("extended", extendedResourceName="example.com/gpu"))

    def requesting(pod: Pod) -> None:
        for amounts in (pod.spec.containers[0].resources.requests, pod.spec.containers[0].resources.limits):
            amounts["example.com/gpu"].string = "2"

    created = await pods.create("first", change=requesting)
    node = await pods.bound("first")
    pod = await admin.get(Pod, "first", "default")
    told = pod.status.extendedResourceClaimStatus
    (mapping,) = told.requestMappings
    assert (mapping.containerName, mapping.resourceName) == ("main", "example.com/gpu")
    claim = await claim_of(admin, told.resourceClaimName)
    assert told.resourceClaimName.startswith("first-extended-resources-")
    wanted = [f"{mapping.requestName}={node}/{device}" for device in ("a", "b")]
    assert allocations.results(claim.status.allocation) == wanted
    assert [one.uid for one in claim.status.reservedFor] == [created.metadata.uid]
    assert claim.metadata.ownerReferences[0].uid == created.metadata.uid
    await pods.create("second", change=requesting)
    assert await pods.bound("second") != node
    await pods.create("third", change=requesting)
    await told_of(pods, "third", CANNOT)


async def _publish_one_to_attach(admin: Client, add_node: AddNode) -> None:
    """A node with one device, which its driver has to attach before a pod is bound."""
    await add_node("n1")
    conditions: dict[str, Json] = {"bindingConditions": ["Attached"], "bindingFailureConditions": ["Broken"]}
    offered: Json = [{"name": "a", "bindsToNode": True, **conditions}]
    await admin.create(allocations.resource_slice("slice", {"allNodes": True, "devices": offered}))
    await admin.create(allocations.device_class())
    await admin.create(allocations.resource_claim("gpus"))


async def _tell(admin: Client, condition_type: str) -> None:
    """As the driver does, of the device."""
    claim = await claim_of(admin, "gpus")
    told = claim.status.devices.add(driver=allocations.DRIVER, pool="shared", device="a")
    told.conditions.add(type=condition_type, status="True", reason="Told", message="by the driver")
    told.conditions[0].lastTransitionTime.CopyFrom(times.now())
    await admin.update_status(claim)


async def test_a_pod_is_bound_once_its_device_is_attached(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode, admin: Client
) -> None:
    await _publish_one_to_attach(admin, add_node)
    await pods.create("web", change=claiming("gpus"))
    event = await pods.event("web", "BindingConditionsPending")
    assert event.message == "waiting for binding conditions for device on node n1"
    assert not (await admin.get(Pod, "web", "default")).spec.nodeName
    await _tell(admin, "Attached")
    assert await pods.bound("web") == "n1"


async def test_a_device_that_cannot_be_attached_is_given_back_and_tried_again(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode, admin: Client
) -> None:
    await _publish_one_to_attach(admin, add_node)
    await pods.create("web", change=claiming("gpus"))
    await pods.event("web", "BindingConditionsPending")
    await _tell(admin, "Broken")
    problem = (
        'running PreBind plugin "DynamicResources": claim gpus binding failed: reason=Told, message="by the driver"'
    )
    await told_of(pods, "web", problem)
    await told_of(
        pods,
        "web",
        "0/1 nodes are available: 1 resourceclaim not available on the node. deallocation of ResourceClaim completed,"
        " preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
    )
    await given_anew(admin, "gpus")
    await _tell(admin, "Attached")
    assert await pods.bound("web") == "n1"


async def test_what_is_on_its_way_while_the_api_server_goes_is_given_once(
    cluster: Cluster, scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode, admin: Client
) -> None:
    names = [f"p{number}" for number in range(24)]
    await admin.create(allocations.device_class())
    for each in names:
        await admin.create(allocations.resource_claim(each))
    await asyncio.gather(*(pods.create(each, change=claiming(each)) for each in names))
    for node in ("n1", "n2"):
        offered: Json = [f"d{number}" for number in range(12)]
        await add_node(node)
        await admin.create(allocations.resource_slice(f"slice-{node}", {"nodeName": node, "devices": offered}))
    await cluster.stop()  # some have their devices by now, some are on their way
    await cluster.start()
    homes = await asyncio.gather(*(pods.bound(each) for each in names))
    given = [allocations.results((await claim_of(admin, each)).status.allocation)[0] for each in names]
    assert len(set(given)) == 24
    assert [each.partition("=")[2].partition("/")[0] for each in given] == homes
