"""The Jobs of a CronJob: how they are named and marked, and how they stand."""

from __future__ import annotations

from datetime import datetime, tzinfo

from master.controllers.objects.ownership import reference_to
from podlab.api import kinds
from podlab.api.objects import is_true
from podlab.batch.v1 import cronjob_pb2, job_pb2
from podlab.core.v1 import reference_pb2
from podlab.meta.v1 import meta_pb2

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
"""Annotation of a Job: the time that it was started for."""


def job_name(cron_job: cronjob_pb2.CronJob, scheduled: datetime) -> str:
    """The same whoever starts it, and however often: there is one Job for each minute."""
    return f"{cron_job.metadata.name}-{int(scheduled.timestamp()) // 60}"


def job_for(cron_job: cronjob_pb2.CronJob, scheduled: datetime, zone: tzinfo) -> job_pb2.Job:
    template = cron_job.spec.jobTemplate
    metadata = meta_pb2.ObjectMeta(
        name=job_name(cron_job, scheduled),
        namespace=cron_job.metadata.namespace,
        labels=template.metadata.labels,
        annotations=template.metadata.annotations,
        ownerReferences=[reference_to(cron_job)],
    )
    metadata.annotations[SCHEDULED] = scheduled.astimezone(zone).isoformat(timespec="seconds").replace("+00:00", "Z")
    return job_pb2.Job(metadata=metadata, spec=template.spec)


def scheduled_at(job: job_pb2.Job) -> datetime | None:
    """The time that it was started for; None for a Job that somebody else made."""
    try:
        found = datetime.fromisoformat(job.metadata.annotations.get(SCHEDULED, ""))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def end_of(job: job_pb2.Job) -> str:
    """Complete or Failed; empty while it runs."""
    return next((end for end in ("Complete", "Failed") if is_true(job.status.conditions, end)), "")


def reference(job: job_pb2.Job) -> reference_pb2.ObjectReference:
    metadata, kind = job.metadata, kinds.of(job)
    return reference_pb2.ObjectReference(
        kind=kind.name,
        namespace=metadata.namespace,
        name=metadata.name,
        uid=metadata.uid,
        apiVersion=kind.api_version,
        resourceVersion=metadata.resourceVersion,
    )
