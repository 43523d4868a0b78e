"""CronJobs."""

from functools import lru_cache
from zoneinfo import ZoneInfo

from podlab.api.values import cron
from podlab.batch.v1 import cronjob_pb2
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_annotations, check_labels
from podlab.kinds.validation.workloads import deployments
from podlab.kinds.validation.workloads.jobs import check_job_spec

_POLICIES = ("Allow", "Forbid", "Replace")
# A Job's name is that of its CronJob and eleven characters more.
_NAME_LENGTH = 52


def check_cron_job(found: Findings, item: cronjob_pb2.CronJob) -> None:
    """A CronJob, whichever way it comes."""
    spec = item.spec
    if len(item.metadata.name) > _NAME_LENGTH:
        found.invalid("metadata.name", item.metadata.name, f"must be no more than {_NAME_LENGTH} characters")
    _check_schedule(found, spec.schedule)
    if spec.HasField("timeZone"):
        _check_zone(found, spec.timeZone)
    deployments.check_counts(
        found, "spec", spec, "startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"
    )
    if not spec.concurrencyPolicy:
        found.required("spec.concurrencyPolicy")
    elif spec.concurrencyPolicy not in _POLICIES:
        found.unsupported("spec.concurrencyPolicy", spec.concurrencyPolicy, _POLICIES)
    _check_job_template(found, "spec.jobTemplate", spec.jobTemplate)


def _check_schedule(found: Findings, schedule: str) -> None:
    if not schedule:
        found.required("spec.schedule")
    elif "TZ" in schedule:
        rule = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        found.invalid("spec.schedule", schedule, rule)
    else:
        try:
            cron.parse(schedule)
        except ValueError as error:
            found.invalid("spec.schedule", schedule, str(error))


def _check_zone(found: Findings, zone: str) -> None:
    if not zone:
        found.invalid("spec.timeZone", zone, "timeZone must be nil or non-empty string")
    elif zone.lower() == "local":
        rule = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        found.invalid("spec.timeZone", zone, rule)
    elif not _is_zone(zone):
        found.invalid("spec.timeZone", zone, f"unknown time zone {zone}")


@lru_cache(256)
def _is_zone(name: str) -> bool:
    """Whether the host's time zones (Debian's tzdata) know it."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not there, no name of one, or a directory
        return False
    return True


def _check_job_template(found: Findings, field: str, template: cronjob_pb2.JobTemplateSpec) -> None:
    check_labels(found, f"{field}.metadata.labels", template.metadata.labels)
    check_annotations(found, f"{field}.metadata.annotations", template.metadata.annotations)
    check_job_spec(found, f"{field}.spec", template.spec)
    if template.spec.HasField("selector"):
        found.invalid(f"{field}.spec.selector", {}, "`selector` will be auto-generated")
    if template.spec.manualSelector:
        found.unsupported(f"{field}.spec.manualSelector", "true", ("nil", "false"))
