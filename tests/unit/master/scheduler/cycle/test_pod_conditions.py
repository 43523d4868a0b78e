"""What a pod's status tells of why it has no node."""

from master.scheduler.cycle.pod_conditions import UNSCHEDULABLE, SchedulingFailure, with_failure
from podlab.core.v1.pod_pb2 import Pod, PodCondition
from podlab.meta.v1.meta_pb2 import Time

THEN, NOW = Time(seconds=1), Time(seconds=2)
NO_ROOM = SchedulingFailure(UNSCHEDULABLE, "no room")


def scheduled(status: str, message: str) -> PodCondition:
    reason = "Unschedulable" if status == "False" else ""
    return PodCondition(type="PodScheduled", status=status, reason=reason, message=message, lastTransitionTime=THEN)


def pod(*conditions: PodCondition, node_name: str = "") -> Pod:
    made = Pod()
    made.spec.nodeName = node_name
    made.status.conditions.extend(conditions)
    return made


def test_the_condition_is_added_beside_the_others() -> None:
    other = PodCondition(type="Ready", status="False")
    changed = with_failure(pod(other), NO_ROOM, NOW)
    assert changed is not None
    assert [each.type for each in changed.status.conditions] == ["Ready", "PodScheduled"]
    found = changed.status.conditions[1]
    assert (found.status, found.reason, found.message) == ("False", "Unschedulable", "no room")
    assert found.lastTransitionTime == NOW


def test_another_reason_does_not_change_since_when_the_pod_waits() -> None:
    changed = with_failure(pod(scheduled("False", "no nodes")), NO_ROOM, NOW)
    assert changed is not None
    assert changed.status.conditions[0].lastTransitionTime == THEN


def test_nothing_is_written_twice_or_about_a_pod_that_has_a_node() -> None:
    assert with_failure(pod(scheduled("False", "no room")), NO_ROOM, NOW) is None
    assert with_failure(pod(scheduled("True", ""), node_name="n1"), NO_ROOM, NOW) is None


def test_a_node_on_which_room_is_made_is_told_and_taken_back() -> None:
    nominated = with_failure(pod(scheduled("False", "no room")), SchedulingFailure(UNSCHEDULABLE, "no room", "n1"), NOW)
    assert nominated is not None
    assert nominated.status.nominatedNodeName == "n1"
    cleared = with_failure(nominated, NO_ROOM, NOW)
    assert cleared is not None
    assert cleared.status.nominatedNodeName == ""
