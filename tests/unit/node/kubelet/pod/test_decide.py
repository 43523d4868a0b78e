"""What a pod's worker does next, case by case."""

from __future__ import annotations

import pytest
from podlab_testing.kubelet_pods import Json, MakeObserved, MakePod, MakeRun

from node.kubelet.cri.runtime import CONTAINER_HASH, Container, ContainerState, ObservedPod
from node.kubelet.pod import decide, pod_outcome
from node.kubelet.pod.actions import (
    Finish,
    RemoveContainer,
    RemoveSandbox,
    RunSandbox,
    StartContainer,
    StopContainer,
    StopSandbox,
    Wait,
)
from node.kubelet.pod.pod_notes import FOREVER, BlockedStart, KillReason, PodNotes
from podlab.core.v1 import pod_pb2

NOTHING = ObservedPod("u1")
NOW = 100.0
DELETED = {"deletionTimestamp": "2030-01-01T00:00:00Z", "deletionGracePeriodSeconds": 7}


def test_a_new_pod_gets_a_sandbox(pod: MakePod, notes: PodNotes) -> None:
    assert decide.next_action(pod(), NOTHING, notes, NOW) == RunSandbox(0)


def test_a_sandbox_that_failed_is_tried_again_after_its_hold(pod: MakePod, notes: PodNotes) -> None:
    notes.blocked_starts[""] = BlockedStart("FailedCreatePodSandBox", "no address", NOW + 4)
    assert decide.next_action(pod(), NOTHING, notes, NOW) == Wait(NOW + 4)
    assert decide.next_action(pod(), NOTHING, notes, NOW + 4) == RunSandbox(0)


def test_a_ready_sandbox_gets_its_container(pod: MakePod, observed: MakeObserved, notes: PodNotes) -> None:
    assert decide.next_action(pod(), observed(), notes, NOW) == StartContainer("web", 0, 0)


def test_what_runs_already_is_left_alone(pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes) -> None:
    assert decide.next_action(pod(), observed(run()), notes, NOW) == Wait()


def test_all_containers_are_started(pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes) -> None:
    two = pod(containers=[{"name": "web", "image": "i"}, {"name": "log", "image": "i"}])
    assert decide.next_action(two, observed(run("web")), notes, NOW) == StartContainer("log", 0, 0)


def test_a_container_that_is_held_does_not_hold_up_the_next(
    pod: MakePod, observed: MakeObserved, notes: PodNotes
) -> None:
    two = pod(containers=[{"name": "web", "image": "i"}, {"name": "log", "image": "i"}])
    notes.blocked_starts["web"] = BlockedStart("ImagePullBackOff", "", NOW + 10)
    assert decide.next_action(two, observed(), notes, NOW) == StartContainer("log", 0, 0)


