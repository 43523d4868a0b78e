"""A pod's status, as users see it, from what the runtime has."""

from __future__ import annotations

from podlab_testing.kubelet_pods import MakeObserved, MakePod, MakeRun

from node.kubelet.cri.runtime import ObservedPod
from node.kubelet.pod.container_status import newly_backing_off
from node.kubelet.pod.pod_notes import FOREVER, BlockedStart, PodNotes
from node.kubelet.pod.pod_status import pod_status
from podlab.api.objects import condition
from podlab.core.v1 import pod_pb2

NOTHING = ObservedPod("u1")


def _status(pod: pod_pb2.Pod, observed: ObservedPod, notes: PodNotes, now: float = 100.0) -> pod_pb2.PodStatus:
    return pod_status(pod, observed, notes, now=now, host_ip="192.0.2.7")


def _ready(notes: PodNotes, *ids: str) -> None:
    for container_id in ids:
        notes.started.add(container_id)
        notes.ready[container_id] = True


def _condition(status: pod_pb2.PodStatus, name: str) -> pod_pb2.PodCondition:
    found = condition(status.conditions, name)
    assert found is not None
    return found


def test_a_pod_that_was_just_taken_up_is_pending_and_its_container_is_being_created(
    pod: MakePod, notes: PodNotes
) -> None:
    status = _status(pod(), NOTHING, notes)
    assert status.phase == "Pending"
    assert status.containerStatuses[0].state.waiting.reason == "ContainerCreating"
    assert status.startTime.seconds == 100
    assert status.hostIP == "192.0.2.7"
    assert status.podIP == ""
    assert status.qosClass == "BestEffort"


