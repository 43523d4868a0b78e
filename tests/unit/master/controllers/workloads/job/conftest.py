"""Jobs and their pods, and a cluster in which they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from master.controllers.workloads.job.decide import JobPlan, decide
from master.controllers.workloads.job.pods import TRACKING, pod_for
from podlab.batch.v1 import job_pb2
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

NOW = 1_000_000


def _job(
    *, completions: int | None = 1, parallelism: int = 1, indexed: bool = False, restarts: str = "Never", **spec: Any
) -> job_pb2.Job:
    made = job_pb2.Job(metadata=meta_pb2.ObjectMeta(name="sum", namespace="default", uid="uid-job"))
    made.spec.template.spec.containers.add(name="main", image="sum")
    made.spec.template.spec.restartPolicy = restarts
    made.spec.template.metadata.labels["batch.kubernetes.io/job-name"] = "sum"
    made.spec.parallelism = parallelism
    if completions is not None:
        made.spec.completions = completions
    made.spec.completionMode = "Indexed" if indexed else "NonIndexed"
    made.spec.backoffLimit = 6
    made.spec.podReplacementPolicy = "TerminatingOrFailed"
    for name, value in spec.items():
        setattr(made.spec, name, value)
    return made


def _job_pod(
    job: job_pb2.Job,
    phase: str = "Running",
    *,
    index: int | None = None,
    failures: int = 0,
    code: int | None = None,
    ended_at: int = NOW - 1000,
    tracked: bool = True,
    going: bool = False,
    node: str = "n1",
    condition: str = "",
    restarts: int = 0,
) -> pod_pb2.Pod:
    pod = pod_for(job, index, failures=failures)
    pod.metadata.uid = f"uid-{pod.metadata.name}"
    pod.metadata.creationTimestamp.seconds = NOW - 2000
    pod.spec.nodeName = node
    pod.status.phase = phase
    if not tracked:
        pod.metadata.finalizers.remove(TRACKING)
    if going:
        pod.metadata.deletionTimestamp.seconds = NOW + 25
        pod.metadata.deletionGracePeriodSeconds = 30
    status = pod.status.containerStatuses.add(name="main", restartCount=restarts)
    if phase in ("Succeeded", "Failed"):
        status.state.terminated.exitCode = (1 if phase == "Failed" else 0) if code is None else code
        status.state.terminated.finishedAt.seconds = ended_at
    if condition:
        pod.status.conditions.add(type=condition, status="True")
    return pod


class Cluster:
    """One Job and its pods, as the API server has them. `pass_over` does what a plan says; pods only end by `end`."""

    def __init__(self, job: job_pb2.Job) -> None:
        self.job = job
        self.pods: dict[str, pod_pb2.Pod] = {}
        self.now = NOW
        self.made = 0
        self.events: list[str] = []

    def active(self) -> list[pod_pb2.Pod]:
        return [
            pod
            for pod in self.pods.values()
            if pod.status.phase not in ("Succeeded", "Failed") and not pod.metadata.HasField("deletionTimestamp")
        ]

    def plan(self) -> JobPlan:
        return decide(self.job, list(self.pods.values()), self.now)

    def pass_over(self, steps: int = 5) -> JobPlan:
        """As the controller does it, and dies after so many kinds of steps."""
        plan = self.plan()
        events = [reason for _, reason, _ in plan.events]
        todo: list[Callable[[], None]] = [
            lambda: (self.job.status.CopyFrom(plan.status), self.events.extend(events), None)[-1],
            lambda: [self._release(pod) for pod in plan.release].clear(),
            lambda: [self._release(pod) for pod in plan.changes.discard].clear(),
            lambda: [self._delete(pod) for pod in (*plan.changes.discard, *plan.changes.delete)].clear(),
            lambda: [self._create(pod) for pod in plan.changes.create].clear(),
        ]
        for step in todo[:steps]:
            step()
        return plan

    def settle(self) -> None:
        """Passes until one changes nothing; nothing of it takes time."""
        for _ in range(20):
            before = self.state()
            self.pass_over()
            for name, pod in list(self.pods.items()):
                if pod.metadata.HasField("deletionTimestamp"):
                    if pod.status.phase not in ("Succeeded", "Failed"):
                        pod.status.phase = "Failed"
                    if TRACKING not in pod.metadata.finalizers:
                        del self.pods[name]
            if self.state() == before:
                return
        pytest.fail("it does not come to rest")

    def state(self) -> tuple[bytes, ...]:
        parts = (self.job, *self.pods.values())
        return tuple(one.SerializeToString(deterministic=True) for one in parts)

    def end(self, pod: pod_pb2.Pod, phase: str, code: int = 1) -> None:
        retry_pods = self.pods[pod.metadata.name]
        retry_pods.status.phase = phase
        ended = retry_pods.status.containerStatuses.add(name="main").state.terminated
        ended.exitCode, ended.finishedAt.seconds = (code if phase == "Failed" else 0), self.now

    def _create(self, pod: pod_pb2.Pod) -> None:
        made = pod_pb2.Pod()
        made.CopyFrom(pod)
        self.made += 1
        made.metadata.uid = f"uid-{self.made}"
        made.metadata.creationTimestamp.seconds = self.now
        made.spec.nodeName, made.status.phase = "n1", "Running"
        self.pods[f"{pod.metadata.name}"] = made

    def _release(self, pod: pod_pb2.Pod) -> None:
        retry_pods = self.pods.get(pod.metadata.name)
        if retry_pods is not None and TRACKING in retry_pods.metadata.finalizers:
            retry_pods.metadata.finalizers.remove(TRACKING)

    def _delete(self, pod: pod_pb2.Pod) -> None:
        retry_pods = self.pods.get(pod.metadata.name)
        if retry_pods is not None:
            retry_pods.metadata.deletionTimestamp.seconds = self.now + 30
            retry_pods.metadata.deletionGracePeriodSeconds = 30


@pytest.fixture(scope="session")
def job() -> Callable[..., job_pb2.Job]:
    return _job


@pytest.fixture(scope="session")
def job_pod() -> Callable[..., pod_pb2.Pod]:
    return _job_pod


@pytest.fixture(scope="session")
def cluster() -> type[Cluster]:
    return Cluster
