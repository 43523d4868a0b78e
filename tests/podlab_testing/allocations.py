"""Devices, classes and claims of tests, written shortly: what is left out is usual."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from google.protobuf.message import Message

from master.scheduler.devices.allocated import AllocatedDevices
from master.scheduler.devices.allocator import Outcome, allocate
from master.scheduler.devices.inventory import Inventory
from master.scheduler.devices.offers import DeviceId, TargetNode
from master.scheduler.devices.requests import read_claim
from podlab.api.kinds import of
from podlab.api.serializer import codec
from podlab.api.values.jsonvalues import Json
from podlab.core.v1.pod_pb2 import Pod
from podlab.kinds.defaults.devices import set_claim_defaults
from podlab.resource.v1.deviceclass_pb2 import DeviceClass
from podlab.resource.v1.resourceclaim_pb2 import AllocationResult, ResourceClaim
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice

DRIVER = "gpu.example.com"
CLASS = "gpu"
DEVICE_0 = DeviceId(DRIVER, "n1", "d0")
Fields = Mapping[str, Json]
M = TypeVar("M", bound=Message)


def device_class(name: str = CLASS, **spec: Json) -> DeviceClass:
    """Of all devices, where no selectors are given."""
    return _object(DeviceClass, name, spec)


def resource_slice(name: str, spec: Fields) -> ResourceSlice:
    """A pool of its own, of the node or of all nodes. Devices may be mere names."""
    given = dict(spec)
    if not any(place in given for place in ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection")):
        given["nodeName"] = "n1"
    pool = {"name": given.get("nodeName", "shared"), "generation": 1, "resourceSliceCount": 1}
    given["pool"] = {**pool, **_fields(given.get("pool", {}))}
    devices = given.get("devices", [])
    assert isinstance(devices, list)
    given["devices"] = [{"name": each} if isinstance(each, str) else each for each in devices]
    return _object(ResourceSlice, name, {"driver": DRIVER, **given})


def resource_claim(name: str = "claim", *, namespace: str = "default", **devices: Json) -> ResourceClaim:
    """Of one device of the class `gpu`, where no requests are given. Its uid is its name."""
    asked = {"requests": [{"name": "r0", "exactly": {"deviceClassName": CLASS}}], **devices}
    made = _object(ResourceClaim, name, {"devices": asked}, namespace)
    set_claim_defaults(made.spec)
    return made


def claiming_pod(*claims: str, name: str = "web", template: str = "", node: str = "") -> Pod:
    """A pod with these claims; with a template, one claim more, that was made for it and has its name."""
    pod = Pod()
    pod.metadata.name, pod.metadata.namespace, pod.metadata.uid = name, "default", f"uid-{name}"
    pod.spec.schedulerName = "default-scheduler"
    pod.spec.nodeName = node
    pod.spec.containers.add(name="main", image="hello:1.0")
    for each in claims:
        pod.spec.resourceClaims.add(name=each, resourceClaimName=each)
    if template:
        pod.spec.resourceClaims.add(name="own", resourceClaimTemplateName=template)
        pod.status.resourceClaimStatuses.add(name="own", resourceClaimName=name)
    return pod


def given(*devices: str, **also: Json) -> AllocationResult:
    """An allocation of the devices, each of them pool/device."""
    results: list[Json] = []
    for each in devices:
        pool, _, device = each.partition("/")
        results.append({"request": "r0", "driver": DRIVER, "pool": pool, "device": device, **also})
    return codec.part_from_dict({"devices": {"results": results}}, AllocationResult)


def allocated(*allocations: AllocationResult) -> AllocatedDevices:
    """What is taken when claims have these."""
    found = AllocatedDevices()
    for number, each in enumerate(allocations):
        found.set_claim(f"earlier-{number}", each)
    return found


def inventory(slices: Iterable[ResourceSlice]) -> Inventory:
    """All that these offer."""
    found = Inventory()
    for each in slices:
        found.set_slice(each.metadata.name, each)
    return found


def outcome(
    claims: Sequence[ResourceClaim],
    classes: Iterable[DeviceClass],
    slices: Iterable[ResourceSlice],
    taken: AllocatedDevices | None = None,
    *,
    node: TargetNode | None = None,
    is_late: Callable[[], bool] = lambda: False,
) -> Outcome:
    """What the claims get on the node n1. Raises AllocationError."""
    known = {each.metadata.name: each for each in classes}
    asked = [read_claim(claim, known) for claim in claims]
    at = node or TargetNode("n1", {})
    return allocate(asked, at, inventory(slices), taken or AllocatedDevices(), is_late)


def results(allocation: AllocationResult) -> list[str]:
    """`request=pool/device` of each device."""
    return [f"{one.request}={one.pool}/{one.device}" for one in allocation.devices.results]


def _object(kind: type[M], name: str, spec: Fields, namespace: str = "") -> M:
    metadata: dict[str, Json] = {"name": name, "uid": name}
    if namespace:
        metadata["namespace"] = namespace
    of_kind = of(kind)
    data = {"apiVersion": of_kind.api_version, "kind": of_kind.name, "metadata": metadata, "spec": dict(spec)}
    made = codec.from_dict(data, of_kind)
    assert isinstance(made, kind)
    return made


def _fields(given: Json) -> Fields:
    assert isinstance(given, dict)
    return given
