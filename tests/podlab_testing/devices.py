"""Devices, and pods that claim them."""

from __future__ import annotations

from typing import Any, TypeVar

from podlab.core.v1.pod_pb2 import Pod
from podlab.resource.v1.deviceclass_pb2 import DeviceClass
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim, ResourceClaimTemplate
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice
from podlab_testing import builtin_kinds

DRIVER, CLASS, TEMPLATE = "gpu.example.com", "gpus", "one-gpu"
FINALIZER = "resource.kubernetes.io/delete-protection"
M = TypeVar("M")
_API = "resource.k8s.io/v1"


def device_class(name: str = CLASS) -> DeviceClass:
    """Of the driver's devices."""
    selector = {"cel": {"expression": f'device.driver == "{DRIVER}"'}}
    return _read(DeviceClass, "DeviceClass", {"name": name}, {"selectors": [selector]})


def resource_slice(node: str, *devices: str) -> ResourceSlice:
    """What the node offers: devices, told all in one slice."""
    spec = {
        "driver": DRIVER,
        "nodeName": node,
        "pool": {"name": node, "generation": 1, "resourceSliceCount": 1},
        "devices": [{"name": name} for name in devices],
    }
    return _read(ResourceSlice, "ResourceSlice", {"name": f"{node}-{DRIVER}"}, spec)


def claim(name: str = "all-gpus", *, namespace: str = "default", **exactly: Any) -> ResourceClaim:
    """For one device."""
    return _read(ResourceClaim, "ResourceClaim", {"name": name, "namespace": namespace}, _asked(exactly))


def template(name: str = TEMPLATE, *, namespace: str = "default", **exactly: Any) -> ResourceClaimTemplate:
    """For one device for each pod."""
    metadata = {"name": name, "namespace": namespace}
    return _read(ResourceClaimTemplate, "ResourceClaimTemplate", metadata, {"spec": _asked(exactly)})


def user(name: str = "web", *, node: str = "", **source: str) -> Pod:
    """A pod that uses one claim, which it calls gpu: by default one made from the template."""
    source = source or {"resourceClaimTemplateName": TEMPLATE}
    container = {"name": "main", "image": "podlab.local/hello:1.0", "resources": {"claims": [{"name": "gpu"}]}}
    spec = {"containers": [container], "resourceClaims": [{"name": "gpu", **source}], "nodeName": node}
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}
    found = builtin_kinds.read(made)
    assert isinstance(found, Pod)
    return found


def allocated(claim: ResourceClaim, *pods: Pod, node: str = "n1", device: str = "gpu-0") -> ResourceClaim:
    """A copy to which the scheduler has given a device of the node, for these pods to use."""
    copy = type(claim)()
    copy.CopyFrom(claim)
    given = copy.status.allocation
    given.devices.results.add(request="gpu", driver=DRIVER, pool=node, device=device)
    given.nodeSelector.nodeSelectorTerms.add().matchFields.add(key="metadata.name", operator="In", values=[node])
    for pod in pods:
        copy.status.reservedFor.add(resource="pods", name=pod.metadata.name, uid=pod.metadata.uid)
    return copy


def _asked(exactly: dict[str, Any]) -> dict[str, Any]:
    return {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": CLASS, **exactly}}]}}


def _read(message: type[M], kind: str, metadata: dict[str, str], spec: dict[str, Any]) -> M:
    found = builtin_kinds.read({"apiVersion": _API, "kind": kind, "metadata": metadata, "spec": spec})
    assert isinstance(found, message)
    return found
