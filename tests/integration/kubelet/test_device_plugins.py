"""Pods that ask for extended resources, which device plugins on real sockets offer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from podlab_testing import builtin_kinds
from podlab_testing.device_plugin import RESOURCE, TestPlugin
from podlab_testing.kubelet_pods import Json
from podlab_testing.memory_node import MemoryKubelet, MemoryRuntime, Until
from podlab_testing.waiting import WITHIN_S

from podlab.client.client import Client
from podlab.core.v1 import pod_pb2
from podlab.foreign.podresources.v1 import api_pb2, api_pb2_grpc

IMAGE = "podlab.local/hello:1.0"


@pytest.fixture
async def plugin(kubelet: MemoryKubelet, root: Path) -> AsyncIterator[TestPlugin]:
    """Registered, with three devices."""
    made = TestPlugin(root / "device-plugins")
    await made.start(gpu0="Healthy", gpu1="Healthy", gpu2="Unhealthy")
    await until_offered(kubelet, 2)
    yield made
    await made.stop()


async def until_offered(kubelet: MemoryKubelet, healthy: int, resource: str = RESOURCE) -> None:
    assert kubelet.runner is not None
    changed = asyncio.Event()
    kubelet.runner.devices.offers.on_change(changed.set)
    async with asyncio.timeout(WITHIN_S):
        while len(kubelet.runner.devices.offers.healthy(resource)) != healthy:
            await changed.wait()
            changed.clear()


async def create(admin: Client, name: str, *counts: int, limits: Json | None = None, **spec: object) -> pod_pb2.Pod:
    """A container for each of the counts of devices, and one with these limits."""
    extra: list[Json] = [] if limits is None else [{"name": "x", "image": IMAGE, "resources": {"limits": limits}}]
    containers: list[Json] = extra + [
        {
            "name": f"c{place}",
            "image": IMAGE,
            "env": [{"name": "COLOUR", "value": "the pod's"}],
            "resources": {"limits": {RESOURCE: count}},
        }
        for place, count in enumerate(counts)
    ]
    made = builtin_kinds.read({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {"nodeName": "n1", "containers": containers, "terminationGracePeriodSeconds": 1, **spec},
    })  # fmt: skip
    assert isinstance(made, pod_pb2.Pod)
    return await admin.create(made)


def running(pod: pod_pb2.Pod | None) -> bool:
    return pod is not None and pod.status.phase == "Running"


def failed(pod: pod_pb2.Pod | None) -> bool:
    return pod is not None and pod.status.phase == "Failed"


def gone(pod: pod_pb2.Pod | None) -> bool:
    return pod is None


def health(pod: pod_pb2.Pod | None) -> dict[str, str]:
    statuses = pod.status.containerStatuses if pod is not None else ()
    told = [each for status in statuses for each in status.allocatedResourcesStatus]
    return {device.resourceID: device.health for each in told for device in each.resources}


async def test_a_container_gets_what_the_plugin_says_of_its_devices(
    admin: Client, kubelet: MemoryKubelet, runtime: MemoryRuntime, until: Until, plugin: TestPlugin
) -> None:
    await create(admin, "a", 1, 1)
    seen = await until("a", running)
    assert sorted(plugin.allocated) == [["gpu0"], ["gpu1"]] == sorted(plugin.reset)
    config = next(each for each in runtime.configs if each.metadata.name == "c0")
    environment = {each.key: each.value for each in config.envs}
    assert (environment["DEVICES"], environment["COLOUR"]) == ("gpu0", "the pod's")
    assert [(each.container_path, each.host_path, each.permissions) for each in config.devices] == [
        ("/dev/gpu0", "/dev/null", "rw")
    ]
    assert any(each.container_path == "/lib/gpu" and each.readonly for each in config.mounts)
    assert config.annotations["example.com/gpu"] == "here"
    assert health(seen) == {"gpu0": "Healthy", "gpu1": "Healthy"}


async def test_a_plugin_that_does_not_answer_holds_up_those_alone_who_ask_for_its_devices(
    admin: Client, kubelet: MemoryKubelet, root: Path, until: Until, plugin: TestPlugin
) -> None:
    plugin.answering = asyncio.Event()
    other = TestPlugin(root / "device-plugins", resource="example.com/nic", endpoint="nic.sock")
    await other.start(nic0="Healthy", nic1="Healthy")
    await until_offered(kubelet, 2, other.resource)
    both = {RESOURCE: 1, other.resource: 1}
    await create(admin, "held", limits=both)
    await create(admin, "plain", limits={})
    await create(admin, "nic", limits={other.resource: 1})
    await until("plain", running)
    await until("nic", running)
    held = await admin.get(pod_pb2.Pod, "held", "default")
    assert (held.status.phase, plugin.allocated) == ("Pending", [])
    plugin.answering.set()
    await until("held", running)
    await other.stop()


async def test_a_pod_that_ended_gives_its_devices_back(
    admin: Client, kubelet: MemoryKubelet, until: Until, plugin: TestPlugin
) -> None:
    await create(admin, "a", 2)
    await until("a", running)
    await create(admin, "b", 1)
    refused = await until("b", failed)
    why = f"requested number of devices unavailable for {RESOURCE}. Requested: 1, Available: 0"
    assert refused.status.reason == "UnexpectedAdmissionError"
    assert refused.status.message == f"Pod was rejected: Allocate failed due to {why}, which is unexpected"
    await admin.delete(pod_pb2.Pod, "a", "default")
    await until("a", gone)
    await create(admin, "c", 2)
    await until("c", running)


async def test_a_plugin_that_refuses_or_has_died_fails_pods_with_its_words(
    admin: Client, kubelet: MemoryKubelet, until: Until, plugin: TestPlugin
) -> None:
    plugin.refusal = "the device is on fire"
    await create(admin, "a", 1)
    refused = await until("a", failed)
    assert "Allocate failed due to rpc error: code = UNKNOWN desc = the device is on fire" in refused.status.message
    plugin.refusal = ""
    await create(admin, "b", 1)
    await until("b", running)
    await plugin.stop()
    await until_offered(kubelet, 0)
    await until("b", lambda pod: health(pod) == {"gpu0": "Unknown"})
    await create(admin, "c", 1)
    late = await until("c", failed)
    assert f"no healthy devices present; cannot allocate unhealthy devices {RESOURCE}" in late.status.message
    assert running(await until("b", running)), "who has a device keeps it"


async def test_an_unhealthy_device_is_told_and_not_given_away(
    admin: Client, kubelet: MemoryKubelet, until: Until, plugin: TestPlugin
) -> None:
    await create(admin, "a", 1)
    await until("a", running)
    await plugin.set(gpu0="Unhealthy", gpu1="Unhealthy", gpu2="Healthy")
    await until("a", lambda pod: health(pod) == {"gpu0": "Unhealthy"})
    await create(admin, "b", 1)
    await until("b", running)
    assert plugin.allocated == [["gpu0"], ["gpu2"]]


async def test_a_plugin_says_which_devices_it_prefers(
    admin: Client, kubelet: MemoryKubelet, root: Path, until: Until
) -> None:
    plugin = TestPlugin(root / "device-plugins", preferred=["gpu1"])
    await plugin.start(gpu0="Healthy", gpu1="Healthy")
    await until_offered(kubelet, 2)
    await create(admin, "a", 1)
    await until("a", running)
    assert plugin.allocated == [["gpu1"]]
    await plugin.stop()


async def test_a_restarted_kubelet_knows_who_has_what_and_plugins_register_anew(
    admin: Client, kubelet: MemoryKubelet, root: Path, until: Until, plugin: TestPlugin
) -> None:
    await create(admin, "a", 1)
    await until("a", running)
    await kubelet.kill()
    await plugin.stop()
    await kubelet.start()
    assert kubelet.runner is not None
    assert kubelet.runner.devices.offers.resources == {RESOURCE}
    again = TestPlugin(root / "device-plugins")
    await again.start(gpu0="Healthy", gpu1="Healthy")
    await until_offered(kubelet, 2)
    await create(admin, "b", 1)
    await until("b", running)
    assert again.allocated == [["gpu1"]]
    await again.stop()


async def test_monitoring_agents_learn_who_has_what(
    admin: Client, kubelet: MemoryKubelet, root: Path, until: Until, plugin: TestPlugin
) -> None:
    await create(admin, "a", 2)
    await until("a", running)
    async with grpc.aio.insecure_channel(f"unix:{root}/pod-resources/kubelet.sock") as channel:
        stub = api_pb2_grpc.PodResourcesListerStub(channel)
        (told,) = (await stub.List(api_pb2.ListPodResourcesRequest())).pod_resources
        assert (told.namespace, told.name, told.containers[0].name) == ("default", "a", "c0")
        near = [([*each.device_ids], [node.ID for node in each.topology.nodes]) for each in told.containers[0].devices]
        assert near == [(["gpu0"], [0]), (["gpu1"], [1])]
        one = await stub.Get(api_pb2.GetPodResourcesRequest(pod_name="a", pod_namespace="default"))
        assert one.pod_resources == told
        there = (await stub.GetAllocatableResources(api_pb2.AllocatableResourcesRequest())).devices
        assert sorted(device for each in there for device in each.device_ids) == ["gpu0", "gpu1"]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Get(api_pb2.GetPodResourcesRequest(pod_name="b", pod_namespace="default"))
        assert caught.value.details() == "pod b in namespace default not found"