def test_a_container_that_was_made_and_never_started_is_made_anew(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    half = run(state=ContainerState.CREATED)
    assert decide.next_action(pod(), observed(half), notes, NOW) == RemoveContainer(half.id)


@pytest.mark.parametrize(
    ("policy", "code", "again"),
    [
        ("Always", 0, True),
        ("Always", 1, True),
        ("OnFailure", 0, False),
        ("OnFailure", 1, True),
        ("Never", 0, False),
        ("Never", 1, False),
    ],
)
def test_the_restart_policy_says_which_ends_lead_to_a_restart(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes, policy: str, code: int, again: bool
) -> None:
    action = decide.next_action(pod(restartPolicy=policy), observed(run(code=code)), notes, NOW)
    assert action == (StartContainer("web", 1, 10) if again else StopSandbox("s0"))


def test_a_crashed_container_waits_for_its_back_off(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    crashed = observed(run(code=1, attempt=3, backoff_s=40))  # it ended at second 20
    assert decide.next_action(pod(), crashed, notes, 59.0) == Wait(60.0)
    assert decide.next_action(pod(), crashed, notes, 60.0) == StartContainer("web", 4, 80)


def test_restarts_are_counted_on_from_the_api_when_the_runtime_lost_the_earlier_runs(
    pod: MakePod, observed: MakeObserved, notes: PodNotes
) -> None:
    known = pod(status={"containerStatuses": [
        {"name": "web", "ready": False, "restartCount": 4, "image": "i", "imageID": "", "containerID": "containerd://x"}
    ]})  # fmt: skip
    assert decide.next_action(known, observed(), notes, NOW) == StartContainer("web", 5, 0)


def test_of_dead_runs_the_newest_is_kept(pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes) -> None:
    seen = observed(run(attempt=2), run(attempt=1, code=1), run(attempt=0, code=1))
    assert decide.next_action(pod(), seen, notes, NOW) == RemoveContainer("web-0")


def test_a_container_that_failed_its_liveness_probe_is_stopped_once(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    notes.to_kill["web-0"] = KillReason("failed liveness probe", grace_s=3)
    assert decide.next_action(pod(), observed(run()), notes, NOW) == StopContainer(
        "web-0", "web", 3, "failed liveness probe"
    )
    notes.stopping["web-0"] = NOW + 3
    assert decide.next_action(pod(), observed(run()), notes, NOW) == Wait()


def test_a_container_whose_image_changed_is_replaced(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    old = run(annotations={CONTAINER_HASH: "another"})
    action = decide.next_action(pod(terminationGracePeriodSeconds=9), observed(old), notes, NOW)
    assert isinstance(action, StopContainer)
    assert action.grace_s == 9


# ---- init containers and sidecars


def _with_inits(pod: MakePod, **spec: object) -> pod_pb2.Pod:
    return pod(
        initContainers=[
            {"name": "first", "image": "i"},
            {"name": "side", "image": "i", "restartPolicy": "Always"},
            {"name": "last", "image": "i"},
        ],
        **spec,
    )


def test_init_containers_run_in_order_before_the_main_ones(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = _with_inits(pod)
    seen: list[Container] = []
    assert decide.next_action(spec, observed(*seen), notes, NOW) == StartContainer("first", 0, 0)
    seen.append(run("first"))
    assert decide.next_action(spec, observed(*seen), notes, NOW) == Wait()
    seen[0] = run("first", code=0)
    assert decide.next_action(spec, observed(*seen), notes, NOW) == StartContainer("side", 0, 0)
    seen.append(run("side"))
    assert decide.next_action(spec, observed(*seen), notes, NOW) == Wait()
    notes.started.add("side-0")
    assert decide.next_action(spec, observed(*seen), notes, NOW) == StartContainer("last", 0, 0)
    seen.append(run("last", code=0))
    assert decide.next_action(spec, observed(*seen), notes, NOW) == StartContainer("web", 0, 0)
    seen.append(run("web"))
    assert decide.next_action(spec, observed(*seen), notes, NOW) == Wait()


def test_a_sidecar_that_ends_is_started_again_beside_the_main_containers(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    seen = observed(run("web"), run("side", code=0), run("first", code=0), run("last", code=0))
    assert decide.next_action(_with_inits(pod), seen, notes, NOW) == StartContainer("side", 1, 10)


def test_an_init_container_that_fails_for_good_fails_the_pod(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = _with_inits(pod, restartPolicy="Never")
    seen = observed(run("first", code=3))
    assert pod_outcome.outcome(spec, seen, NOW) == pod_outcome.PodOutcome("Failed")
    assert decide.next_action(spec, seen, notes, NOW) == StopSandbox("s0")


def test_a_new_sandbox_begins_with_the_init_containers_again(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    seen = observed(run("web", code=255), run("first", code=0), attempt=1)
    assert decide.next_action(_with_inits(pod), seen, notes, NOW) == StartContainer("first", 1, 10)


# ---- sandboxes that die


def test_a_dead_sandbox_is_taken_down_and_replaced(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    alive = observed(run(), ready=False)
    assert isinstance(decide.next_action(pod(), alive, notes, NOW), StopContainer)
    dead = observed(run(code=137), ready=False)
    assert decide.next_action(pod(), dead, notes, NOW) == StopSandbox("s0")
    notes.stopped_sandboxes.add("s0")
    assert decide.next_action(pod(), dead, notes, NOW) == RunSandbox(1)


def test_a_pod_that_must_not_restart_is_over_when_its_sandbox_died(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(restartPolicy="Never")
    assert pod_outcome.outcome(spec, observed(run(code=255), ready=False), NOW) == pod_outcome.PodOutcome("Failed")
    assert decide.next_action(spec, observed(run(code=255), ready=False), notes, NOW) == Wait()


def test_an_old_sandbox_goes_when_nothing_is_left_in_it(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    seen = observed(run(attempt=1, sandbox="s1"), attempt=1, sandboxes=2)
    assert decide.next_action(pod(), seen, notes, NOW) == RemoveSandbox("s0")


# ---- the end


def test_a_deleted_pod_ends_main_containers_first_then_sidecars_then_all_the_rest(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = _with_inits(pod, meta=None)
    spec.metadata.deletionTimestamp.seconds = 1
    spec.metadata.deletionGracePeriodSeconds = 7
    notes.terminating_since = NOW
    both = observed(run("web"), run("side"))
    assert decide.next_action(spec, both, notes, NOW) == StopContainer("web-0", "web", 7, "Stopping container web")
    notes.stopping["web-0"] = NOW + 7
    assert decide.next_action(spec, both, notes, NOW) == Wait()
    one = observed(run("web", code=0), run("side"))
    assert decide.next_action(spec, one, notes, NOW + 3) == StopContainer(
        "side-0", "side", 4, "Stopping container side"
    )
    none = observed(run("web", code=0), run("side", code=0))
    assert decide.next_action(spec, none, notes, NOW) == StopSandbox("s0")
    notes.stopped_sandboxes.add("s0")
    assert decide.next_action(spec, none, notes, NOW) == RemoveSandbox("s0")
    assert decide.next_action(spec, NOTHING, notes, NOW) == Finish()


def test_a_second_deletion_with_less_grace_counts(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(meta={**DELETED, "deletionGracePeriodSeconds": 1})
    notes.stopping["web-0"] = NOW + 30
    action = decide.next_action(spec, observed(run()), notes, NOW)
    assert isinstance(action, StopContainer)
    assert action.grace_s == 1


def test_a_pod_that_the_api_does_not_know_is_ended_and_erased(
    observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    action = decide.next_action(None, observed(run()), notes, NOW)
    assert isinstance(action, StopContainer)
    assert action.grace_s == decide.ORPHAN_GRACE_S
    notes.stopped_sandboxes.add("s0")
    assert decide.next_action(None, observed(run(code=0)), notes, NOW) == RemoveSandbox("s0")
    assert decide.next_action(None, NOTHING, notes, NOW) == Finish()


def test_a_pod_that_succeeded_keeps_its_containers_for_their_logs(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    spec = pod(restartPolicy="Never")
    notes.stopped_sandboxes.add("s0")
    assert pod_outcome.outcome(spec, observed(run(code=0)), NOW) == pod_outcome.PodOutcome("Succeeded")
    assert decide.next_action(spec, observed(run(code=0)), notes, NOW) == Wait()


def test_a_pod_that_is_over_never_starts_again(pod: MakePod, notes: PodNotes) -> None:
    assert decide.next_action(pod(status={"phase": "Failed"}), NOTHING, notes, NOW) == Wait()


def test_an_active_deadline_ends_the_pod(pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes) -> None:
    spec = pod(activeDeadlineSeconds=30)
    spec.status.startTime.seconds = 100
    assert decide.next_action(spec, observed(run()), notes, 129.0) == Wait(130.0)
    assert isinstance(decide.next_action(spec, observed(run()), notes, 130.0), StopContainer)
    ended = pod_outcome.outcome(spec, observed(run()), 130.0)
    assert ended is not None
    assert (ended.phase, ended.reason) == ("Failed", "DeadlineExceeded")


def test_without_a_deadline_nothing_is_waited_for(pod: MakePod) -> None:
    assert pod_outcome.deadline(pod()) == FOREVER


# ---- postStart hooks

HOOK = {"postStart": {"exec": {"command": ["true"]}}}


def test_later_containers_wait_for_the_post_start_hook_of_an_earlier_one(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    two = pod(containers=[{"name": "web", "image": "i", "lifecycle": HOOK}, {"name": "log", "image": "i"}])
    assert decide.next_action(two, observed(run()), notes, NOW) == Wait()
    notes.post_start_done.add("web-0")
    assert decide.next_action(two, observed(run()), notes, NOW) == StartContainer("log", 0, 0)


def test_a_container_whose_hook_failed_is_ended_while_the_next_one_begins_when_it_has(
    pod: MakePod, observed: MakeObserved, run: MakeRun, notes: PodNotes
) -> None:
    two = pod(containers=[{"name": "web", "image": "i", "lifecycle": HOOK}, {"name": "log", "image": "i"}])
    notes.to_kill["web-0"] = KillReason("failed its postStart hook")
    assert isinstance(decide.next_action(two, observed(run()), notes, NOW), StopContainer)
    again = {StartContainer("web", 1, 10), StartContainer("log", 0, 0)}
    assert decide.next_action(two, observed(run(code=143)), notes, NOW) in again


# ---- what the runtime has forgotten


def _told(state: Json, **more: object) -> Json:
    status = {"name": "web", "ready": False, "restartCount": 2, "image": "i", "imageID": "", "state": state, **more}
    return {"phase": "Running", "containerStatuses": [status]}


@pytest.mark.parametrize(("policy", "starts"), [("Never", False), ("OnFailure", False), ("Always", True)])
def test_a_container_that_was_told_to_have_ended_for_good_never_runs_again(
    pod: MakePod, observed: MakeObserved, notes: PodNotes, policy: str, starts: bool
) -> None:
    ended = pod(restartPolicy=policy, status=_told({"terminated": {"exitCode": 0}}, containerID="containerd://x"))
    action = decide.next_action(ended, observed(), notes, NOW)
    assert isinstance(action, StartContainer) == starts
    assert pod_outcome.outcome(ended, observed(), NOW) == (None if starts else pod_outcome.PodOutcome("Succeeded"))


def test_restarts_are_counted_on_although_it_was_told_in_between_that_the_container_waits(
    pod: MakePod, observed: MakeObserved, notes: PodNotes
) -> None:
    waits = pod(status=_told({"waiting": {"reason": "ContainerCreating"}}, lastState={"terminated": {"exitCode": 137}}))
    assert decide.next_action(waits, observed(), notes, NOW) == StartContainer("web", 3, 0)


# ---- how a pod that is deleted ends


@pytest.mark.parametrize(
    ("policy", "codes", "phase"),
    [
        ("Always", [0, 0], "Succeeded"),
        ("Never", [0, 0], "Succeeded"),
        ("Always", [0, 143], "Failed"),
        ("OnFailure", [0, None], "Failed"),
        ("Always", [None, None], "Failed"),
    ],
)
def test_a_deleted_pod_ends_as_its_containers_did_whatever_its_policy(
    pod: MakePod, observed: MakeObserved, run: MakeRun, policy: str, codes: list[int | None], phase: str
) -> None:
    names = ["web", "log"]
    gone = pod(meta=DELETED, restartPolicy=policy, containers=[{"name": name, "image": "i"} for name in names])
    runs = [run(name, code=code) for name, code in zip(names, codes, strict=True) if code is not None]
    assert pod_outcome.outcome(gone, observed(*runs), NOW) == pod_outcome.PodOutcome(phase)
    if policy == "Always":
        assert pod_outcome.outcome(gone, observed(*runs, run("side")), NOW) is None, "not while something of it runs"
