"""When a pod has to leave because of its devices' taints."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import devices

from master.controllers.devices.devicetainteviction import decide
from podlab.core.v1.pod_pb2 import Pod
from podlab.resource.v1.device_pb2 import DeviceTaint
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice

AT = (devices.DRIVER, "n1", "gpu-0")


def taint(key: str = "broken", value: str = "", effect: str = "NoExecute", since: int = 100) -> DeviceTaint:
    return DeviceTaint(key=key, value=value, effect=effect, timeAdded={"seconds": since})


def offered(*taints: DeviceTaint, generation: int = 1, name: str = "gpu-0") -> ResourceSlice:
    made = devices.resource_slice("n1", name)
    made.spec.pool.generation = generation
    made.spec.devices[0].taints.extend(taints)
    return made


def user(node: str = "n1") -> Pod:
    pod = devices.user(node=node, resourceClaimName="all-gpus")
    pod.metadata.uid = "u"
    return pod


def used(*tolerations: dict[str, Any], by: Pod | None = None) -> ResourceClaim:
    claim = devices.allocated(devices.claim(), by or user())
    for one in tolerations:
        claim.status.allocation.devices.results[0].tolerations.add(**one)
    return claim


FOR_EVER = {"operator": "Exists", "effect": "NoExecute"}
CASES: list[tuple[str, list[DeviceTaint], ResourceClaim, float | None]] = [
    ("no taint", [], used(), None),
    ("a taint that nobody tolerates", [taint()], used(), 100.0),
    ("tolerated for ever", [taint()], used(FOR_EVER), None),
    ("tolerated by key", [taint()], used({**FOR_EVER, "key": "broken"}), None),
    ("another key is tolerated", [taint()], used({**FOR_EVER, "key": "slow"}), 100.0),
    ("its value is", [taint(value="a")], used({"operator": "Equal", "value": "a", "effect": "NoExecute"}), None),
    ("another value is", [taint(value="a")], used({"operator": "Equal", "value": "b", "effect": "NoExecute"}), 100.0),
    ("another effect is", [taint()], used({"operator": "Exists", "effect": "NoSchedule"}), 100.0),
    ("an effect is not said", [taint()], used({"operator": "Exists"}), 100.0),
    ("tolerated for a while", [taint()], used({**FOR_EVER, "tolerationSeconds": 5}), 105.0),
    ("a while that is negative", [taint()], used({**FOR_EVER, "tolerationSeconds": -5}), 100.0),
    ("one of two is not", [taint(), taint("slow", since=90)], used({**FOR_EVER, "key": "broken"}), 90.0),
    ("the claim is another pod's", [taint()], used(by=Pod()), None),
]


@pytest.mark.parametrize(("taints", "claim", "due"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_pod_leaves_when_its_claims_tolerate_no_longer(
    taints: list[DeviceTaint], claim: ResourceClaim, due: float | None
) -> None:
    assert decide.leave_at(user(), [claim], {AT: taints}) == due
    assert decide.leave_at(user(node=""), [claim], {AT: taints}) is None


def test_the_last_generation_of_a_pool_counts_and_of_its_taints_those_that_evict() -> None:
    assert decide.evicting([]) == {}
    assert decide.evicting([offered(taint(effect="NoSchedule"), taint(effect="None"))]) == {}
    assert decide.evicting([offered(taint()), offered(name="gpu-1")]) == {AT: [taint()]}
    assert decide.evicting([offered(taint()), offered(generation=2)]) == {}
