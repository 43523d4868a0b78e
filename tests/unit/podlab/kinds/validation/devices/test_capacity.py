"""How much of a shared device's capacity may be asked for."""

from __future__ import annotations

from typing import Any

import pytest

from podlab.kinds.validation.devices.capacity import check_capacity
from podlab.kinds.validation.findings import Findings
from podlab.resource.v1.resourceslice_pb2 import DeviceCapacity


def capacity(**policy: Any) -> DeviceCapacity:
    """Of 10Gi."""
    made = DeviceCapacity(value={"string": "10Gi"})
    made.requestPolicy.SetInParent()
    if "default" in policy:
        made.requestPolicy.default.string = policy["default"]
    for value in policy.get("values", ()):
        made.requestPolicy.validValues.add(string=value)
    for name, value in policy.get("within", {}).items():
        getattr(made.requestPolicy.validRange, name).string = value
    return made


CASES: list[tuple[DeviceCapacity, list[str]]] = [
    (DeviceCapacity(value={"string": "10Gi"}), []),
    (capacity(), []),
    (capacity(default="1Gi", values=["1Gi", "2Gi"]), []),
    (capacity(values=["1Gi"]), ["c.requestPolicy.default: Required value: required when validValues is defined"]),
    (
        capacity(default="1Gi", values=["2Gi", "1Gi"]),
        ['c.requestPolicy.validValues[1]: Invalid value: "1Gi": values must be sorted in ascending order'],
    ),
    (
        capacity(default="1Gi", values=["1Gi", "11Gi"]),
        ['c.requestPolicy.validValues[1]: Invalid value: "11Gi": option is larger than capacity value: 10Gi'],
    ),
    (
        capacity(default="1Gi", values=["1Gi", "1024Mi"]),
        ['c.requestPolicy.validValues[1]: Duplicate value: "1073741824"'],
    ),
    (
        capacity(default="3Gi", values=["1Gi"]),
        [
            'c.requestPolicy.validValues: Invalid value: "3Gi": default value is not valid according to the'
            " requestPolicy"
        ],
    ),
    (
        capacity(default="1Gi", values=["1Gi"], within={"min": "1Gi"}),
        [
            'c.requestPolicy: Forbidden: exactly one policy can be specified, cannot specify "validValues" and'
            ' "validRange" at the same time'
        ],
    ),
    (capacity(default="2Gi", within={"min": "1Gi", "max": "9Gi", "step": "1Gi"}), []),
    (
        capacity(within={"min": "1Gi"}),
        ["c.requestPolicy.default: Required value: required when validRange is defined"],
    ),
    (
        capacity(default="1Gi", within={"max": "2Gi"}),
        ["c.requestPolicy.validRange.min: Required value: required when validRange is defined"],
    ),
    (
        capacity(default="1Gi", within={"min": "2Gi", "max": "11Gi"}),
        [
            'c.requestPolicy.validRange.default: Invalid value: "1Gi": default is less than min: 2Gi',
            'c.requestPolicy.validRange.max: Invalid value: "11Gi": max is larger than capacity value: 10Gi',
        ],
    ),
    (
        capacity(default="4Gi", within={"min": "1Gi", "max": "3Gi"}),
        ['c.requestPolicy.validRange.default: Invalid value: "4Gi": default is more than max: 3Gi'],
    ),
    (
        capacity(default="1Gi", within={"min": "1Gi", "step": "0"}),
        ['c.requestPolicy.validRange.step: Invalid value: "0": must be greater than zero'],
    ),
    (
        capacity(default="2Gi", within={"min": "1Gi", "max": "5Gi", "step": "3Gi"}),
        [
            'c.requestPolicy.validRange.step: Invalid value: "2Gi": value is not a multiple of a given step (3Gi) from'
            " (1Gi)",
            'c.requestPolicy.validRange.step: Invalid value: "5Gi": value is not a multiple of a given step (3Gi) from'
            " (1Gi)",
        ],
    ),
]


@pytest.mark.parametrize(("given", "told"), CASES, ids=range(len(CASES)))
def test_what_is_wrong_is_told_in_kubernetes_words(given: DeviceCapacity, told: list[str]) -> None:
    found = Findings()
    check_capacity(found, "c", given, shared=True)
    assert [str(cause) for cause in found.causes] == told


def test_parts_are_asked_for_of_shared_devices_alone() -> None:
    found = Findings()
    check_capacity(found, "c", capacity(), shared=False)
    assert [str(cause) for cause in found.causes] == [
        "c.requestPolicy: Forbidden: allowMultipleAllocations must be true"
    ]
