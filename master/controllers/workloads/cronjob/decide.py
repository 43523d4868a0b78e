"""Whether a CronJob is to start a Job now, which Jobs are to go, and when to look again.

https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from master.controllers.objects.events import ObjectEvent
from master.controllers.workloads.cronjob.jobs import end_of, job_for, reference, scheduled_at
from podlab.api.values import cron, crontimes, times
from podlab.batch.v1 import cronjob_pb2, job_pb2

# More missed times than that look like a clock that is wrong.
MISSED_LIMIT = 100
_TOO_MANY = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
_RUNNING = "Not starting job because prior execution is running and concurrency policy is Forbid"


@dataclass(frozen=True)
class JobStart:
    """A Job that is to be made, in place of those that still run."""

    job: job_pb2.Job
    scheduled: datetime
    instead_of: list[job_pb2.Job] = field(default_factory=list)


@dataclass(frozen=True)
class CronJobPlan:
    """`old` Jobs are more than are kept. Look again after `wait_s`."""

    status: cronjob_pb2.CronJobStatus
    events: list[ObjectEvent] = field(default_factory=list)
    old: list[job_pb2.Job] = field(default_factory=list)
    start: JobStart | None = None
    wait_s: float | None = None


def decide(cron_job: cronjob_pb2.CronJob, jobs: Sequence[job_pb2.Job], now: datetime, zone: tzinfo) -> CronJobPlan:
    """`jobs` are all that it owns, `zone` that of its schedule."""
    status, events = _status(cron_job, jobs)
    plan = CronJobPlan(status, events, _old(cron_job, jobs))
    if cron_job.metadata.HasField("deletionTimestamp") or cron_job.spec.suspend:
        return plan
    schedule = cron.parse(cron_job.spec.schedule)
    coming = crontimes.after(schedule, now, zone)
    wait_s = None if coming is None else max(0.0, (coming - now).total_seconds())
    start, start_events = _start(cron_job, jobs, schedule, now, zone)
    return CronJobPlan(status, [*events, *start_events], plan.old, start, wait_s)


def started(status: cronjob_pb2.CronJobStatus, start: JobStart, job: job_pb2.Job) -> cronjob_pb2.CronJobStatus:
    """The status once the Job has been made."""
    made = cronjob_pb2.CronJobStatus()
    made.CopyFrom(status)
    gone = {one.metadata.uid for one in start.instead_of}
    kept = [one for one in made.active if one.uid not in gone and one.uid != job.metadata.uid]
    del made.active[:]
    made.active.extend([*kept, *([] if end_of(job) else [reference(job)])])
    made.lastScheduleTime.CopyFrom(times.from_datetime(start.scheduled))
    return made


def _status(
    cron_job: cronjob_pb2.CronJob, jobs: Iterable[job_pb2.Job]
) -> tuple[cronjob_pb2.CronJobStatus, list[ObjectEvent]]:
    """As the Jobs are; those that somebody else made are told of and are not among the active ones."""
    by_uid = {job.metadata.uid: job for job in jobs}
    made, events = cronjob_pb2.CronJobStatus(), list[ObjectEvent]()
    made.CopyFrom(cron_job.status)
    del made.active[:]
    for known in cron_job.status.active:
        job = by_uid.pop(known.uid, None)
        if job is None:
            events.append(ObjectEvent("Normal", "MissingJob", f"Active job went missing: {known.name}"))
        elif end := end_of(job):
            events.append(
                ObjectEvent("Normal", "SawCompletedJob", f"Saw completed job: {known.name}, condition: {end}")
            )
        else:
            made.active.append(known)
    for job in by_uid.values():
        if not end_of(job) and scheduled_at(job) is not None:
            made.active.append(reference(job))
        elif not end_of(job):
            message = f"Saw a job that the controller did not create or forgot: {job.metadata.name}"
            events.append(ObjectEvent("Warning", "UnexpectedJob", message))
    for job in jobs:
        if end_of(job) == "Complete" and job.status.completionTime.seconds > made.lastSuccessfulTime.seconds:
            made.lastSuccessfulTime.CopyFrom(job.status.completionTime)
    return made, events


def _start(
    cron_job: cronjob_pb2.CronJob,
    jobs: Sequence[job_pb2.Job],
    schedule: cron.Schedule | cron.Every,
    now: datetime,
    zone: tzinfo,
) -> tuple[JobStart | None, list[ObjectEvent]]:
    """For the last time that has come: those before it are made up for by it, those past the deadline by nothing."""
    spec, since = cron_job.spec, _since(cron_job, jobs)
    if spec.HasField("startingDeadlineSeconds"):
        since = max(since, now - timedelta(seconds=spec.startingDeadlineSeconds))
    scheduled = crontimes.due(schedule, since, now, zone)
    if scheduled is None:
        return None, []
    events: list[ObjectEvent] = []
    if crontimes.more_than(MISSED_LIMIT, schedule, since, now, zone):
        events.append(ObjectEvent("Warning", "TooManyMissedTimes", _TOO_MANY))
    running = [job for job in jobs if not end_of(job) and scheduled_at(job) is not None]
    if running and spec.concurrencyPolicy == "Forbid":
        return None, [*events, ObjectEvent("Normal", "JobAlreadyActive", _RUNNING)]
    replaced = running if spec.concurrencyPolicy == "Replace" else []
    return JobStart(job_for(cron_job, scheduled, zone), scheduled, replaced), events


def _since(cron_job: cronjob_pb2.CronJob, jobs: Iterable[job_pb2.Job]) -> datetime:
    """The last time for which a Job was started, which its status may not tell yet."""
    last = cron_job.status.lastScheduleTime.seconds or cron_job.metadata.creationTimestamp.seconds
    known = [when for job in jobs if (when := scheduled_at(job)) is not None]
    return max([datetime.fromtimestamp(last, UTC), *known])


def _old(cron_job: cronjob_pb2.CronJob, jobs: Iterable[job_pb2.Job]) -> list[job_pb2.Job]:
    """The oldest of those that ended, beyond as many as are kept."""
    spec, found = cron_job.spec, list[job_pb2.Job]()
    for end, limit in (("Complete", spec.successfulJobsHistoryLimit), ("Failed", spec.failedJobsHistoryLimit)):
        ended = [job for job in jobs if end_of(job) == end]
        ended.sort(key=lambda job: (job.status.startTime.seconds, job.metadata.name))
        found += ended[: max(0, len(ended) - limit)]
    return found
