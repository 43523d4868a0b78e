"""Builders of pods and of what a runtime has of them, valid by default."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from node.kubelet.cri.runtime import NEXT_BACKOFF, Container, ContainerState, ObservedPod, Sandbox
from node.kubelet.pod.pod_notes import PodNotes
from node.kubelet.pod.pod_status import pod_status
from podlab.api.objects import condition
from podlab.core.v1 import pod_pb2
from podlab_testing import builtin_kinds

SECOND = 1_000_000_000

Json = Mapping[str, object]
StreamHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
# Serves connections with a handler on a port of loopback, which is returned.
Listen = Callable[[StreamHandler], Awaitable[int]]


def make_pod(*, meta: Json | None = None, status: Json | None = None, **spec: object) -> pod_pb2.Pod:
    """A pod with one container `web`; the other arguments are fields of its spec."""
    data = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "namespace": "default", "uid": "u1", **(meta or {})},
        "spec": {"containers": [{"name": "web", "image": "podlab.local/hello:1.0"}], "restartPolicy": "Always", **spec},
        "status": {"phase": "Pending", **(status or {})},
    }
    made = builtin_kinds.read(data)
    assert isinstance(made, pod_pb2.Pod)
    return made


def make_run(
    name: str = "web",
    *,
    attempt: int = 0,
    code: int | None = None,
    backoff_s: int = 0,
    sandbox: str = "s0",
    state: ContainerState | None = None,
    started_ns: int = 10 * SECOND,
    finished_ns: int | None = None,
    reason: str = "",
    annotations: Mapping[str, str] | None = None,
) -> Container:
    """A running container, or, with an exit code, one that ran from second 10 to second 20."""
    if finished_ns is None:
        finished_ns = 0 if code is None else 20 * SECOND
    return Container(
        id=f"{name}-{attempt}",
        sandbox_id=sandbox,
        name=name,
        attempt=attempt,
        state=state or (ContainerState.RUNNING if code is None else ContainerState.EXITED),
        created_ns=9 * SECOND + attempt,
        started_ns=started_ns,
        finished_ns=finished_ns,
        exit_code=code or 0,
        reason=reason,
        annotations=annotations if annotations is not None else {NEXT_BACKOFF: str(backoff_s)},
    )


def make_observed(*runs: Container, attempt: int = 0, ready: bool = True, sandboxes: int = 1) -> ObservedPod:
    """A pod with one sandbox, the newest runs first."""
    boxes = tuple(
        Sandbox(f"s{number}", number, ready and number == attempt, number * SECOND, ("10.244.1.2",))
        for number in range(attempt, attempt - sandboxes, -1)
    )
    return ObservedPod("u1", "default", "a", boxes, runs)


def status_of(pod: pod_pb2.Pod, observed: ObservedPod, notes: PodNotes, now: float = 100.0) -> pod_pb2.PodStatus:
    return pod_status(pod, observed, notes, now=now, host_ips=["192.0.2.7"])


def mark_ready(notes: PodNotes, *ids: str) -> None:
    for container_id in ids:
        notes.started.add(container_id)
        notes.ready[container_id] = True


def condition_of(status: pod_pb2.PodStatus, name: str) -> pod_pb2.PodCondition:
    found = condition(status.conditions, name)
    assert found is not None
    return found


class MakePod(Protocol):
    """The type of `make_pod`."""

    def __call__(self, *, meta: Json | None = None, status: Json | None = None, **spec: object) -> pod_pb2.Pod: ...


class MakeRun(Protocol):
    """The type of `make_run`."""

    def __call__(
        self,
        name: str = "web",
        *,
        attempt: int = 0,
        code: int | None = None,
        backoff_s: int = 0,
        sandbox: str = "s0",
        state: ContainerState | None = None,
        started_ns: int = 10 * SECOND,
        finished_ns: int | None = None,
        reason: str = "",
        annotations: Mapping[str, str] | None = None,
    ) -> Container: ...


class MakeObserved(Protocol):
    """The type of `make_observed`."""

    def __call__(self, *runs: Container, attempt: int = 0, ready: bool = True, sandboxes: int = 1) -> ObservedPod: ...
