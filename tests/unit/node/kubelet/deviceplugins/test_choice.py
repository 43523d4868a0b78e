from __future__ import annotations

import pytest

from node.kubelet.deviceplugins.choice import DeviceRequest, check, chosen, wanted
from node.kubelet.deviceplugins.plugin import DeviceError
from podlab.core.v1 import pod_pb2

GPU = "example.com/gpu"


def _pod(**limits: int) -> pod_pb2.Pod:
    """Containers by name, of which `init` is an init container and `side` a sidecar."""
    pod = pod_pb2.Pod()
    for name, count in limits.items():
        places = pod.spec.initContainers if name in ("init", "side") else pod.spec.containers
        container = places.add(name=name, restartPolicy="Always" if name == "side" else "")
        container.resources.limits[GPU].string = str(count)
        container.resources.limits["cpu"].string = "1"
    return pod


def test_only_resources_of_plugins_are_wanted_and_those_that_are_asked_for() -> None:
    pod = _pod(init=2, main=1, other=0)
    assert list(wanted(pod, {GPU})) == [DeviceRequest("init", GPU, 2), DeviceRequest("main", GPU, 1)]
    assert list(wanted(pod, {"example.com/nic"})) == []


def test_what_a_claim_stands_for_is_not_wanted_of_plugins() -> None:
    pod = _pod(main=1, other=1)
    pod.status.extendedResourceClaimStatus.requestMappings.add(containerName="main", resourceName=GPU)
    assert list(wanted(pod, {GPU})) == [DeviceRequest("other", GPU, 1)]


def test_too_few_devices_are_told_in_kubernetes_words() -> None:
    check(DeviceRequest("a", GPU, 2), {"a", "b"}, {"a"}, {"b"})
    with pytest.raises(DeviceError, match=f"no healthy devices present; cannot allocate unhealthy devices {GPU}"):
        check(DeviceRequest("a", GPU, 1), set(), set(), set())
    why = f"requested number of devices unavailable for {GPU}. Requested: 2, Available: 1"
    with pytest.raises(DeviceError, match=why):
        check(DeviceRequest("a", GPU, 2), {"a", "b"}, {"a"}, set())


def test_required_devices_come_first_then_preferred_ones_that_are_free() -> None:
    assert chosen(2, ["c"], ["x", "b"], {"a", "b"}) == ["c", "b"]
    assert chosen(2, [], [], {"b", "a", "c"}) == ["a", "b"]
