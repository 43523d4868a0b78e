"""Drivers of volumes, and what they say of nodes and of room."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.sample_objects import sample

from podlab.api import kinds
from podlab.storage.v1.csi_pb2 import CSIDriver, CSINode, CSIStorageCapacity
from podlab.storage.v1.volumeattributesclass_pb2 import VolumeAttributesClass


def made(message: type[Any], changes: dict[str, Any] | None = None) -> Any:
    found = sample(kinds.of(message), changes)
    builtin_kinds.apply_defaults(found)
    return found


def driver(**spec: Any) -> Any:
    return made(CSIDriver, {"spec": spec})


def node(*drivers: dict[str, Any]) -> Any:
    return made(CSINode, {"spec": {"drivers": [{"name": "d.example.com", "nodeID": "n", **one} for one in drivers]}})


def capacity(**fields: Any) -> Any:
    return made(CSIStorageCapacity, fields)


def test_a_driver_gets_kubernetes_defaults() -> None:
    spec = made(CSIDriver, {"spec": {"attachRequired": None}}).spec
    flags = (spec.podInfoOnMount, spec.storageCapacity, spec.requiresRepublish, spec.seLinuxMount)
    assert (spec.attachRequired, *flags) == (True, False, False, False, False)
    assert (spec.fsGroupPolicy, list(spec.volumeLifecycleModes)) == ("ReadWriteOnceWithFSType", ["Persistent"])


BAD = [
    (driver(fsGroupPolicy="Maybe"), 'spec.fsGroupPolicy: Unsupported value: "Maybe"'),
    (driver(volumeLifecycleModes=["Eternal"]), 'spec.volumeLifecycleModes: Unsupported value: "Eternal"'),
    (driver(tokenRequests=[{"audience": "a"}, {"audience": "a"}]), "spec.tokenRequests[1].audience: Duplicate value"),
    (
        driver(tokenRequests=[{"audience": "a", "expirationSeconds": 5}]),
        "spec.tokenRequests[0].expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes",
    ),
    (driver(nodeAllocatableUpdatePeriodSeconds=9), "must be greater than or equal to 10 seconds"),
    (node({"name": ""}), "spec.drivers[0].name: Required value"),
    (node({"name": "a" * 64}), "spec.drivers[0].name: Too long: may not be more than 63 bytes"),
    (node({"nodeID": ""}), "spec.drivers[0].nodeID: Required value"),
    (node({}, {}), 'spec.drivers[1].name: Duplicate value: "d.example.com"'),
    (node({"topologyKeys": ["a", "a"]}), 'spec.drivers[0]: Duplicate value: "a"'),
    (node({"allocatable": {"count": -1}}), "spec.drivers[0].allocatable.count: Invalid value: -1"),
    (capacity(storageClassName="A_b"), 'storageClassName: Invalid value: "A_b"'),
    (capacity(capacity="-1"), 'capacity: Invalid value: "-1": must be greater than or equal to 0'),
    (made(VolumeAttributesClass, {"parameters": None}), "parameters: Required value"),
    (made(VolumeAttributesClass, {"driverName": None}), "driverName: Required value"),
]


@pytest.mark.parametrize(("given", "told"), BAD, ids=[told[:60] for _, told in BAD])
def test_what_is_wrong_is_told_in_kubernetes_words(given: Any, told: str) -> None:
    causes = [str(cause) for cause in builtin_kinds.validate_create(given)]
    assert [each for each in causes if told in each], causes


@pytest.mark.parametrize("given", [driver(), node({}), capacity(), made(VolumeAttributesClass)])
def test_what_is_right_is_taken(given: Any) -> None:
    assert builtin_kinds.validate_create(given) == ()


CHANGES = [
    (driver(), driver(attachRequired=True), "spec.attachedRequired: Invalid value: true: field is immutable"),
    (driver(), driver(podInfoOnMount=True), ""),
    (driver(), driver(volumeLifecycleModes=["Ephemeral"]), "spec.volumeLifecycleModes: Invalid value"),
    (node({}), node({"nodeID": "other"}), "spec.drivers: Invalid value"),
    (node({}), node({"allocatable": {"count": 3}}, {"name": "e.example.com"}), ""),
    (capacity(), capacity(capacity="20Gi"), ""),
    (capacity(), capacity(nodeTopology={}), "nodeTopology: Invalid value: null: field is immutable"),
    (
        made(VolumeAttributesClass),
        made(VolumeAttributesClass, {"parameters": {"iops": "1"}}),
        "parameters: Forbidden: updates to parameters are forbidden.",
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), CHANGES)
def test_what_may_not_change_stays(old: Any, new: Any, told: str) -> None:
    causes = [str(cause) for cause in builtin_kinds.validate_update(new, old)]
    assert causes == [] if not told else told in " ".join(causes)
