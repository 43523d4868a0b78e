"""The statuses of containers, from their runs."""

from __future__ import annotations

from dataclasses import replace

from podlab_testing.kubelet_pods import MakeObserved, MakePod, MakeRun, condition_of, status_of

from node.kubelet.cri.runtime import ContainerUser, ObservedPod
from node.kubelet.pod.container_status import newly_backing_off
from node.kubelet.pod.pod_notes import FOREVER, BlockedStart, PodNotes
from podlab.core.v1 import pod_pb2

NOTHING = ObservedPod("u1")
HOOK = {"postStart": {"exec": {"command": ["true"]}}}
HOOKED = [{"name": "web", "image": "i", "lifecycle": HOOK}]


def test_a_crashed_container_that_waits_says_so_and_how_it_ended(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    notes.termination_messages["web-2"] = "no disk"
    status = status_of(pod(), observed(run(code=3, attempt=2, backoff_s=20)), notes, now=30.0)
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
    waiting = status_of(pod(), observed(), notes).containerStatuses[0].state.waiting
    assert (waiting.reason, waiting.message) == ("ErrImagePull", "no such host")


def test_the_run_before_is_the_last_state_of_a_restarted_container(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    web = status_of(pod(), observed(run(attempt=1), run(code=137, reason="OOMKilled")), notes).containerStatuses[0]
    assert web.state.HasField("running")
    assert web.lastState.terminated.reason == "OOMKilled"
    assert web.restartCount == 1


def test_a_container_whose_restart_is_held_back_is_told_once() -> None:
    waiting = pod_pb2.ContainerState(waiting=pod_pb2.ContainerStateWaiting(reason="CrashLoopBackOff"))
    running = pod_pb2.ContainerState(running=pod_pb2.ContainerStateRunning())
    before = pod_pb2.PodStatus(containerStatuses=[pod_pb2.ContainerStatus(name="c", state=running)])
    after = pod_pb2.PodStatus(containerStatuses=[pod_pb2.ContainerStatus(name="c", state=waiting)])
    assert newly_backing_off(before, after) == ["c"]
    assert newly_backing_off(after, after) == []


def test_a_container_whose_post_start_hook_runs_or_failed_is_waiting(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(containers=HOOKED)
    notes.started.add("web-0")  # whatever else is thought of it
    notes.ready["web-0"] = True
    status = status_of(spec, observed(run()), notes)
    web = status.containerStatuses[0]
    assert (status.phase, web.state.waiting.reason) == ("Pending", "ContainerCreating")
    assert (web.ready, web.started, condition_of(status, "Ready").status) == (False, False, "False")
    notes.post_start_failures["web-0"] = "no such luck"
    waiting = status_of(spec, observed(run()), notes).containerStatuses[0].state.waiting
    assert (waiting.reason, waiting.message) == ("PostStartHookError", "no such luck")
    notes.post_start_failures.clear()
    notes.post_start_done.add("web-0")
    status = status_of(spec, observed(run()), notes)
    assert (status.phase, status.containerStatuses[0].ready) == ("Running", True)


def test_a_runtime_that_says_as_whom_it_started_a_container_is_told_of(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    started = replace(run(), user=ContainerUser(1000, 3000, (4000, 50000)))
    linux = status_of(pod(), observed(started), notes).containerStatuses[0].user.linux
    assert (linux.uid, linux.gid, list(linux.supplementalGroups)) == (1000, 3000, [4000, 50000])
    assert not status_of(pod(), observed(run()), notes).containerStatuses[0].HasField("user")
