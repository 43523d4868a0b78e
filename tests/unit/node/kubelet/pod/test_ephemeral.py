"""Containers that join a running pod: started once, in the namespaces that they name, and told of."""

from __future__ import annotations

from pathlib import Path

import pytest
from podlab_testing.kubelet_pods import Json, MakeObserved, MakePod, MakeRun

from node.kubelet.containerconfig import container_config
from node.kubelet.containerconfig.container_config import ContainerAttempt
from node.kubelet.containerconfig.linux_resources import NodeMemory
from node.kubelet.containerconfig.security_context import SeccompProfiles
from node.kubelet.cri.runtime import ContainerState, ObservedPod
from node.kubelet.pod import actions, decide, pod_outcome, pod_status
from node.kubelet.pod.actions import StartContainer, Wait
from node.kubelet.pod.pod_notes import PodNotes
from podlab.core.v1 import pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri

JOINED = [{"name": "debug", "image": "i:1", "targetContainerName": "web"}]


def _next(pod: pod_pb2.Pod, observed: ObservedPod, notes: PodNotes) -> actions.Action:
    return decide.next_action(pod, observed, notes, 1000.0)


def test_it_starts_beside_the_others(pod: MakePod, run: MakeRun, observed: MakeObserved, notes: PodNotes) -> None:
    made = pod(ephemeralContainers=JOINED)
    assert _next(made, observed(run()), notes) == StartContainer("debug", 0, 0)


@pytest.mark.parametrize("code", [None, 0, 1])
def test_it_is_never_started_again(
    pod: MakePod, run: MakeRun, observed: MakeObserved, notes: PodNotes, code: int | None
) -> None:
    made = pod(ephemeralContainers=JOINED)
    assert isinstance(_next(made, observed(run(), run("debug", code=code)), notes), Wait)


def test_it_is_not_started_again_in_another_sandbox(
    pod: MakePod, run: MakeRun, observed: MakeObserved, notes: PodNotes
) -> None:
    ran = {"name": "debug", "containerID": "containerd://gone", "state": {"terminated": {"exitCode": 0}}}
    made = pod(ephemeralContainers=JOINED, status={"ephemeralContainerStatuses": [ran]})
    assert isinstance(_next(made, observed(run()), notes), Wait)
    told = pod_status.pod_status(made, observed(run()), notes, now=1000.0, host_ips=["10.0.0.1"])
    assert told.ephemeralContainerStatuses[0].state.terminated.exitCode == 0


def test_it_starts_while_an_init_container_runs(
    pod: MakePod, run: MakeRun, observed: MakeObserved, notes: PodNotes
) -> None:
    made = pod(ephemeralContainers=JOINED, initContainers=[{"name": "first", "image": "i:1"}])
    assert _next(made, observed(run("first")), notes) == StartContainer("debug", 0, 0)


def test_one_that_was_made_and_not_started_is_made_anew(
    pod: MakePod, run: MakeRun, observed: MakeObserved, notes: PodNotes
) -> None:
    made = pod(ephemeralContainers=JOINED)
    action = _next(made, observed(run(), run("debug", state=ContainerState.CREATED)), notes)
    assert action == actions.RemoveContainer("debug-0")


def test_its_state_is_told_apart_and_decides_nothing(
    pod: MakePod, run: MakeRun, observed: MakeObserved, notes: PodNotes
) -> None:
    made = pod(ephemeralContainers=JOINED, restartPolicy="Never")
    seen = observed(run(code=0), run("debug"))
    told = pod_status.pod_status(made, seen, notes, now=1000.0, host_ips=["10.0.0.1"])
    assert told.ephemeralContainerStatuses[0].state.HasField("running")
    assert not told.ephemeralContainerStatuses[0].ready
    assert pod_outcome.outcome(made, seen, 1000.0) == pod_outcome.PodOutcome("Succeeded")


@pytest.mark.parametrize(
    ("spec", "pid"),
    [({}, cri.TARGET), ({"hostPID": True}, cri.NODE), ({"shareProcessNamespace": True}, cri.POD)],
)
def test_it_sees_its_targets_processes_unless_all_see_more(pod: MakePod, spec: Json, pid: int) -> None:
    made = pod(ephemeralContainers=JOINED, **spec)
    container = made.spec.ephemeralContainers[0].ephemeralContainerCommon
    run = ContainerAttempt(0, 0, "web-0")
    config = container_config.container_config(
        made,
        container,
        run,
        environment={},
        mounts=[],
        memory=NodeMemory(1 << 30),
        seccomp=SeccompProfiles(Path("/seccomp")),
    )
    options = config.linux.security_context.namespace_options
    assert (options.pid, options.target_id) == (pid, "web-0" if pid == cri.TARGET else "")
