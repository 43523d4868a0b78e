"""Counts how a Job's pods ended: each once, whatever is missed, repeated or seen late.

A pod that ended is first named in `status.uncountedTerminatedPods`; once that stands, its finalizer is taken away; once
that is seen, the name becomes a number. A success of an index is the index in `status.completedIndexes`, which cannot
be counted twice. Each step reads only what the API showed, so it may be done again after any crash.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from master.controllers.objects.podstate import is_active
from master.controllers.workloads.job import failurepolicy
from master.controllers.workloads.job.pods import (
    ended_at,
    failures_of_index,
    has_failed,
    has_index_limit,
    has_succeeded,
    has_valid_index,
    ignored_of_index,
    index_of,
    is_indexed,
    is_terminating,
    is_tracked,
)
from podlab.api.selection import indexes
from podlab.batch.v1 import job_pb2
from podlab.core.v1 import pod_pb2

# More names at once would make the Job itself large; the rest is taken in when these are numbers.
UNCOUNTED_LIMIT = 500


@dataclass(frozen=True)
class PodCounts:
    """A Job's pods, sorted by what they are to it, and the counts that they make together with what was counted."""

    active: list[pod_pb2.Pod] = field(default_factory=list)
    terminating: list[pod_pb2.Pod] = field(default_factory=list)
    new_succeeded: list[pod_pb2.Pod] = field(default_factory=list)
    new_failed: list[pod_pb2.Pod] = field(default_factory=list)
    ignored: list[pod_pb2.Pod] = field(default_factory=list)
    """Failed, and not to be counted; still tracked."""
    succeeded_indexes: frozenset[int] = frozenset()
    failed_indexes: frozenset[int] = frozenset()
    retry_pods: dict[int, pod_pb2.Pod] = field(default_factory=dict)
    """By index, the last pod of one that failed and is to be tried again: it alone knows how often that was."""
    succeeded: int = 0
    failed: int = 0


def count_pods(job: job_pb2.Job, pods: Sequence[pod_pb2.Pod]) -> PodCounts:
    """Sorts and counts. A pod in none of the lists is of no account any more."""
    uncounted = job.status.uncountedTerminatedPods
    known = {*uncounted.succeeded, *uncounted.failed}
    fresh = [pod for pod in pods if is_tracked(pod) and pod.metadata.uid not in known and has_valid_index(job, pod)]
    new_succeeded = [pod for pod in fresh if has_succeeded(pod)]
    lost = [pod for pod in fresh if has_failed(job, pod)]
    ignored = [pod for pod in lost if failurepolicy.is_ignored(job, pod)]
    ignored_uids = {pod.metadata.uid for pod in ignored}
    new_failed = [pod for pod in lost if pod.metadata.uid not in ignored_uids]
    active = [pod for pod in pods if is_active(pod)]
    succeeded_indexes = _succeeded_indexes(job, new_succeeded)
    failed_indexes = _failed_indexes(job, new_failed) - succeeded_indexes
    succeeded = (
        len(succeeded_indexes)
        if is_indexed(job)
        else job.status.succeeded + len(uncounted.succeeded) + len(new_succeeded)
    )
    return PodCounts(
        active=active,
        terminating=[pod for pod in pods if is_terminating(pod)],
        new_succeeded=new_succeeded,
        new_failed=new_failed,
        ignored=ignored,
        succeeded_indexes=succeeded_indexes,
        failed_indexes=failed_indexes,
        retry_pods=_retry_pods(job, lost, {index_of(pod) for pod in active} | succeeded_indexes | failed_indexes),
        succeeded=succeeded,
        failed=job.status.failed + len(uncounted.failed) + len(new_failed),
    )


def update_counts(job: job_pb2.Job, pods: Sequence[pod_pb2.Pod], counts: PodCounts, status: job_pb2.JobStatus) -> None:
    """Sets the counts of `status`: names of pods that were let go of become numbers, new ends become names."""
    tracked = {pod.metadata.uid for pod in pods if is_tracked(pod)}
    uncounted = status.uncountedTerminatedPods
    uncounted.SetInParent()
    for names, count in ((uncounted.succeeded, "succeeded"), (uncounted.failed, "failed")):
        kept = [uid for uid in names if uid in tracked]
        setattr(status, count, getattr(status, count) + len(names) - len(kept))
        names[:] = kept
    room = UNCOUNTED_LIMIT - len(uncounted.succeeded) - len(uncounted.failed)
    if is_indexed(job):
        status.completedIndexes = indexes.text(counts.succeeded_indexes)
        status.succeeded = counts.succeeded
    else:
        named = counts.new_succeeded[: max(0, room)]
        uncounted.succeeded.extend(pod.metadata.uid for pod in named)
        room -= len(named)
    retry_pods = {pod.metadata.uid for pod in counts.retry_pods.values()}
    settled = [pod for pod in counts.new_failed if pod.metadata.uid not in retry_pods]
    uncounted.failed.extend(pod.metadata.uid for pod in settled[: max(0, room)])
    if has_index_limit(job):
        status.failedIndexes = indexes.text(counts.failed_indexes)


def pods_to_release(job: job_pb2.Job, pods: Sequence[pod_pb2.Pod], counts: PodCounts) -> list[pod_pb2.Pod]:
    """Pods whose finalizers may go, because the Job's status as the API shows it has taken them in."""
    uncounted = job.status.uncountedTerminatedPods
    known = {*uncounted.succeeded, *uncounted.failed}
    completed = indexes.below(job.spec.completions, job.status.completedIndexes) if is_indexed(job) else frozenset()
    ignored = {pod.metadata.uid for pod in counts.ignored} - {pod.metadata.uid for pod in counts.retry_pods.values()}

    def is_accounted(pod: pod_pb2.Pod) -> bool:
        if pod.metadata.uid in known or pod.metadata.uid in ignored:
            return True
        if not has_valid_index(job, pod):
            return has_succeeded(pod) or has_failed(job, pod)
        return has_succeeded(pod) and index_of(pod) in completed

    return [pod for pod in pods if is_tracked(pod) and is_accounted(pod)]


def _succeeded_indexes(job: job_pb2.Job, new: Collection[pod_pb2.Pod]) -> frozenset[int]:
    if not is_indexed(job):
        return frozenset()
    found = {index for pod in new if (index := index_of(pod)) is not None}
    return indexes.below(job.spec.completions, job.status.completedIndexes) | found


def _failed_indexes(job: job_pb2.Job, new: Collection[pod_pb2.Pod]) -> frozenset[int]:
    """Those that failed before, and those whose pods failed once too often or in a way that ends them."""
    if not has_index_limit(job):
        return frozenset()
    found = {
        index
        for pod in new
        if (index := index_of(pod)) is not None
        and (
            failures_of_index(pod) + 1 > job.spec.backoffLimitPerIndex
            or failurepolicy.match_rule(job, pod).action == "FailIndex"
        )
    }
    return indexes.below(job.spec.completions, job.status.failedIndexes) | found


def _retry_pods(
    job: job_pb2.Job, lost: Sequence[pod_pb2.Pod], settled: Collection[int | None]
) -> dict[int, pod_pb2.Pod]:
    if not has_index_limit(job):
        return {}
    retry_pods: dict[int, pod_pb2.Pod] = {}
    for pod in sorted(lost, key=lambda one: (failures_of_index(one) + ignored_of_index(one), ended_at(one))):
        index = index_of(pod)
        if index is not None and index not in settled:
            retry_pods[index] = pod
    return retry_pods
