"""Pods that claim devices: nothing of them starts before their devices are ready for them."""

from __future__ import annotations

import asyncio

from podlab_testing import devices
from podlab_testing.memory_node import MemoryKubelet, Until

from podlab.client.client import Client
from podlab.client.informer import Informer
from podlab.core.v1 import event_pb2
from podlab.core.v1.pod_pb2 import Pod
from podlab.v1 import apiserver_pb2


async def told(admin: Client, reason: str) -> str:
    """The message of the Event of this reason; waits for it."""
    events, changed = Informer(admin, event_pb2.Event), asyncio.Event()
    events.on_change(lambda _: changed.set())
    task = asyncio.create_task(events.run())
    try:
        async with asyncio.timeout(10):
            while True:
                changed.clear()
                found = [one.message for one in events.list("default") if one.reason == reason]
                if found:
                    return found[0]
                await changed.wait()
    finally:
        task.cancel()


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


async def bind(admin: Client, pod: Pod) -> None:
    binding = apiserver_pb2.Binding(namespace="default", name="web", node_name="n1", uid=pod.metadata.uid)
    (failed,) = await admin.bind([binding])
    assert failed is None
