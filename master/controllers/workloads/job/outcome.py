"""Whether a Job is over, how, and why; in Kubernetes' words.

https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from master.controllers.workloads.job import failurepolicy
from master.controllers.workloads.job.podcounts import PodCounts
from master.controllers.workloads.job.pods import has_failed, has_index_limit, is_indexed
from podlab.api.objects import condition, is_true
from podlab.api.selection import indexes
from podlab.batch.v1 import job_pb2
from podlab.core.v1 import pod_pb2

COMPLETE, FAILED = "Complete", "Failed"
# Set when it is decided how the Job ends; the others when none of its pods is left.
SUCCESS_CRITERIA_MET, FAILURE_TARGET = "SuccessCriteriaMet", "FailureTarget"


@dataclass(frozen=True)
class JobOutcome:
    """Once it stands it is not changed."""

    success: bool
    reason: str
    message: str

    @property
    def announced(self) -> str:
        """The condition that tells of it at once."""
        return SUCCESS_CRITERIA_MET if self.success else FAILURE_TARGET

    @property
    def final(self) -> str:
        """The condition that tells that no pod is left."""
        return COMPLETE if self.success else FAILED


def is_finished(job: job_pb2.Job) -> bool:
    return is_true(job.status.conditions, COMPLETE) or is_true(job.status.conditions, FAILED)


def outcome_of(job: job_pb2.Job, pods: Sequence[pod_pb2.Pod], counts: PodCounts, now: float) -> JobOutcome | None:
    """None while it goes on. What ends a Job as failed goes before what ends it as succeeded."""
    for success, announced in ((False, FAILURE_TARGET), (True, SUCCESS_CRITERIA_MET)):
        known = condition(job.status.conditions, announced)
        if known is not None and known.status == "True":
            return JobOutcome(success, known.reason, known.message)
    return _failure(job, pods, counts, now) or _success(job, counts)


def deadline_in_s(job: job_pb2.Job, now: float) -> float | None:
    """Seconds until it has been active for too long; None when that does not count."""
    spec, status = job.spec, job.status
    if not spec.HasField("activeDeadlineSeconds") or not status.HasField("startTime") or spec.suspend:
        return None
    return max(0.0, status.startTime.seconds + spec.activeDeadlineSeconds - now)


def _failure(job: job_pb2.Job, pods: Sequence[pod_pb2.Pod], counts: PodCounts, now: float) -> JobOutcome | None:
    for pod in pods:
        if has_failed(job, pod) and (match := failurepolicy.match_rule(job, pod)).action == "FailJob":
            return JobOutcome(False, "PodFailurePolicy", match.message)
    if counts.failed > job.spec.backoffLimit or _restarted_too_often(job, counts.active):
        return JobOutcome(False, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    if deadline_in_s(job, now) == 0:
        return JobOutcome(False, "DeadlineExceeded", "Job was active longer than specified deadline")
    if not has_index_limit(job):
        return None
    failed = len(counts.failed_indexes)
    if job.spec.HasField("maxFailedIndexes") and failed > job.spec.maxFailedIndexes:
        message = "Job has exceeded the specified maximal number of failed indexes"
        return JobOutcome(False, "MaxFailedIndexesExceeded", message)
    if failed and failed + counts.succeeded >= job.spec.completions:
        return JobOutcome(False, "FailedIndexes", "Job has failed indexes")
    return None


def _restarted_too_often(job: job_pb2.Job, active: Iterable[pod_pb2.Pod]) -> bool:
    """Where pods restart their containers themselves, that is what is counted."""
    if job.spec.template.spec.restartPolicy != "OnFailure":
        return False
    restarts = sum(
        one.restartCount
        for pod in active
        for one in (*pod.status.initContainerStatuses, *pod.status.containerStatuses)
        if pod.status.phase in ("Running", "Pending")
    )
    return restarts > 0 if job.spec.backoffLimit == 0 else restarts >= job.spec.backoffLimit


def _success(job: job_pb2.Job, counts: PodCounts) -> JobOutcome | None:
    if is_indexed(job):
        for number, rule in enumerate(job.spec.successPolicy.rules):
            if _is_met(rule, counts.succeeded_indexes, job.spec.completions):
                return JobOutcome(True, "SuccessPolicy", f"Matched rules at index {number}")
    if job.spec.HasField("completions"):
        reached = counts.succeeded >= job.spec.completions
    else:
        reached = counts.succeeded > 0 and not counts.active
    return JobOutcome(True, "CompletionsReached", "Reached expected number of succeeded pods") if reached else None


def _is_met(rule: job_pb2.SuccessPolicyRule, succeeded: frozenset[int], completions: int) -> bool:
    if not rule.HasField("succeededIndexes"):
        return len(succeeded) >= rule.succeededCount
    named = indexes.below(completions, rule.succeededIndexes)
    wanted = rule.succeededCount if rule.HasField("succeededCount") else len(named)
    return len(named & succeeded) >= wanted
