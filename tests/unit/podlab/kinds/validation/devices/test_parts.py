"""Parts of devices, classes and claims, in the objects that have them: what is wrong with them, and what is right."""

from __future__ import annotations

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
COSTLY = "device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, device.attributes.all(d, true))))"
TERM = {"matchExpressions": [{"key": "a", "operator": "Exists"}]}
COUNTERS = {"name": "memory", "counters": {"all": {"value": "1Gi"}}}
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
    (claim(request(), constraints=[{"matchAttribute": "numa"}]), "must be a domain and a name separated by a slash"),
    (claim(request(), constraints=[{}]), 'exactly one of "matchAttribute" or "distinctAttribute" is required'),
    (claim(request(), config=[{}]), "spec.devices.config[0].opaque: Required value"),
    (claim(*({**request(), "name": f"g{index}"} for index in range(33))), "Too many: 33: must have at most 32 items"),
    (made("DeviceClass", {"selectors": [{"cel": {"expression": ""}}]}), "spec.selectors[0].cel.expression: Required"),
    (offered(nodeName=None), "spec: Required value: exactly one of `nodeName`, `nodeSelector`"),
    (offered(allNodes=True), "but multiple fields are set"),
    (offered(pool={"resourceSliceCount": 0}), "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than"),
    (offered(driver="-"), 'spec.driver: Invalid value: "-"'),
    (
        device(attributes={"a": {}}),
        'spec.devices[0].attributes[a]: Invalid value: "": exactly one value must be specified',
    ),
    (device(attributes={"a": {"int": 1, "bool": True}}), "exactly one value must be specified"),
    (device(attributes={"1a": {"int": 1}}), "a valid C identifier must start with alphabetic character"),
    (
        device(taints=[{"key": "a", "effect": "Prefer"}]),
        'spec.devices[0].taints[0].effect: Unsupported value: "Prefer"',
    ),
    (offered(devices=[{"name": "a"}, {"name": "a"}]), 'spec.devices[1]: Duplicate value: "a"'),
    (claim(request(selectors=[{"cel": {"expression": "device.driver"}}])), "must evaluate to bool or the unknown type"),
    (claim(request(selectors=[{"cel": {"expression": "device.x == 1"}}])), "compilation failed: ERROR: <input>:1:7: "),
    (
        claim(request(selectors=[{"cel": {"expression": COSTLY}}])),
        "exactly.selectors[0].cel.expression: Forbidden: too complex, exceeds cost limit",
    ),
    (
        claim(request(selectors=[{"cel": {"expression": "a" * 10241}}])),
        "exactly.selectors[0].cel.expression: Too long: may not be more than 10240 bytes",
    ),
    (claim(request(tolerations=[{"operator": "Exists"}] * 17)), "Too many: 17: must have at most 16 items"),
    (claim(request(allocationMode="Some")), 'Unsupported value: "Some": supported values: "All", "ExactCount"'),
    (claim(request(), constraints=[{"requests": ["a/b/c"], "matchAttribute": "a.com/b"}]), 'Invalid value: "a/b/c"'),
    (claim(request(), constraints=[{"matchAttribute": "a.com/b/c"}]), "must not contain more than one slash"),
    (claim(request(), constraints=[{"matchAttribute": "/b"}]), "the domain must not be empty"),
    (claim(request(), constraints=[{"matchAttribute": "a.com/"}]), "the name must not be empty"),
    (
        claim(request(), config=[{"opaque": {"driver": "a.com", "parameters": {"a": "x" * 10240}}}]),
        "parameters: Too long: may not be more than 10240 bytes",
    ),
    (claim({"name": "any", "firstAvailable": [PART] * 9}), "Too many: 9: must have at most 8 items"),
    (
        made("DeviceClass", {"extendedResourceName": "gpus"}),
        'spec.extendedResourceName: Invalid value: "gpus": must be a valid extended resource name',
    ),
    (made("DeviceClass", {"extendedResourceName": "kubernetes.io/gpus"}), "must be a valid extended resource name"),
    (offered(nodeName=""), 'spec.nodeName: Invalid value: "": must be either unset or set to a non-empty string'),
    (
        offered(nodeName=None, allNodes=False),
        "spec.allNodes: Invalid value: false: must be either unset or",
    ),
    (
        offered(nodeName=None, nodeSelector={"nodeSelectorTerms": [TERM, TERM]}),
        "spec.nodeSelector.nodeSelectorTerms: Invalid value: must have exactly one node selector term",
    ),
    (device(nodeName="n1"), "can only be set if `perDeviceNodeSelection` is set to true"),
    (
        offered(nodeName=None, perDeviceNodeSelection=True),
        "spec.devices[0]: Required value: exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required",
    ),
    (
        offered(nodeName=None, perDeviceNodeSelection=True, devices=[{"name": "a", "nodeName": "n", "allNodes": True}]),
        'spec.devices[0]: Invalid value: "{`nodeName`, `allNodes`}": exactly one of',
    ),
    (
        offered(sharedCounters=[COUNTERS]),
        'spec: Invalid value: "": only one of `sharedCounters` or',
    ),
    (offered(devices=[], sharedCounters=[COUNTERS] * 9), "spec.sharedCounters: Too many: 9: must have at most 8 items"),
    (offered(devices=[], sharedCounters=[{"name": "a"}]), "spec.sharedCounters[0].counters: Required value"),
    (device(consumesCounters=[{"counters": {"m": {"value": "1"}}}]), "consumesCounters[0].counterSet: Required value"),
    (
        offered(devices=[{"name": f"g{at}", "taints": [{"key": "a", "effect": "None"}]} for at in range(65)]),
        "spec.devices: Too many: 65: must have at most 64 items",
    ),
    (offered(devices=[{"name": f"g{at}"} for at in range(129)]), "Too many: 129: must have at most 128 items"),
    (device(attributes={"a": {"version": "1.2"}}), "must be a string compatible with semver.org spec 2.0.0"),
    (device(attributes={"a": {"string": "x" * 65}}), "attributes[a].string: Too long: may not be more than 64 bytes"),
    (device(taints=[{"effect": "NoExecute"}]), "taints[0].key: Invalid value"),
    (device(bindingConditions=["ready"]), "bindingFailureConditions are required to use bindingConditions"),
    (device(bindingFailureConditions=["bad"]), "bindingConditions are required to use bindingFailureConditions"),
    (
        device(bindingConditions=["a"], bindingFailureConditions=["a"]),
        'bindingFailureConditions[0]: Invalid value: "a": bindingFailureConditions must not overlap',
    ),
    (
        device(bindingConditions=[*"abcde"], bindingFailureConditions=["f"]),
        "spec.devices[0].bindingConditions: Too many: 5: must have at most 4 items",
    ),
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
    device(attributes={"a.com/b": {"version": "1.2.3-rc.1+x"}}, capacity={"memory": {"value": "1Gi"}}),
    device(consumesCounters=[{"counterSet": "memory", "counters": COUNTERS["counters"]}]),
    device(bindingConditions=["example.com/ready"], bindingFailureConditions=["example.com/failed"]),
    offered(devices=[], sharedCounters=[COUNTERS]),
    offered(nodeName=None, perDeviceNodeSelection=True, devices=[{"name": "a", "allNodes": True}]),
    claim(request(tolerations=[{"operator": "Exists", "effect": "None"}], capacity={"requests": {"memory": "1Gi"}})),
]


