"""Drivers of volumes: what they can do, on which nodes they are, and how much room they have."""

from collections.abc import Iterable

from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_selector
from podlab.kinds.validation.pods.resources import check_quantity
from podlab.kinds.validation.storage.drivernames import check_driver_name
from podlab.storage.v1 import csi_pb2

_FS_GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
_LIFECYCLE_MODES = ("Persistent", "Ephemeral")
_NODE_ID_CHARS = 256
_SHORTEST_TOKEN_S, _LONGEST_TOKEN_S = 600, 1 << 32
_SHORTEST_UPDATE_S = 10


def check_driver(found: Findings, driver: csi_pb2.CSIDriver) -> None:
    """A CSIDriver, whichever way it comes."""
    spec = driver.spec
    if spec.HasField("fsGroupPolicy") and spec.fsGroupPolicy not in _FS_GROUP_POLICIES:
        found.unsupported("spec.fsGroupPolicy", spec.fsGroupPolicy, _FS_GROUP_POLICIES)
    _check_tokens(found, spec.tokenRequests)
    for mode in spec.volumeLifecycleModes:
        if mode not in _LIFECYCLE_MODES:
            found.unsupported("spec.volumeLifecycleModes", mode, _LIFECYCLE_MODES)
    period = spec.nodeAllocatableUpdatePeriodSeconds
    if spec.HasField("nodeAllocatableUpdatePeriodSeconds") and period < _SHORTEST_UPDATE_S:
        rule = f"must be greater than or equal to {_SHORTEST_UPDATE_S} seconds"
        found.invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, rule)
    if spec.HasField("serviceAccountTokenInSecrets") and not spec.tokenRequests:
        rule = "must be unset when tokenRequests is empty"
        found.invalid("spec.serviceAccountTokenInSecrets", spec.serviceAccountTokenInSecrets, rule)


def check_driver_update(found: Findings, new: csi_pb2.CSIDriver, old: csi_pb2.CSIDriver) -> None:
    """Volumes have been attached, and pods made, by what it said."""
    attached = new.spec.attachRequired
    # Kubernetes misspells the field's name.
    found.immutable("spec.attachedRequired", attached, old.spec.attachRequired, attached)
    modes = list(new.spec.volumeLifecycleModes)
    found.immutable("spec.volumeLifecycleModes", modes, list(old.spec.volumeLifecycleModes), modes)


def check_node(found: Findings, node: csi_pb2.CSINode) -> None:
    """A CSINode, whichever way it comes."""
    names: set[str] = set()
    for index, driver in enumerate(node.spec.drivers):
        where = f"spec.drivers[{index}]"
        check_driver_name(found, f"{where}.name", driver.name)
        if not driver.nodeID:
            found.required(f"{where}.nodeID")
        if len(driver.nodeID) > _NODE_ID_CHARS:
            found.invalid(f"{where}.nodeID", driver.nodeID, f"must be {_NODE_ID_CHARS} characters or less")
        if driver.allocatable.HasField("count"):
            found.at_least(f"{where}.allocatable.count", driver.allocatable.count, 0)
        if driver.name in names:
            found.duplicate(f"{where}.name", driver.name)
        names.add(driver.name)
        _check_topology_keys(found, where, list(driver.topologyKeys))


def check_node_update(found: Findings, new: csi_pb2.CSINode, old: csi_pb2.CSINode) -> None:
    """A driver that stays is the same; only how many volumes it takes may change."""
    before = {driver.name: driver for driver in old.spec.drivers}
    for driver in new.spec.drivers:
        known = before.get(driver.name)
        if known is not None and _unchangeable(driver) != _unchangeable(known):
            found.invalid("spec.drivers", driver.name, "field is immutable")


def check_capacity(found: Findings, capacity: csi_pb2.CSIStorageCapacity) -> None:
    """A CSIStorageCapacity, whichever way it comes."""
    if capacity.HasField("nodeTopology"):
        check_selector(found, "nodeTopology", capacity.nodeTopology)
    found.invalid("storageClassName", capacity.storageClassName, *syntax.subdomain(capacity.storageClassName))
    if capacity.HasField("capacity"):
        check_quantity(found, "capacity", capacity.capacity)


def check_capacity_update(found: Findings, new: csi_pb2.CSIStorageCapacity, old: csi_pb2.CSIStorageCapacity) -> None:
    """It tells of the same volumes as before."""
    found.immutable("nodeTopology", _topology(new), _topology(old), None)
    found.immutable("storageClassName", new.storageClassName, old.storageClassName, new.storageClassName)


def _topology(capacity: csi_pb2.CSIStorageCapacity) -> tuple[bool, object]:
    return capacity.HasField("nodeTopology"), capacity.nodeTopology


def _unchangeable(driver: csi_pb2.CSINodeDriver) -> csi_pb2.CSINodeDriver:
    rest = csi_pb2.CSINodeDriver()
    rest.CopyFrom(driver)
    rest.ClearField("allocatable")
    return rest


def _check_tokens(found: Findings, requests: Iterable[csi_pb2.TokenRequest]) -> None:
    audiences: set[str] = set()
    for index, request in enumerate(requests):
        where = f"spec.tokenRequests[{index}]"
        if request.audience in audiences:
            found.duplicate(f"{where}.audience", request.audience)
            continue
        audiences.add(request.audience)
        if not request.HasField("expirationSeconds"):
            continue
        lasting_s = request.expirationSeconds
        if lasting_s < _SHORTEST_TOKEN_S:
            found.invalid(f"{where}.expirationSeconds", lasting_s, "may not specify a duration less than 10 minutes")
        if lasting_s > _LONGEST_TOKEN_S:
            rule = "may not specify a duration larger than 2^32 seconds"
            found.invalid(f"{where}.expirationSeconds", lasting_s, rule)


def _check_topology_keys(found: Findings, field: str, keys: list[str]) -> None:
    for index, key in enumerate(keys):
        if not key:
            found.required(field)
        if key in keys[:index]:
            found.duplicate(field, key)
        found.invalid(field, key, *syntax.qualified_name(key))
