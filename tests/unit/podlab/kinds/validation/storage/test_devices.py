"""Devices, claims of them, and what is wrong with either."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.sample_objects import sample


def made(kind: str, spec: dict[str, Any], **more: Any) -> Any:
    found = sample(builtin_kinds.named(kind), {"spec": spec, **more})
    builtin_kinds.apply_defaults(found)
    return found


def claim(*requests: dict[str, Any], **devices: Any) -> Any:
    return made("ResourceClaim", {"devices": {"requests": list(requests), **devices}})


def request(**exactly: Any) -> dict[str, Any]:
    return {"name": "gpu", "exactly": {"deviceClassName": "gpus", **exactly}}


def offered(**spec: Any) -> Any:
    return made("ResourceSlice", spec)


def device(**fields: Any) -> Any:
    return offered(devices=[{"name": "gpu-0", **fields}])


OPAQUE = {"opaque": {"driver": "gpu.example.com", "parameters": {"mode": "fast"}}}
PART = {"name": "small", "deviceClassName": "gpus"}
BAD = [
    (claim({"name": "gpu"}), "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable`"),
    (claim({**request(), "firstAvailable": [PART]}), "but multiple fields are set"),
    (claim(request(), request()), 'spec.devices.requests[1]: Duplicate value: "gpu"'),
    (claim({**request(), "name": "G_1"}), 'spec.devices.requests[0].name: Invalid value: "G_1"'),
    (claim(request(deviceClassName="")), "spec.devices.requests[0].exactly.deviceClassName: Required value"),
    (claim(request(allocationMode="All", count=2)), "must not be specified when allocationMode is 'All'"),
    (claim(request(count=-1)), "spec.devices.requests[0].exactly.count: Invalid value: -1: must be greater than zero"),
    (claim(request(selectors=[{}])), "spec.devices.requests[0].exactly.selectors[0].cel: Required value"),
    (claim(request(tolerations=[{"operator": "Exists", "value": "x"}])), "must be empty for operator `Exists`"),
    (claim(request(), constraints=[{"requests": ["other"], "matchAttribute": "a.com/b"}]), "name of a request in the"),
    (claim(request(), constraints=[{"matchAttribute": "numa"}]), "must include a domain"),
    (claim(request(), constraints=[{}]), 'exactly one of "matchAttribute" or "distinctAttribute" is required'),
    (claim(request(), config=[{}]), "spec.devices.config[0].opaque: Required value"),
    (claim(*({**request(), "name": f"g{index}"} for index in range(33))), "Too many: 33: must have at most 32 items"),
    (made("DeviceClass", {"selectors": [{"cel": {"expression": ""}}]}), "spec.selectors[0].cel.expression: Required"),
    (offered(nodeName=None), "spec: Required value: exactly one of `nodeName`, `nodeSelector`"),
    (offered(allNodes=True), "but multiple fields are set"),
    (offered(pool={"resourceSliceCount": 0}), "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than"),
    (offered(driver="-"), 'spec.driver: Invalid value: "-"'),
    (device(attributes={"a": {}}), "spec.devices[0].attributes[a]: Required value: exactly one value must be"),
    (device(attributes={"a": {"int": 1, "bool": True}}), "exactly one value must be specified"),
    (device(attributes={"1a": {"int": 1}}), "a valid C identifier must start with alphabetic character"),
    (device(consumesCounters=[{"counterSet": "none"}]), "must reference a counterSet defined in the ResourceSlice"),
    (
        device(taints=[{"key": "a", "effect": "Prefer"}]),
        'spec.devices[0].taints[0].effect: Unsupported value: "Prefer"',
    ),
    (offered(devices=[{"name": "a"}, {"name": "a"}]), 'spec.devices[1].name: Duplicate value: "a"'),
]


@pytest.mark.parametrize(("given", "told"), BAD, ids=[told[:60] for _, told in BAD])
def test_what_is_wrong_is_told_in_kubernetes_words(given: Any, told: str) -> None:
    causes = [str(cause) for cause in builtin_kinds.validate_create(given)]
    assert [each for each in causes if told in each], causes


FINE = [
    claim(request(), constraints=[{"matchAttribute": "a.com/numa"}], config=[{"requests": ["gpu"], **OPAQUE}]),
    claim(
        {"name": "any", "firstAvailable": [PART]},
        constraints=[{"requests": ["any/small"], "distinctAttribute": "a.com/b"}],
    ),
    made("DeviceClass", {"config": [OPAQUE], "extendedResourceName": "example.com/gpu"}),
    made("ResourceClaimTemplate", {}),
    device(attributes={"a.com/b": {"version": "1.2.3"}}, capacity={"memory": {"value": "1Gi"}}),
]


@pytest.mark.parametrize("given", FINE, ids=lambda given: given.DESCRIPTOR.name)
def test_what_is_right_is_taken(given: Any) -> None:
    assert builtin_kinds.validate_create(given) == ()


def test_a_claim_asks_for_one_device_unless_it_says_more() -> None:
    exactly = claim(request()).spec.devices.requests[0].exactly
    assert (exactly.allocationMode, exactly.count) == ("ExactCount", 1)


def test_a_claim_is_reserved_when_something_was_given_to_it() -> None:
    held = claim(request())
    held.status.reservedFor.add(resource="pods", name="web", uid="u")
    (cause,) = builtin_kinds.validate_status_update(held, claim(request()))
    assert str(cause) == "status.reservedFor: Forbidden: may not be specified when `allocated` is not set"
    result = {"request": "gpu", "driver": "d.example.com", "pool": "node-1", "device": "gpu-0"}
    held.status.allocation.devices.results.add(**result)
    assert builtin_kinds.validate_status_update(held, claim(request())) == ()
    row = builtin_kinds.resource(held).table.row(held, False, datetime.now(UTC))
    assert row[1] == "allocated,reserved"


def test_whose_devices_they_are_stays() -> None:
    (cause,) = builtin_kinds.validate_update(offered(driver="other.example.com"), offered())
    assert cause.field == "spec.driver"