@pytest.mark.parametrize("given", FINE, ids=lambda given: given.DESCRIPTOR.name)
def test_what_is_right_is_taken(given: Any) -> None:
    assert builtin_kinds.validate_create(given) == ()


def test_a_claim_asks_for_one_device_unless_it_says_more() -> None:
    exactly = claim(request()).spec.devices.requests[0].exactly
    assert (exactly.allocationMode, exactly.count) == ("ExactCount", 1)


def test_what_is_stored_stays_valid_as_long_as_it_is_not_touched() -> None:
    """Rules get tighter, and what was written before them stays."""
    old = made("DeviceClass", {"selectors": [{"cel": {"expression": "device.gone"}}]})
    new = made("DeviceClass", {"selectors": [{"cel": {"expression": "device.gone"}}], "config": [OPAQUE]})
    assert builtin_kinds.validate_update(new, old) == ()
    new.spec.selectors.add().cel.expression = "true"
    (cause,) = builtin_kinds.validate_update(new, old)
    assert cause.field == "spec.selectors[0].cel.expression"
    stored = claim(request(selectors=[{"cel": {"expression": "device.gone"}}]))
    assert builtin_kinds.validate_update(stored, stored) == ()
    tainted = device(taints=[{"key": "a", "effect": "Old"}], capacity={"1": {"value": "1"}})
    assert builtin_kinds.validate_update(tainted, tainted) == ()


def test_whose_devices_they_are_stays() -> None:
    causes = builtin_kinds.validate_update(offered(driver="other.example.com", nodeName="n2"), offered())
    assert [cause.field for cause in causes] == ["spec.driver", "spec.nodeName"]
