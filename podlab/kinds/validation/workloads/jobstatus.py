"""What the controller of Jobs may report about them."""

from podlab.api.objects import is_true
from podlab.api.selection import indexes
from podlab.api.values import times
from podlab.batch.v1 import job_pb2
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.workloads import deployments
from podlab.kinds.validation.workloads.jobpolicies import check_indexes

_FIELD = "status.conditions"
# Conditions that cannot both hold.
_EXCLUSIVE = (
    ("Complete", "Failed", "true"),
    ("Complete", "FailureTarget", "true"),
    ("SuccessCriteriaMet", "Failed", "true"),
    ("SuccessCriteriaMet", "FailureTarget", "true"),
)


def check_job_status(found: Findings, job: job_pb2.Job) -> None:
    """Counts, indexes, and conditions that go together."""
    status = job.status
    deployments.check_counts(found, "status", status, "active", "succeeded", "failed", "ready", "terminating")
    _check_uncounted(found, status.uncountedTerminatedPods)
    for one, other, value in _EXCLUSIVE:
        if is_true(status.conditions, one) and is_true(status.conditions, other):
            found.breaks(_FIELD, f"cannot set {one}=True and {other}={value} conditions")
    _check_times(found, status)
    _check_indexes(found, job)
    if status.HasField("ready") and status.ready > status.active:
        found.invalid("status.ready", status.ready, "cannot set more ready pods than active")
    if is_true(status.conditions, "Complete") or is_true(status.conditions, "Failed"):
        _check_finished(found, status)


def _check_uncounted(found: Findings, uncounted: job_pb2.UncountedTerminatedPods) -> None:
    seen: set[str] = set()
    for name, uids in (("succeeded", uncounted.succeeded), ("failed", uncounted.failed)):
        for index, uid in enumerate(uids):
            where = f"status.uncountedTerminatedPods.{name}[{index}]"
            if not uid:
                found.invalid(where, uid, "must not be empty")
            elif uid in seen:
                found.duplicate(where, uid)
            seen.add(uid)


def _check_times(found: Findings, status: job_pb2.JobStatus) -> None:
    field, complete = "status.completionTime", is_true(status.conditions, "Complete")
    if not status.HasField("completionTime"):
        if complete:
            found.required(field, "completionTime is required for Complete jobs")
        return
    if not complete:
        rule = "cannot set completionTime when there is no Complete=True condition"
        found.invalid(field, _shown(status), rule)
    if status.HasField("startTime") and status.completionTime.seconds < status.startTime.seconds:
        found.invalid(field, _shown(status), "completionTime cannot be set before startTime")


def _shown(status: job_pb2.JobStatus) -> str:
    try:
        return times.text(status.completionTime)
    except ValueError:
        return str(status.completionTime.seconds)


def _check_indexes(found: Findings, job: job_pb2.Job) -> None:
    status, spec = job.status, job.spec
    if status.completedIndexes and spec.completionMode != "Indexed":
        rule = "cannot set non-empty completedIndexes when non-indexed completion mode"
        found.invalid("status.completedIndexes", status.completedIndexes, rule)
    if status.HasField("failedIndexes") and not spec.HasField("backoffLimitPerIndex"):
        rule = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        found.invalid("status.failedIndexes", status.failedIndexes, rule)
    if not spec.HasField("completions"):
        return
    completed = check_indexes(found, "status", "completedIndexes", status.completedIndexes, spec.completions)
    failed = check_indexes(found, "status", "failedIndexes", status.failedIndexes, spec.completions)
    if completed and failed:
        done = indexes.parse(status.completedIndexes, spec.completions)
        both = indexes.overlap(done, indexes.parse(status.failedIndexes, spec.completions))
        if both is not None:
            rule = f"failedIndexes and completedIndexes overlap at index: {both}"
            found.invalid("status.failedIndexes", status.failedIndexes, rule)


def _check_finished(found: Findings, status: job_pb2.JobStatus) -> None:
    if status.active > 0:
        found.invalid("status.active", status.active, "active>0 is invalid for finished job")
    if status.terminating > 0:
        found.invalid("status.terminating", status.terminating, "terminating>0 is invalid for finished job")
    if not status.HasField("startTime"):
        found.required("status.startTime", "startTime is required for finished job")
    if status.uncountedTerminatedPods.succeeded or status.uncountedTerminatedPods.failed:
        rule = "uncountedTerminatedPods needs to be empty for finished job"
        found.invalid("status.uncountedTerminatedPods", {}, rule)
