"""The condition that tells why a pod has no node."""

from master.scheduler.conditions import unschedulable
from podlab.core.v1.pod_pb2 import Pod, PodCondition
from podlab.meta.v1.meta_pb2 import Time

THEN, NOW = Time(seconds=1), Time(seconds=2)


def told(status: str, message: str) -> PodCondition:
    reason = "Unschedulable" if status == "False" else ""
    return PodCondition(type="PodScheduled", status=status, reason=reason, message=message, lastTransitionTime=THEN)


def pod(*conditions: PodCondition, node_name: str = "") -> Pod:
    made = Pod()
    made.spec.nodeName = node_name
    made.status.conditions.extend(conditions)
    return made


def test_the_condition_is_added_beside_the_others() -> None:
    other = PodCondition(type="Ready", status="False")
    changed = unschedulable(pod(other), "no room", NOW)
    assert changed is not None
    assert [each.type for each in changed.status.conditions] == ["Ready", "PodScheduled"]
    found = changed.status.conditions[1]
    assert (found.status, found.reason, found.message) == ("False", "Unschedulable", "no room")
    assert found.lastTransitionTime == NOW


def test_another_reason_does_not_change_since_when_the_pod_waits() -> None:
    changed = unschedulable(pod(told("False", "no nodes")), "no room", NOW)
    assert changed is not None
    assert changed.status.conditions[0].lastTransitionTime == THEN


def test_nothing_is_written_twice_or_about_a_pod_that_has_a_node() -> None:
    assert unschedulable(pod(told("False", "no room")), "no room", NOW) is None
    assert unschedulable(pod(told("True", ""), node_name="n1"), "no room", NOW) is None
