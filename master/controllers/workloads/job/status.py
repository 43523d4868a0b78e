"""What a Job says of itself: counts, times and conditions."""

from __future__ import annotations

from collections.abc import Sequence

from master.controllers.objects.podstate import is_ready
from master.controllers.workloads.job.outcome import COMPLETE, JobOutcome
from master.controllers.workloads.job.podcounts import PodCounts, update_counts
from podlab.api.objects import condition, is_true
from podlab.batch.v1 import job_pb2
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

SUSPENDED = "Suspended"
# What an Event tells when a condition becomes this: its type, reason and message.
Told = tuple[str, str, str]


def status(
    job: job_pb2.Job, pods: Sequence[pod_pb2.Pod], tally: PodCounts, verdict: JobOutcome | None, now: float
) -> tuple[job_pb2.JobStatus, list[Told]]:
    """The status that these pods make, and the Events that tell of what is new in it."""
    made, told = job_pb2.JobStatus(), list[Told]()
    made.CopyFrom(job.status)
    update_counts(job, pods, tally, made)
    made.active = len(tally.active)
    made.ready = sum(is_ready(pod) for pod in tally.active)
    made.terminating = len(tally.terminating)
    if verdict is None:
        told += _suspend_or_resume(job, made, now)
        return made, told
    _put(made, verdict.announced, "True", verdict.reason, verdict.message, now)
    uncounted = made.uncountedTerminatedPods
    if not (made.active or made.terminating or uncounted.succeeded or uncounted.failed):
        told.append(_finish(made, verdict, now))
    return made, told


def _suspend_or_resume(job: job_pb2.Job, made: job_pb2.JobStatus, now: float) -> list[Told]:
    if job.spec.suspend:
        if _put(made, SUSPENDED, "True", "JobSuspended", "Job suspended", now):
            return [("Normal", "Suspended", "Job suspended")]
        return []
    resumed = is_true(made.conditions, SUSPENDED)
    if resumed:
        _put(made, SUSPENDED, "False", "JobResumed", "Job resumed", now)
    if resumed or not made.HasField("startTime"):
        made.startTime.CopyFrom(meta_pb2.Time(seconds=int(now)))
    return [("Normal", "Resumed", "Job resumed")] if resumed else []


def _finish(made: job_pb2.JobStatus, verdict: JobOutcome, now: float) -> Told:
    if not made.HasField("startTime"):
        made.startTime.CopyFrom(meta_pb2.Time(seconds=int(now)))
    _put(made, verdict.final, "True", verdict.reason, verdict.message, now)
    if verdict.final != COMPLETE:
        return "Warning", verdict.reason, verdict.message
    made.completionTime.CopyFrom(meta_pb2.Time(seconds=max(int(now), made.startTime.seconds)))
    return "Normal", "Completed", "Job completed"


def _put(made: job_pb2.JobStatus, condition_type: str, value: str, reason: str, message: str, now: float) -> bool:
    """Sets the condition. False when it said so already."""
    known = condition(made.conditions, condition_type)
    if known is not None and (known.status, known.reason, known.message) == (value, reason, message):
        return False
    target = known if known is not None else made.conditions.add(type=condition_type)
    if target.status != value:
        target.lastTransitionTime.CopyFrom(meta_pb2.Time(seconds=int(now)))
    target.lastProbeTime.CopyFrom(meta_pb2.Time(seconds=int(now)))
    target.status, target.reason, target.message = value, reason, message
    return True
