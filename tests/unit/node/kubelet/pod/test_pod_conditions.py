"""The conditions of a pod."""

from __future__ import annotations

from podlab_testing.kubelet_pods import MakeObserved, MakePod, MakeRun, condition_of, mark_ready, status_of

from node.kubelet.cri.runtime import ObservedPod
from node.kubelet.pod.pod_notes import PodNotes

NOTHING = ObservedPod("u1")


def test_an_unready_container_is_named(pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes) -> None:
    notes.started.add("web-0")
    status = status_of(pod(), observed(run()), notes)
    assert status.phase == "Running"
    ready = condition_of(status, "Ready")
    assert (ready.status, ready.reason, ready.message) == (
        "False", "ContainersNotReady", "containers with unready status: [web]"
    )  # fmt: skip


def test_times_move_only_with_what_they_tell_of(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod()
    mark_ready(notes, "web-0")
    spec.status.CopyFrom(status_of(spec, observed(run()), notes, now=100.0))
    assert status_of(spec, observed(run()), notes, now=200.0) == spec.status
    notes.ready["web-0"] = False
    later = status_of(spec, observed(run()), notes, now=200.0)
    assert condition_of(later, "Ready").lastTransitionTime.seconds == 200
    assert condition_of(later, "Initialized").lastTransitionTime.seconds == 100


def test_conditions_of_others_are_kept(pod: MakePod, notes: PodNotes) -> None:
    spec = pod()
    spec.status.conditions.add(type="PodScheduled", status="True")
    assert condition_of(status_of(spec, NOTHING, notes), "PodScheduled").status == "True"


def test_a_pod_is_ready_once_the_conditions_of_its_readiness_gates_are_true(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    mark_ready(notes, "web-0")
    spec = pod(readinessGates=[{"conditionType": "example.com/a"}, {"conditionType": "example.com/b"}])
    spec.status.conditions.add(type="example.com/a", status="False")
    status = status_of(spec, observed(run()), notes)
    ready = condition_of(status, "Ready")
    assert (ready.status, ready.reason) == ("False", "ReadinessGatesNotReady")
    assert ready.message == (
        'the status of pod readiness gate "example.com/a" is not "True", but False, '
        'corresponding condition of pod readiness gate "example.com/b" does not exist.'
    )
    assert condition_of(status, "ContainersReady").status == "True"
    del spec.status.conditions[:]
    for name in ("example.com/a", "example.com/b"):
        spec.status.conditions.add(type=name, status="True")
    assert condition_of(status_of(spec, observed(run()), notes), "Ready").status == "True"


def test_all_init_containers_that_wait_say_so_and_the_condition_names_all_that_are_incomplete(
    pod: MakePod, observed: MakeObserved, notes: PodNotes, run: MakeRun
) -> None:
    spec = pod(initContainers=[{"name": name, "image": "i"} for name in ("one", "two")])
    status = status_of(spec, observed(), notes)
    assert [each.state.waiting.reason for each in status.initContainerStatuses] == ["PodInitializing"] * 2
    mark_ready(notes, "one-0")
    first = status_of(spec, observed(run("one")), notes)
    assert not first.initContainerStatuses[0].ready, "not before it is done"
    running = condition_of(first, "Initialized")
    assert (running.reason, running.message) == (
        "ContainersNotInitialized", "containers with incomplete status: [one two]"
    )  # fmt: skip


def test_status_and_own_conditions_tell_of_which_generation_of_the_pod_they_are(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(meta={"generation": 3})
    spec.status.conditions.add(type="PodScheduled", status="True", observedGeneration=1)
    status = status_of(spec, observed(run()), notes)
    assert status.observedGeneration == 3
    told = {each.type: each.observedGeneration for each in status.conditions}
    assert told.pop("PodScheduled") == 1
    assert set(told.values()) == {3}
