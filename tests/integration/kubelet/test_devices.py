"""Pods that claim devices: nothing of them starts before their devices are ready for them."""

from __future__ import annotations

import grpc
import pytest
from podlab_testing import devices
from podlab_testing.fake_driver import FakeDriver
from podlab_testing.memory_node import MemoryKubelet, Until
from podlab_testing.told_events import told

from node.kubelet.worker.context import WorkerTimings
from podlab.client.client import Client
from podlab.core.v1.pod_pb2 import Pod
from podlab.foreign.podresources.v1 import api_pb2, api_pb2_grpc
from podlab.v1 import apiserver_pb2

START = "Failed to prepare dynamic resources: prepare dynamic resources: "


async def test_a_pod_waits_for_a_driver_that_is_not_there(admin: Client, kubelet: MemoryKubelet, until: Until) -> None:
    claim = await admin.create(devices.claim())
    pod = devices.user(resourceClaimName="all-gpus")
    pod = await admin.create(pod)
    await admin.update_status(devices.allocated(claim, pod))
    await bind(admin, pod)
    why = await told(admin, "FailedPrepareDynamicResources")
    assert why == f"{START}DRA driver {devices.DRIVER} is not registered"
    found = await until("web", lambda pod: pod.status.startTime.seconds)
    assert found.status.phase == "Pending"
    assert not kubelet.runtime.started


async def test_a_pod_may_not_use_what_is_not_reserved_for_it(admin: Client, kubelet: MemoryKubelet) -> None:
    claim = await admin.create(devices.claim())
    await admin.update_status(devices.allocated(claim))
    pod = await admin.create(devices.user(node="n1", resourceClaimName="all-gpus"))
    why = await told(admin, "FailedPrepareDynamicResources")
    uid, of = pod.metadata.uid, claim.metadata.uid
    assert why == f"{START}pod web ({uid}) is not allowed to use ResourceClaim all-gpus ({of})"
    assert not kubelet.runtime.started


async def test_what_the_control_plane_says_of_claims_stays(admin: Client, kubelet: MemoryKubelet, until: Until) -> None:
    await admin.create(devices.user(node="n1"))
    why = await told(admin, "FailedPrepareDynamicResources")
    assert why == f'{START}pod "default/web": ResourceClaim not created yet'
    pod = await until("web", lambda pod: pod.status.startTime.seconds)
    pod.status.resourceClaimStatuses.add(name="gpu", resourceClaimName="web-gpu-x7")
    pod.metadata.resourceVersion = ""
    await admin.update_status(pod)
    await admin.delete(Pod, "web", "default")
    seen = await until("web", lambda pod: pod is None)
    assert not seen.metadata.name


async def used(admin: Client, *names: str) -> None:
    """Pods that use one claim, as the scheduler leaves them."""
    claim = await admin.create(devices.claim())
    pods = [await admin.create(devices.user(name, resourceClaimName="all-gpus")) for name in names]
    await admin.update_status(devices.allocated(claim, *pods))
    for pod in pods:
        await bind(admin, pod)


async def test_a_driver_prepares_devices_before_a_pod_starts_and_takes_them_back_after_it_has_ended(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    driver = FakeDriver()
    async with driver.serving(kubelet.root / "plugins_registry"):
        await used(admin, "web", "other")
        for name in ("web", "other"):
            await until(name, lambda pod: pod is not None and pod.status.phase == "Running")
        assert driver.told is not None
        assert driver.told.plugin_registered
        assert (driver.asked, driver.prepared) == (["prepare all-gpus"], {"all-gpus"})
        await admin.delete(Pod, "web", "default")
        await until("web", lambda pod: pod is None)
        assert driver.prepared == {"all-gpus"}, "another pod still uses it"
        kubelet.runtime.end("main", 0)
        await kubelet.kill()
        await kubelet.start()
        await admin.delete(Pod, "other", "default")
        await until("other", lambda pod: pod is None)
        assert not driver.prepared
        assert driver.asked[-1] == "unprepare all-gpus"


async def test_what_a_driver_cannot_do_is_told_and_tried_again(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    driver = FakeDriver()
    driver.fails = "no power"
    async with driver.serving(kubelet.root / "plugins_registry"):
        await used(admin, "web")
        why = await told(admin, "FailedPrepareDynamicResources")
        while "not registered" in why:  # it has looked before the driver came
            why = await told(admin, "FailedPrepareDynamicResources", but=why)
        assert why == f"{START}NodePrepareResources failed for ResourceClaim all-gpus: no power"
        driver.fails = ""
        await until("web", lambda pod: pod is not None and pod.status.phase == "Running")


@pytest.mark.parametrize("timings", [WorkerTimings(first_sandbox_retry_s=3600)])
async def test_a_pod_starts_as_soon_as_its_driver_is_there(admin: Client, kubelet: MemoryKubelet, until: Until) -> None:
    await used(admin, "web")
    assert (await told(admin, "FailedPrepareDynamicResources")).endswith("is not registered")
    async with FakeDriver().serving(kubelet.root / "plugins_registry"):
        await until("web", lambda pod: pod is not None and pod.status.phase == "Running")


async def test_a_pod_that_never_started_gives_back_what_may_have_been_prepared(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    driver = FakeDriver("vendor.example.com/gpu=none")
    async with driver.serving(kubelet.root / "plugins_registry"):
        await used(admin, "web")
        why = await told(admin, "Failed")
        assert why.startswith("Error: unresolvable CDI devices vendor.example.com/gpu=none")
        await admin.delete(Pod, "web", "default")
        await until("web", lambda pod: pod is None)
        assert not driver.prepared


async def bind(admin: Client, pod: Pod) -> None:
    name, uid = pod.metadata.name, pod.metadata.uid
    binding = apiserver_pb2.Binding(namespace="default", name=name, node_name="n1", uid=uid)
    (failed,) = await admin.bind([binding])
    assert failed is None


async def test_monitoring_agents_learn_of_claims(admin: Client, kubelet: MemoryKubelet, until: Until) -> None:
    async with FakeDriver().serving(kubelet.root / "plugins_registry"):
        await used(admin, "web")
        await until("web", lambda pod: pod is not None and pod.status.phase == "Running")
        async with grpc.aio.insecure_channel(f"unix:{kubelet.root}/pod-resources/kubelet.sock") as channel:
            request = api_pb2.GetPodResourcesRequest(pod_name="web", pod_namespace="default")
            told = (await api_pb2_grpc.PodResourcesListerStub(channel).Get(request)).pod_resources
    (dynamic,) = told.containers[0].dynamic_resources
    assert (dynamic.claim_namespace, dynamic.claim_name) == ("default", "all-gpus")
    assert {each.driver_name for each in dynamic.claim_resources} == {devices.DRIVER}
    assert all(each.device_name for each in dynamic.claim_resources)
