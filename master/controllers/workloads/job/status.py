"""What a Job says of itself: counts, times and conditions."""

from __future__ import annotations

from collections.abc import Sequence

from master.controllers.objects.events import ObjectEvent
from master.controllers.objects.podstate import is_ready
from master.controllers.workloads.job.outcome import COMPLETE, JobOutcome
from master.controllers.workloads.job.podcounts import PodCounts, update_counts
from podlab.api.objects import condition, is_true
from podlab.batch.v1 import job_pb2
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

SUSPENDED = "Suspended"


def status(
    job: job_pb2.Job, pods: Sequence[pod_pb2.Pod], counts: PodCounts, outcome: JobOutcome | None, now: float
) -> tuple[job_pb2.JobStatus, list[ObjectEvent]]:
    """The status that these pods make, and the Events that tell of what is new in it."""
    made, events = job_pb2.JobStatus(), list[ObjectEvent]()
    made.CopyFrom(job.status)
    update_counts(job, pods, counts, made)
    made.active = len(counts.active)
    made.ready = sum(is_ready(pod) for pod in counts.active)
    made.terminating = len(counts.terminating)
    if outcome is None:
        events += _suspend_or_resume(job, made, now)
        return made, events
    _put(made, outcome.announced, "True", outcome.reason, outcome.message, now)
    uncounted = made.uncountedTerminatedPods
    if not (made.active or made.terminating or uncounted.succeeded or uncounted.failed):
        events.append(_finish(made, outcome, now))
    return made, events


def _suspend_or_resume(job: job_pb2.Job, made: job_pb2.JobStatus, now: float) -> list[ObjectEvent]:
    if job.spec.suspend:
        if _put(made, SUSPENDED, "True", "JobSuspended", "Job suspended", now):
            return [ObjectEvent("Normal", "Suspended", "Job suspended")]
        return []
    resumed = is_true(made.conditions, SUSPENDED)
    if resumed:
        _put(made, SUSPENDED, "False", "JobResumed", "Job resumed", now)
    if resumed or not made.HasField("startTime"):
        made.startTime.CopyFrom(meta_pb2.Time(seconds=int(now)))
    return [ObjectEvent("Normal", "Resumed", "Job resumed")] if resumed else []


def _finish(made: job_pb2.JobStatus, outcome: JobOutcome, now: float) -> ObjectEvent:
    if not made.HasField("startTime"):
        made.startTime.CopyFrom(meta_pb2.Time(seconds=int(now)))
    _put(made, outcome.final, "True", outcome.reason, outcome.message, now)
    if outcome.final != COMPLETE:
        return ObjectEvent("Warning", outcome.reason, outcome.message)
    made.completionTime.CopyFrom(meta_pb2.Time(seconds=max(int(now), made.startTime.seconds)))
    return ObjectEvent("Normal", "Completed", "Job completed")


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
