"""Whole lives of pods, played against a runtime of a few lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from podlab_testing.kubelet_pods import MakePod, MakeRun

from node.kubelet.cri.runtime import Container, ContainerState, ObservedPod, Sandbox
from node.kubelet.pod import actions, decide
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
from node.kubelet.pod.pod_notes import PodNotes
from podlab.core.v1 import pod_pb2

STEPS = 200
SECOND = 1_000_000_000


class World:
    """Does what is decided, instantly; containers end when told to."""

    def __init__(self, make_run: MakeRun) -> None:
        self.sandboxes: list[Sandbox] = []
        self.runs: list[Container] = []
        self.notes = PodNotes(accepted_at=0.0)
        self.now = 1000.0
        self._make_run = make_run

    def seen(self) -> ObservedPod:
        newest = sorted(self.runs, key=lambda run: -run.attempt)
        return ObservedPod("u1", "default", "a", tuple(reversed(self.sandboxes)), tuple(newest))

    def end(self, name: str, code: int) -> None:
        self._change(lambda run: run.name == name and run.alive, code)

    def kill_sandbox(self) -> None:
        self._change(lambda run: run.alive, 137)
        self.sandboxes = [dataclasses.replace(box, ready=False) for box in self.sandboxes]

    def do(self, action: actions.Action) -> None:
        match action:
            case RunSandbox():
                assert not any(box.ready for box in self.sandboxes), "a second live sandbox"
                self.sandboxes.append(Sandbox(f"s{action.attempt}", action.attempt, True, 0, ("10.0.0.1",)))
            case StartContainer():
                assert not any(run.name == action.name and run.alive for run in self.runs), "a second live run"
                made = self._make_run(
                    action.name, attempt=action.attempt, sandbox=self.sandboxes[-1].id, backoff_s=action.next_backoff_s
                )
                self.runs.append(dataclasses.replace(made, started_ns=int(self.now * SECOND)))
                self.notes.started.add(made.id)
            case StopContainer():
                self._change(lambda run: run.id == action.id, 143)
            case StopSandbox():
                self._change(lambda run: run.alive and run.sandbox_id == action.id, 137)
                self.notes.stopped_sandboxes.add(action.id)
                self.sandboxes = [
                    dataclasses.replace(box, ready=False) if box.id == action.id else box for box in self.sandboxes
                ]
            case RemoveSandbox():
                self.sandboxes = [box for box in self.sandboxes if box.id != action.id]
                self.runs = [run for run in self.runs if run.sandbox_id != action.id]
            case RemoveContainer():
                self.runs = [run for run in self.runs if run.id != action.id]
            case _:
                raise AssertionError(action)

    def _change(self, which: Callable[[Container], bool], code: int) -> None:
        at = int(self.now * SECOND)
        self.runs = [
            dataclasses.replace(run, state=ContainerState.EXITED, exit_code=code, finished_ns=at) if which(run) else run
            for run in self.runs
        ]

    def settle(self, pod: pod_pb2.Pod) -> actions.Action:
        """Acts until there is nothing to do now; fails when that never comes."""
        for _ in range(STEPS):
            action = decide.next_action(pod, self.seen(), self.notes, self.now)
            if isinstance(action, Wait | Finish):
                return action
            self.do(action)
        raise AssertionError(f"no rest after {STEPS} actions")


events = st.lists(
    st.one_of(
        st.tuples(st.just("end"), st.sampled_from(["init", "side", "web", "log"]), st.integers(0, 2)),
        st.tuples(st.just("sandbox"), st.just(""), st.just(0)),
        st.tuples(st.just("time"), st.just(""), st.integers(1, 700)),
    ),
    max_size=12,
)


@given(policy=st.sampled_from(["Always", "OnFailure", "Never"]), happenings=events)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_a_pod_comes_to_rest_and_can_be_deleted(
    pod: MakePod, run: MakeRun, policy: str, happenings: list[tuple[str, str, int]]
) -> None:
    spec = pod(
        restartPolicy=policy,
        initContainers=[{"name": "init", "image": "i"}, {"name": "side", "image": "i", "restartPolicy": "Always"}],
        containers=[{"name": "web", "image": "i"}, {"name": "log", "image": "i"}],
    )
    world = World(run)
    world.settle(spec)
    for kind, name, number in happenings:
        if kind == "end":
            world.end(name, number)
        elif kind == "sandbox":
            world.kill_sandbox()
        else:
            world.now += number
        world.settle(spec)
        assert len([each for each in world.runs if each.state is ContainerState.EXITED]) <= 4, "dead runs pile up"
    spec.metadata.deletionTimestamp.seconds = 1
    assert world.settle(spec) == Finish()
    assert not world.runs
    assert not world.sandboxes
