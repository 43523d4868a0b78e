"""What of a claim's status says whose it is to say."""

from __future__ import annotations

import pytest
from podlab_testing import devices

from master.apiserver.admission.plugins import resourceclaims
from master.apiserver.authentication.user import User
from podlab.resource.v1.resourceclaim_pb2 import AllocatedDeviceStatus, AllocationResult

NODE_NAME = "authentication.kubernetes.io/node-name"


def told(driver: str = "a.com", device: str = "gpu-0", **more: object) -> AllocatedDeviceStatus:
    return AllocatedDeviceStatus(driver=driver, pool="n1", device=device, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("new", "old", "changed"),
    [
        ([], [], []),
        ([told()], [told()], []),
        ([told()], [], ["a.com"]),
        ([], [told()], ["a.com"]),
        ([told(networkData={"interfaceName": "x"})], [told()], ["a.com"]),
        ([told(), told("b.com")], [told(), told("b.com", "gpu-1")], ["b.com"]),
        ([told(shareID="1"), told(shareID="2")], [told(shareID="1")], ["a.com"]),
    ],
)
def test_a_driver_is_asked_about_that_tells_something_else_than_before(
    new: list[AllocatedDeviceStatus], old: list[AllocatedDeviceStatus], changed: list[str]
) -> None:
    assert resourceclaims.drivers_changed(new, old) == changed


def test_devices_are_of_a_node_when_they_can_be_used_nowhere_else() -> None:
    given = devices.allocated(devices.claim(), node="n1").status.allocation
    assert resourceclaims.allocated_node(given) == "n1"
    assert resourceclaims.allocated_node(AllocationResult()) == ""
    for change in ("values", "expressions", "terms"):
        other = AllocationResult()
        other.CopyFrom(given)
        term = other.nodeSelector.nodeSelectorTerms[0]
        if change == "values":
            term.matchFields[0].values.append("n2")
        elif change == "expressions":
            term.matchExpressions.add(key="zone", operator="Exists")
        else:
            other.nodeSelector.nodeSelectorTerms.add()
        assert resourceclaims.allocated_node(other) == "", change


def test_who_calls_from_a_node_shows_a_token_of_a_pod_there() -> None:
    def caller(name: str = "system:serviceaccount:gpus:driver", *nodes: str) -> User:
        return User(name, frozenset(), extra={NODE_NAME: nodes} if nodes else {})

    account = "system:serviceaccount:gpus:driver"
    assert resourceclaims.is_of_node(caller(account, "n1"), "n1")
    assert not resourceclaims.is_of_node(caller(account, "n2"), "n1")
    assert not resourceclaims.is_of_node(caller(account, "n1", "n2"), "n1")
    assert not resourceclaims.is_of_node(caller(account), "n1")
    assert not resourceclaims.is_of_node(caller("jane", "n1"), "n1")
    assert not resourceclaims.is_of_node(caller(account, ""), "")
