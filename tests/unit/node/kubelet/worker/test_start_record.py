from __future__ import annotations

import pytest
from podlab_testing.kubelet_pods import MakeObserved, MakePod, MakeRun

from node.kubelet.pod.pod_notes import PodNotes
from node.kubelet.worker.start_record import StartRecord
from podlab.core.v1 import pod_pb2
from podlab.spans.spans import Spans

UID = "uid"


def _names(spans: Spans) -> list[tuple[str, str]]:
    return [(each.name, each.detail) for _, each in spans.of([UID])]


def _status(*, ready: bool) -> pod_pb2.PodStatus:
    status = pod_pb2.PodStatus()
    status.conditions.add(type="Ready", status=str(ready))
    return status


@pytest.fixture
def spans() -> Spans:
    return Spans()


def test_what_is_done_is_noted_until_the_pod_is_said_to_be_ready(
    spans: Spans, pod: MakePod, observed: MakeObserved
) -> None:
    record = StartRecord(spans, UID)
    record.adopt(pod(), observed(sandboxes=0))
    with record.measured("sandbox"):
        pass
    record.written(_status(ready=False), 1.0)
    record.written(_status(ready=True), 1.0)
    with record.measured("create", "web"):
        pass
    assert _names(spans) == [("seen", ""), ("sandbox", ""), ("ready told", "")]


def test_of_a_pod_that_an_earlier_kubelet_began_with_nothing_is_noted(
    spans: Spans, pod: MakePod, observed: MakeObserved
) -> None:
    begun, record = pod(), StartRecord(spans, UID)
    begun.status.startTime.seconds = 5
    record.adopt(begun, observed(sandboxes=0))
    record.image_asked("web")
    record.image_there("web", "nginx")
    assert _names(spans) == []


def test_a_try_that_fails_is_noted_as_one_and_its_error_goes_on(spans: Spans) -> None:
    record = StartRecord(spans, UID)
    with pytest.raises(OSError, match="full"), record.measured("create", "web"):
        raise OSError("full")
    with pytest.raises(OSError, match="full"), record.measured("sandbox"):
        raise OSError("full")
    assert _names(spans) == [("create", "web failed"), ("sandbox", "failed")]


def test_an_image_takes_as_long_as_it_is_asked_for() -> None:
    now_s = [2.0]
    spans = Spans(clock=lambda: now_s[0])
    record = StartRecord(spans, UID)
    record.image_asked("web")
    now_s[0] = 4.0
    record.image_asked("web")
    record.image_there("web", "nginx")
    assert [(each.began_s, each.ended_s, each.detail) for _, each in spans.of([UID])] == [(2.0, 4.0, "web: nginx")]


def test_probes_passed_and_readiness_are_noted_once(
    spans: Spans, pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    probed, record = pod(), StartRecord(spans, UID)
    name = probed.spec.containers[0].name
    probed.spec.containers[0].readinessProbe.periodSeconds = 1
    with record.measured("start", name):
        pass
    alive = run(name)
    record.look(probed, observed(alive), notes, _status(ready=False))
    notes.ready[alive.id] = True
    for _ in range(2):
        record.look(probed, observed(alive), notes, _status(ready=True))
    assert _names(spans) == [("start", name), ("probe", name), ("ready", "")]