def test_a_running_pod_is_ready_and_has_its_address(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    _ready(notes, "web-0")
    status = _status(pod(), observed(run()), notes)
    assert status.phase == "Running"
    assert status.podIP == "10.244.1.2"
    assert {each.type: each.status for each in status.conditions} == dict.fromkeys(
        ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"), "True"
    )
    web = status.containerStatuses[0]
    assert (web.ready, web.started, web.restartCount, web.containerID) == (True, True, 0, "containerd://web-0")
    assert web.state.running.startedAt.seconds == 10


def test_on_the_nodes_network_the_pod_has_the_nodes_address(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    assert _status(pod(hostNetwork=True), observed(run()), notes).podIP == "192.0.2.7"


def test_an_unready_container_is_named(pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes) -> None:
    notes.started.add("web-0")
    status = _status(pod(), observed(run()), notes)
    assert status.phase == "Running"
    ready = _condition(status, "Ready")
    assert (ready.status, ready.reason, ready.message) == (
        "False", "ContainersNotReady", "containers with unready status: [web]"
    )  # fmt: skip


def test_a_crashed_container_that_waits_says_so_and_how_it_ended(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    notes.termination_messages["web-2"] = "no disk"
    status = _status(pod(), observed(run(code=3, attempt=2, backoff_s=20)), notes, now=30.0)
    web = status.containerStatuses[0]
    assert status.phase == "Running"
    assert web.state.waiting.reason == "CrashLoopBackOff"
    assert web.state.waiting.message == "back-off 20s restarting failed container=web pod=a_default(u1)"
    last = web.lastState.terminated
    assert (last.exitCode, last.reason, last.message, web.restartCount) == (3, "Error", "no disk", 2)


def test_what_stands_in_the_way_of_a_container_is_its_waiting_reason(
    pod: MakePod, observed: MakeObserved, notes: PodNotes
) -> None:
    notes.blocked_starts["web"] = BlockedStart("ErrImagePull", "no such host", FOREVER)
    waiting = _status(pod(), observed(), notes).containerStatuses[0].state.waiting
    assert (waiting.reason, waiting.message) == ("ErrImagePull", "no such host")


def test_the_run_before_is_the_last_state_of_a_restarted_container(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    web = _status(pod(), observed(run(attempt=1), run(code=137, reason="OOMKilled")), notes).containerStatuses[0]
    assert web.state.HasField("running")
    assert web.lastState.terminated.reason == "OOMKilled"
    assert web.restartCount == 1


def test_main_containers_wait_for_the_init_containers(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(initContainers=[{"name": "one", "image": "i"}, {"name": "two", "image": "i"}])
    status = _status(spec, observed(run("one")), notes)
    assert status.phase == "Pending"
    assert status.initContainerStatuses[1].state.waiting.reason == "PodInitializing"
    assert status.containerStatuses[0].state.waiting.reason == "PodInitializing"
    initialized = _condition(status, "Initialized")
    assert initialized.status == "False"
    assert initialized.message == "containers with incomplete status: [one two]"
    done = _status(spec, observed(run("web"), run("two", code=0), run("one", code=0)), notes)
    assert [each.ready for each in done.initContainerStatuses] == [True, True]
    assert _condition(done, "Initialized").status == "True"


def test_a_pod_whose_containers_ended_well_succeeded(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    status = _status(pod(restartPolicy="Never"), observed(run(code=0)), notes)
    assert status.phase == "Succeeded"
    assert status.containerStatuses[0].state.terminated.reason == "Completed"
    assert _condition(status, "Ready").reason == "PodCompleted"


def test_a_pod_with_one_failed_container_failed(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    two = pod(restartPolicy="Never", containers=[{"name": "web", "image": "i"}, {"name": "log", "image": "i"}])
    assert _status(two, observed(run("web", code=0), run("log")), notes).phase == "Running"
    assert _status(two, observed(run("web", code=0), run("log", code=1)), notes).phase == "Failed"


def test_a_pod_past_its_deadline_is_failed_once_nothing_runs(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(activeDeadlineSeconds=5)
    spec.status.startTime.seconds = 10
    assert _status(spec, observed(run()), notes).phase == "Running"
    status = _status(spec, observed(run(code=137)), notes)
    assert (status.phase, status.reason) == ("Failed", "DeadlineExceeded")


def test_what_is_over_stays_as_it_was_told_when_the_runtime_has_forgotten(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(restartPolicy="Never")
    spec.status.CopyFrom(_status(spec, observed(run(code=4)), notes))
    again = _status(spec, NOTHING, notes)
    assert again.phase == "Failed"
    assert again.containerStatuses[0].state.terminated.exitCode == 4
    assert again.podIP == "10.244.1.2"


def test_times_move_only_with_what_they_tell_of(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod()
    _ready(notes, "web-0")
    spec.status.CopyFrom(_status(spec, observed(run()), notes, now=100.0))
    assert _status(spec, observed(run()), notes, now=200.0) == spec.status
    notes.ready["web-0"] = False
    later = _status(spec, observed(run()), notes, now=200.0)
    assert _condition(later, "Ready").lastTransitionTime.seconds == 200
    assert _condition(later, "Initialized").lastTransitionTime.seconds == 100


def test_conditions_of_others_are_kept(pod: MakePod, notes: PodNotes) -> None:
    spec = pod()
    spec.status.conditions.add(type="PodScheduled", status="True")
    assert _condition(_status(spec, NOTHING, notes), "PodScheduled").status == "True"


def test_a_pod_is_ready_once_the_conditions_of_its_readiness_gates_are_true(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    _ready(notes, "web-0")
    spec = pod(readinessGates=[{"conditionType": "example.com/a"}, {"conditionType": "example.com/b"}])
    spec.status.conditions.add(type="example.com/a", status="False")
    status = _status(spec, observed(run()), notes)
    ready = _condition(status, "Ready")
    assert (ready.status, ready.reason) == ("False", "ReadinessGatesNotReady")
    assert ready.message == (
        'the status of pod readiness gate "example.com/a" is not "True", but False, '
        'corresponding condition of pod readiness gate "example.com/b" does not exist.'
    )
    assert _condition(status, "ContainersReady").status == "True"
    del spec.status.conditions[:]
    for name in ("example.com/a", "example.com/b"):
        spec.status.conditions.add(type=name, status="True")
    assert _condition(_status(spec, observed(run()), notes), "Ready").status == "True"


def test_a_container_whose_restart_is_held_back_is_told_once() -> None:
    waiting = pod_pb2.ContainerState(waiting=pod_pb2.ContainerStateWaiting(reason="CrashLoopBackOff"))
    running = pod_pb2.ContainerState(running=pod_pb2.ContainerStateRunning())
    before = pod_pb2.PodStatus(containerStatuses=[pod_pb2.ContainerStatus(name="c", state=running)])
    after = pod_pb2.PodStatus(containerStatuses=[pod_pb2.ContainerStatus(name="c", state=waiting)])
    assert newly_backing_off(before, after) == ["c"]
    assert newly_backing_off(after, after) == []


# ---- postStart hooks

HOOK = {"postStart": {"exec": {"command": ["true"]}}}
HOOKED = [{"name": "web", "image": "i", "lifecycle": HOOK}]


def test_a_container_whose_post_start_hook_runs_or_failed_is_waiting(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(containers=HOOKED)
    notes.started.add("web-0")  # whatever else is thought of it
    notes.ready["web-0"] = True
    status = _status(spec, observed(run()), notes)
    web = status.containerStatuses[0]
    assert (status.phase, web.state.waiting.reason) == ("Pending", "ContainerCreating")
    assert (web.ready, web.started, _condition(status, "Ready").status) == (False, False, "False")
    notes.post_start_failures["web-0"] = "no such luck"
    waiting = _status(spec, observed(run()), notes).containerStatuses[0].state.waiting
    assert (waiting.reason, waiting.message) == ("PostStartHookError", "no such luck")
    notes.post_start_failures.clear()
    notes.post_start_done.add("web-0")
    status = _status(spec, observed(run()), notes)
    assert (status.phase, status.containerStatuses[0].ready) == ("Running", True)


def test_a_pod_that_ran_stays_running_while_the_hook_of_a_new_run_is_not_done(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    status = _status(pod(containers=HOOKED), observed(run(attempt=1), run(code=1)), notes)
    web = status.containerStatuses[0]
    assert (status.phase, web.restartCount, web.lastState.terminated.exitCode) == ("Running", 1, 1)
    assert web.state.HasField("waiting")


def test_a_sidecar_whose_hook_runs_holds_up_the_main_containers(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    side = {"name": "side", "image": "i", "restartPolicy": "Always", "lifecycle": HOOK}
    status = _status(pod(initContainers=[side]), observed(run("side")), notes)
    assert status.initContainerStatuses[0].state.waiting.reason == "PodInitializing"
    assert _condition(status, "Initialized").message == "containers with incomplete status: [side]"


# ---- how a pod ends

DELETED = {"deletionTimestamp": "2030-01-01T00:00:00Z", "deletionGracePeriodSeconds": 7}


def test_the_end_of_a_deleted_pod_stands_when_everything_of_it_is_removed(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(meta=DELETED)
    spec.status.phase = "Running"
    last = _status(spec, observed(run(code=0)), notes)
    assert (last.phase, last.containerStatuses[0].state.terminated.exitCode) == ("Succeeded", 0)
    assert last.containerStatuses[0].state.terminated.finishedAt.seconds == 20
    spec.status.CopyFrom(last)
    after = _status(spec, NOTHING, PodNotes(accepted_at=500.0), now=500.0)  # of a kubelet that was restarted
    assert (after.phase, list(after.containerStatuses)) == ("Succeeded", list(last.containerStatuses))
    assert _condition(after, "Ready").reason == "PodCompleted"


UNKNOWN = ("ContainerStatusUnknown", 137, "The container could not be located when the pod was terminated")


def _end_of(status: pod_pb2.ContainerStatus) -> tuple[str, int, str]:
    ended = status.state.terminated
    assert [each.name for each, _ in status.state.ListFields()] == ["terminated"], "it is in one state"
    return ended.reason, ended.exitCode, ended.message


def test_containers_that_never_ran_are_over_with_their_pod(pod: MakePod, notes: PodNotes) -> None:
    status = _status(pod(meta=DELETED), NOTHING, notes)
    assert (status.phase, _end_of(status.containerStatuses[0])) == ("Failed", UNKNOWN)


def test_a_deadline_that_passes_before_containers_start_leaves_none_of_them_creating(
    pod: MakePod, observed: MakeObserved, notes: PodNotes
) -> None:
    late = pod(activeDeadlineSeconds=5)
    late.status.startTime.seconds = 10
    notes.blocked_starts["web"] = BlockedStart("ErrImagePull", "no such host", FOREVER)
    status = _status(late, observed(), notes)
    assert (status.phase, status.reason) == ("Failed", "DeadlineExceeded")
    assert _end_of(status.containerStatuses[0]) == UNKNOWN


def test_containers_whose_turn_had_not_come_keep_waiting_when_the_pod_is_over(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(meta=DELETED, initContainers=[{"name": name, "image": "i"} for name in ("one", "two", "three")])
    status = _status(spec, observed(run("one", code=0), run("two", code=3)), notes)
    assert [each.state.terminated.exitCode for each in status.initContainerStatuses[:2]] == [0, 3]
    waiting = (status.initContainerStatuses[2], *status.containerStatuses)
    assert [each.state.waiting.reason for each in waiting] == ["PodInitializing"] * 2
    nothing = _status(spec, NOTHING, notes)
    assert _end_of(nothing.initContainerStatuses[0]) == UNKNOWN
    assert nothing.initContainerStatuses[1].state.HasField("waiting")


def test_of_a_container_that_vanished_it_is_told_that_it_ran(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod()
    spec.status.CopyFrom(_status(spec, observed(run(attempt=2)), notes))
    status = _status(spec, observed(), notes)
    web = status.containerStatuses[0]
    assert (web.lastState.terminated.reason, web.lastState.terminated.exitCode) == ("ContainerStatusUnknown", 137)
    assert (web.restartCount, status.phase) == (2, "Running")


# ---- init containers and generations


def test_all_init_containers_that_wait_say_so_and_the_condition_names_all_that_are_incomplete(
    pod: MakePod, observed: MakeObserved, notes: PodNotes, run: MakeRun
) -> None:
    spec = pod(initContainers=[{"name": name, "image": "i"} for name in ("one", "two")])
    status = _status(spec, observed(), notes)
    assert [each.state.waiting.reason for each in status.initContainerStatuses] == ["PodInitializing"] * 2
    _ready(notes, "one-0")
    first = _status(spec, observed(run("one")), notes)
    assert not first.initContainerStatuses[0].ready, "not before it is done"
    running = _condition(first, "Initialized")
    assert (running.reason, running.message) == (
        "ContainersNotInitialized", "containers with incomplete status: [one two]"
    )  # fmt: skip


def test_status_and_own_conditions_tell_of_which_generation_of_the_pod_they_are(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(meta={"generation": 3})
    spec.status.conditions.add(type="PodScheduled", status="True", observedGeneration=1)
    status = _status(spec, observed(run()), notes)
    assert status.observedGeneration == 3
    told = {each.type: each.observedGeneration for each in status.conditions}
    assert told.pop("PodScheduled") == 1
    assert set(told.values()) == {3}
