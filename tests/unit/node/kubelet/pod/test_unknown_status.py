"""Containers whose end nobody knows."""

from __future__ import annotations

from podlab_testing.kubelet_pods import MakeObserved, MakePod, MakeRun, status_of

from node.kubelet.cri.runtime import ObservedPod
from node.kubelet.pod.pod_notes import FOREVER, BlockedStart, PodNotes
from podlab.core.v1 import pod_pb2

NOTHING = ObservedPod("u1")
DELETED = {"deletionTimestamp": "2030-01-01T00:00:00Z", "deletionGracePeriodSeconds": 7}
UNKNOWN = ("ContainerStatusUnknown", 137, "The container could not be located when the pod was terminated")


def _end_of(status: pod_pb2.ContainerStatus) -> tuple[str, int, str]:
    ended = status.state.terminated
    assert [each.name for each, _ in status.state.ListFields()] == ["terminated"], "it is in one state"
    return ended.reason, ended.exitCode, ended.message


def test_containers_that_never_ran_are_over_with_their_pod(pod: MakePod, notes: PodNotes) -> None:
    status = status_of(pod(meta=DELETED), NOTHING, notes)
    assert (status.phase, _end_of(status.containerStatuses[0])) == ("Failed", UNKNOWN)


def test_a_deadline_that_passes_before_containers_start_leaves_none_of_them_creating(
    pod: MakePod, observed: MakeObserved, notes: PodNotes
) -> None:
    late = pod(activeDeadlineSeconds=5)
    late.status.startTime.seconds = 10
    notes.blocked_starts["web"] = BlockedStart("ErrImagePull", "no such host", FOREVER)
    status = status_of(late, observed(), notes)
    assert (status.phase, status.reason) == ("Failed", "DeadlineExceeded")
    assert _end_of(status.containerStatuses[0]) == UNKNOWN


def test_containers_whose_turn_had_not_come_keep_waiting_when_the_pod_is_over(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(meta=DELETED, initContainers=[{"name": name, "image": "i"} for name in ("one", "two", "three")])
    status = status_of(spec, observed(run("one", code=0), run("two", code=3)), notes)
    assert [each.state.terminated.exitCode for each in status.initContainerStatuses[:2]] == [0, 3]
    waiting = (status.initContainerStatuses[2], *status.containerStatuses)
    assert [each.state.waiting.reason for each in waiting] == ["PodInitializing"] * 2
    nothing = status_of(spec, NOTHING, notes)
    assert _end_of(nothing.initContainerStatuses[0]) == UNKNOWN
    assert nothing.initContainerStatuses[1].state.HasField("waiting")


def test_of_a_container_that_vanished_it_is_told_that_it_ran(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod()
    spec.status.CopyFrom(status_of(spec, observed(run(attempt=2)), notes))
    status = status_of(spec, observed(), notes)
    web = status.containerStatuses[0]
    assert (web.lastState.terminated.reason, web.lastState.terminated.exitCode) == ("ContainerStatusUnknown", 137)
    assert (web.restartCount, status.phase) == (2, "Running")
