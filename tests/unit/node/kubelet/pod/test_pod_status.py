"""A pod's status, as users see it, from what the runtime has."""

from __future__ import annotations

from podlab_testing.kubelet_pods import MakeObserved, MakePod, MakeRun, condition_of, mark_ready, status_of

from node.kubelet.cri.runtime import ObservedPod
from node.kubelet.pod.pod_notes import PodNotes

NOTHING = ObservedPod("u1")
HOOK = {"postStart": {"exec": {"command": ["true"]}}}
HOOKED = [{"name": "web", "image": "i", "lifecycle": HOOK}]
DELETED = {"deletionTimestamp": "2030-01-01T00:00:00Z", "deletionGracePeriodSeconds": 7}


def test_a_pod_that_was_just_taken_up_is_pending_and_its_container_is_being_created(
    pod: MakePod, notes: PodNotes
) -> None:
    status = status_of(pod(), NOTHING, notes)
    assert status.phase == "Pending"
    assert status.containerStatuses[0].state.waiting.reason == "ContainerCreating"
    assert status.startTime.seconds == 100
    assert status.hostIP == "192.0.2.7"
    assert status.podIP == ""
    assert status.qosClass == "BestEffort"


def test_a_running_pod_is_ready_and_has_its_address(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    mark_ready(notes, "web-0")
    status = status_of(pod(), observed(run()), notes)
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
    assert status_of(pod(hostNetwork=True), observed(run()), notes).podIP == "192.0.2.7"


def test_main_containers_wait_for_the_init_containers(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(initContainers=[{"name": "one", "image": "i"}, {"name": "two", "image": "i"}])
    status = status_of(spec, observed(run("one")), notes)
    assert status.phase == "Pending"
    assert status.initContainerStatuses[1].state.waiting.reason == "PodInitializing"
    assert status.containerStatuses[0].state.waiting.reason == "PodInitializing"
    initialized = condition_of(status, "Initialized")
    assert initialized.status == "False"
    assert initialized.message == "containers with incomplete status: [one two]"
    done = status_of(spec, observed(run("web"), run("two", code=0), run("one", code=0)), notes)
    assert [each.ready for each in done.initContainerStatuses] == [True, True]
    assert condition_of(done, "Initialized").status == "True"


def test_a_pod_whose_containers_ended_well_succeeded(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    status = status_of(pod(restartPolicy="Never"), observed(run(code=0)), notes)
    assert status.phase == "Succeeded"
    assert status.containerStatuses[0].state.terminated.reason == "Completed"
    assert condition_of(status, "Ready").reason == "PodCompleted"


def test_a_pod_with_one_failed_container_failed(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    two = pod(restartPolicy="Never", containers=[{"name": "web", "image": "i"}, {"name": "log", "image": "i"}])
    assert status_of(two, observed(run("web", code=0), run("log")), notes).phase == "Running"
    assert status_of(two, observed(run("web", code=0), run("log", code=1)), notes).phase == "Failed"


def test_a_pod_past_its_deadline_is_failed_once_nothing_runs(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(activeDeadlineSeconds=5)
    spec.status.startTime.seconds = 10
    assert status_of(spec, observed(run()), notes).phase == "Running"
    status = status_of(spec, observed(run(code=137)), notes)
    assert (status.phase, status.reason) == ("Failed", "DeadlineExceeded")


def test_what_is_over_stays_as_it_was_told_when_the_runtime_has_forgotten(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(restartPolicy="Never")
    spec.status.CopyFrom(status_of(spec, observed(run(code=4)), notes))
    again = status_of(spec, NOTHING, notes)
    assert again.phase == "Failed"
    assert again.containerStatuses[0].state.terminated.exitCode == 4
    assert again.podIP == "10.244.1.2"


def test_a_pod_that_ran_stays_running_while_the_hook_of_a_new_run_is_not_done(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    status = status_of(pod(containers=HOOKED), observed(run(attempt=1), run(code=1)), notes)
    web = status.containerStatuses[0]
    assert (status.phase, web.restartCount, web.lastState.terminated.exitCode) == ("Running", 1, 1)
    assert web.state.HasField("waiting")


def test_a_sidecar_whose_hook_runs_holds_up_the_main_containers(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    side = {"name": "side", "image": "i", "restartPolicy": "Always", "lifecycle": HOOK}
    status = status_of(pod(initContainers=[side]), observed(run("side")), notes)
    assert status.initContainerStatuses[0].state.waiting.reason == "PodInitializing"
    assert condition_of(status, "Initialized").message == "containers with incomplete status: [side]"


def test_the_end_of_a_deleted_pod_stands_when_everything_of_it_is_removed(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(meta=DELETED)
    spec.status.phase = "Running"
    last = status_of(spec, observed(run(code=0)), notes)
    assert (last.phase, last.containerStatuses[0].state.terminated.exitCode) == ("Succeeded", 0)
    assert last.containerStatuses[0].state.terminated.finishedAt.seconds == 20
    spec.status.CopyFrom(last)
    after = status_of(spec, NOTHING, PodNotes(accepted_at=500.0), now=500.0)  # of a kubelet that was restarted
    assert (after.phase, list(after.containerStatuses)) == ("Succeeded", list(last.containerStatuses))
    assert condition_of(after, "Ready").reason == "PodCompleted"
