"""What a Job needs now: pods to make, to stop and to let go of, and the status that tells how it stands.

https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from master.controllers.objects.deletionorder import pods_to_delete
from master.controllers.objects.events import ObjectEvent
from master.controllers.workloads.job import backoff
from master.controllers.workloads.job.outcome import deadline_in_s, is_finished, outcome_of
from master.controllers.workloads.job.podcounts import PodCounts, count_pods, pods_to_release
from master.controllers.workloads.job.pods import (
    failures_of_index,
    has_index_limit,
    has_valid_index,
    ignored_of_index,
    index_of,
    is_indexed,
    is_tracked,
    pod_for,
    replaces_failed_only,
)
from master.controllers.workloads.job.status import status
from podlab.batch.v1 import job_pb2
from podlab.core.v1 import pod_pb2

# More at once would starve the other Jobs.
BURST = 500


@dataclass(frozen=True)
class PodChanges:
    """`discard` are let go of and then deleted, so that they count for nothing; `delete` go and count as failed.

    Look again after `wait_s`.
    """

    discard: list[pod_pb2.Pod] = field(default_factory=list)
    delete: list[pod_pb2.Pod] = field(default_factory=list)
    create: list[pod_pb2.Pod] = field(default_factory=list)
    wait_s: float | None = None


@dataclass(frozen=True)
class JobPlan:
    """The status, and Events (type, reason, message) that tell of what is new in it; `release` lose their finalizer."""

    status: job_pb2.JobStatus
    events: list[ObjectEvent] = field(default_factory=list)
    release: list[pod_pb2.Pod] = field(default_factory=list)
    changes: PodChanges = PodChanges()


def decide(job: job_pb2.Job, pods: Sequence[pod_pb2.Pod], now: float) -> JobPlan:
    """`pods` are all that it owns. A Job that goes or is finished only lets go of its pods."""
    if is_finished(job) or job.metadata.HasField("deletionTimestamp"):
        return JobPlan(job.status, release=[pod for pod in pods if is_tracked(pod)])
    counts = count_pods(job, pods)
    outcome = outcome_of(job, pods, counts, now)
    if outcome is not None:
        counts = replace(counts, retry_pods={})
    new_status, events = status(job, pods, counts, outcome, now)
    if outcome is None:
        changes = _manage(job, pods, counts, now)
    elif outcome.success:
        changes = PodChanges(discard=counts.active)
    else:
        changes = PodChanges(delete=counts.active)
    return JobPlan(new_status, events, pods_to_release(job, pods, counts), _with_deadline(job, changes, now))


def _with_deadline(job: job_pb2.Job, changes: PodChanges, now: float) -> PodChanges:
    waits = [wait for wait in (changes.wait_s, deadline_in_s(job, now)) if wait]
    return replace(changes, wait_s=min(waits, default=None))


def _manage(job: job_pb2.Job, pods: Sequence[pod_pb2.Pod], counts: PodCounts, now: float) -> PodChanges:
    wanted = _wanted(job, counts)
    excess = _excess(job, counts.active, wanted, now)
    if excess:
        return PodChanges(discard=excess[:BURST])
    waited_for = len(counts.terminating) if replaces_failed_only(job) else 0
    missing = min(wanted - len(counts.active) - waited_for, BURST)
    if missing <= 0:
        return PodChanges()
    if has_index_limit(job):
        return _create_by_index(job, counts, missing, now)
    wait_s = backoff.wait_s(job, pods, now)
    if wait_s:
        return PodChanges(wait_s=wait_s)
    if is_indexed(job):
        return PodChanges(create=[pod_for(job, index) for index in islice(_free_indexes(job, counts), missing)])
    return PodChanges(create=[pod_for(job) for _ in range(missing)])


def _wanted(job: job_pb2.Job, counts: PodCounts) -> int:
    """How many pods are to be active."""
    if job.spec.suspend:
        return 0
    if not job.spec.HasField("completions"):
        return len(counts.active) if counts.succeeded else job.spec.parallelism
    return max(0, min(job.spec.parallelism, job.spec.completions - counts.succeeded))


def _excess(job: job_pb2.Job, active: Sequence[pod_pb2.Pod], wanted: int, now: float) -> list[pod_pb2.Pod]:
    """Pods without a place, second ones of an index, and as many more as there are too many."""
    taken: set[int | None] = set()
    needless, useful = [], []
    for pod in sorted(active, key=lambda one: (one.metadata.creationTimestamp.seconds, one.metadata.name)):
        index = index_of(pod)
        if is_indexed(job) and (not has_valid_index(job, pod) or index in taken):
            needless.append(pod)
        else:
            useful.append(pod)
            taken.add(index)
    return [*needless, *pods_to_delete(useful, max(0, len(useful) - wanted), useful, now)]


def _free_indexes(job: job_pb2.Job, counts: PodCounts) -> Iterable[int]:
    """Those that nobody works on and that are not done, lowest first."""
    waited_for = counts.terminating if replaces_failed_only(job) else []
    busy = {index_of(pod) for pod in (*counts.active, *waited_for)}
    done = counts.succeeded_indexes | counts.failed_indexes
    return (index for index in range(job.spec.completions) if index not in busy and index not in done)


def _create_by_index(job: job_pb2.Job, counts: PodCounts, missing: int, now: float) -> PodChanges:
    """Each index waits for itself."""
    create: list[pod_pb2.Pod] = []
    waits: list[float] = []
    for index in _free_indexes(job, counts):
        if len(create) == missing:
            break
        last = counts.retry_pods.get(index)
        wait_s = backoff.index_wait_s(last, now) if last is not None else 0.0
        if wait_s:
            waits.append(wait_s)
        else:
            create.append(_next_of_index(job, index, last, counts))
    return PodChanges(create=create, wait_s=min(waits, default=None))


def _next_of_index(job: job_pb2.Job, index: int, last: pod_pb2.Pod | None, counts: PodCounts) -> pod_pb2.Pod:
    if last is None:
        return pod_for(job, index)
    ignored = any(one.metadata.uid == last.metadata.uid for one in counts.ignored)
    failures, skipped = failures_of_index(last), ignored_of_index(last)
    return pod_for(job, index, failures=failures + (not ignored), ignored=skipped + ignored)
