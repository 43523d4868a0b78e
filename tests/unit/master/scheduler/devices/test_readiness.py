"""When devices are ready for their pod, and when they will not be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from podlab_testing import allocations

from master.scheduler.devices import readiness
from podlab.api.values import times
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim


def _claim(*holding: str, device: str = "d0") -> ResourceClaim:
    """Of one device that has to be attached; its driver tells that of `device`."""
    claim = allocations.resource_claim()
    conditions = {"bindingConditions": ["Attached", "Checked"], "bindingFailureConditions": ["Broken"]}
    claim.status.allocation.CopyFrom(allocations.given("n1/d0", **conditions))
    told = claim.status.devices.add(driver=allocations.DRIVER, pool="n1", device=device)
    for each in holding:
        told.conditions.add(type=each, status="True", reason="Told", message='by "driver"')
    return claim


@pytest.mark.parametrize(
    ("claim", "is_ready"),
    [
        (_claim("Attached", "Checked"), True),
        (_claim("Attached"), False),
        (_claim(), False),
        (_claim("Attached", "Checked", device="d1"), False),
    ],
)
def test_a_claim_is_ready_when_all_conditions_hold(claim: ResourceClaim, is_ready: bool) -> None:
    assert readiness.must_be_waited_for(claim)
    assert readiness.is_ready(claim) is is_ready
    assert readiness.why_failed(claim) == ""


def test_a_claim_without_conditions_is_ready_at_once() -> None:
    claim = allocations.resource_claim()
    claim.status.allocation.CopyFrom(allocations.given("n1/d0"))
    assert not readiness.must_be_waited_for(claim)
    assert readiness.is_ready(claim)
    assert readiness.waited_s(claim, datetime.now(UTC)) == 0


def test_a_condition_of_failure_is_told() -> None:
    why = 'claim claim binding failed: reason=Told, message="by \\"driver\\""'
    assert readiness.why_failed(_claim("Attached", "Broken")) == why


def test_the_wait_is_counted_from_the_allocation() -> None:
    claim = _claim()
    claim.status.allocation.allocationTimestamp.CopyFrom(times.now())
    begun = times.to_datetime(claim.status.allocation.allocationTimestamp)
    assert readiness.waited_s(claim, begun.replace(year=begun.year + 1)) >= 365 * 86400
