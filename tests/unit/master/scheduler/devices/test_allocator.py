"""What claims get: the cases of `cases/allocations.yaml`, and what holds for all."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from podlab_testing import allocations

from master.scheduler.devices.allocator import TIMED_OUT
from master.scheduler.devices.offers import TargetNode
from master.scheduler.devices.requests import AllocationError
from podlab.api.serializer import codec
from podlab.resource.v1.deviceclass_pb2 import DeviceClass
from podlab.resource.v1.resourceclaim_pb2 import AllocationResult, ResourceClaim
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice


class _Case(NamedTuple):
    claims: list[ResourceClaim]
    classes: list[DeviceClass]
    slices: list[ResourceSlice]
    taken: list[AllocationResult]
    node: TargetNode
    wanted: dict[str, object]


def _read() -> dict[str, _Case]:
    found: dict[str, _Case] = {}
    for name, case in yaml.safe_load((Path(__file__).parent / "cases/allocations.yaml").read_text()).items():
        claims = [
            allocations.resource_claim(f"claim-{number}", **each)
            for number, each in enumerate(case.get("claims", [{}]))
        ]
        classes = [allocations.device_class(each, **spec) for each, spec in case.get("classes", {"gpu": {}}).items()]
        slices = [
            allocations.resource_slice(f"slice-{number}", each) for number, each in enumerate(case.get("slices", []))
        ]
        taken = [allocations.given(*each.pop("devices"), **each) for each in case.get("taken", [])]
        wanted = {key: case[key] for key in ("gives", "reason", "error", "selector", "config", "result") if key in case}
        found[name] = _Case(claims, classes, slices, taken, TargetNode("n1", case.get("labels", {})), wanted)
    return found


CASES = _read()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_claims_get_what_the_case_says(case: _Case) -> None:
    taken = allocations.allocated(*case.taken)
    if "error" in case.wanted:
        with pytest.raises(AllocationError, match=str(case.wanted["error"])):
            allocations.outcome(case.claims, case.classes, case.slices, taken, node=case.node)
        return
    found = allocations.outcome(case.claims, case.classes, case.slices, taken, node=case.node)
    assert found.reason == case.wanted.get("reason", "")
    assert [allocations.results(each) for each in found.allocations] == case.wanted.get("gives", [])
    for allocation in found.allocations[:1]:
        told = codec.part_to_dict(allocation)
        parts = codec.part_to_dict(allocation.devices)
        if "selector" in case.wanted:
            assert told.get("nodeSelector", "everywhere") == case.wanted["selector"]
        if "config" in case.wanted:
            assert parts.get("config", []) == case.wanted["config"]
        if "result" in case.wanted:
            assert parts["results"] == case.wanted["result"]


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 60


def test_a_search_ends_when_it_is_late() -> None:
    found = allocations.outcome(
        [allocations.resource_claim()],
        [allocations.device_class()],
        [allocations.resource_slice("slice", {"devices": ["gpu-0"]})],
        is_late=lambda: True,
    )
    assert (found.reason, list(found.allocations)) == (TIMED_OUT, [])


def test_a_search_without_an_end_in_sight_is_bounded_by_time() -> None:
    """Twenty of forty devices must differ in an attribute of which there are ten values."""
    offered = [{"name": f"gpu-{each}", "attributes": {"place": {"int": each % 10}}} for each in range(40)]
    claim = allocations.resource_claim(
        requests=[{"name": "r0", "exactly": {"deviceClassName": "gpu", "count": 20}}],
        constraints=[{"distinctAttribute": f"{allocations.DRIVER}/place"}],
    )
    steps = iter(range(20_000))
    found = allocations.outcome(
        [claim],
        [allocations.device_class()],
        [allocations.resource_slice("slice", {"devices": offered})],
        is_late=lambda: next(steps, None) is None,
    )
    assert found.reason == TIMED_OUT


def test_many_claims_of_many_devices_need_no_deep_recursion() -> None:
    slices = [
        allocations.resource_slice(
            f"slice-{number}",
            {
                "devices": [f"gpu-{number}-{each}" for each in range(128)],
                "pool": {"name": "large", "resourceSliceCount": 8},
            },
        )
        for number in range(8)
    ]
    claims = [
        allocations.resource_claim(
            f"claim-{number}", requests=[{"name": "r0", "exactly": {"deviceClassName": "gpu", "count": 32}}]
        )
        for number in range(32)
    ]
    found = allocations.outcome(claims, [allocations.device_class()], slices)
    given = [each for allocation in found.allocations for each in allocations.results(allocation)]
    assert len(set(given)) == 1024
