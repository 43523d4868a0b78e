from __future__ import annotations

from podlab.cli.timeline import fallback
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.pod_pb2 import Pod


def _pod() -> Pod:
    made = Pod()
    made.metadata.uid = "pod"
    made.metadata.creationTimestamp.seconds = 100
    made.spec.nodeName = "n1"
    made.status.conditions.add(type="Ready", status="True").lastTransitionTime.seconds = 103
    return made


def _event(reason: str, seconds: int, path: str = "", uid: str = "pod", micro: int = 0) -> Event:
    made = Event(reason=reason)
    made.involvedObject.uid, made.involvedObject.fieldPath = uid, path
    if micro:
        made.eventTime.seconds, made.eventTime.nanos = seconds, micro * 1000
    else:
        made.firstTimestamp.seconds = seconds
    return made


def test_conditions_and_the_first_event_of_each_kind_are_moments() -> None:
    events = [
        _event("Started", 110, "spec.containers{app}"),
        _event("Started", 102, "spec.containers{app}", micro=500_000),
        _event("Scheduled", 101),
        _event("Scheduled", 90, uid="its predecessor"),
        _event("Killing", 101),
    ]
    told = fallback.told(_pod(), events)
    assert [(each.component, each.name, each.detail, each.began_ns / 1e9) for each in told] == [
        ("apiserver", "stored", "", 100),
        ("scheduler", "bound", "n1", 101),
        ("kubelet", "start", "app", 102.5),
        ("kubelet", "ready told", "", 103),
    ]
    assert not any(each.exact for each in told)


def test_a_pod_that_is_not_ready_is_not_said_to_be() -> None:
    pod = _pod()
    pod.status.conditions[0].status = "False"
    assert [each.name for each in fallback.told(pod, [])] == ["stored"]
