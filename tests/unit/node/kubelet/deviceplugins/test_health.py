from __future__ import annotations

from node.kubelet.deviceplugins.given import Given
from node.kubelet.deviceplugins.health import tell
from podlab.core.v1 import pod_pb2
from podlab.foreign.deviceplugin.v1beta1 import api_pb2


def test_each_device_is_told_with_its_health() -> None:
    known = {"a": True, "b": False, "c": None}
    status = pod_pb2.ContainerStatus(name="main")
    given = Given("u1", "main", "example.com/gpu", tuple(known), api_pb2.ContainerAllocateResponse())
    tell(status, [given], lambda _, device: known[device])
    (told,) = status.allocatedResourcesStatus
    assert told.name == "example.com/gpu"
    health = {each.resourceID: each.health for each in told.resources}
    assert health == {"a": "Healthy", "b": "Unhealthy", "c": "Unknown"}
