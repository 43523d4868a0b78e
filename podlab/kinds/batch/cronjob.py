"""The kind CronJob."""

from collections.abc import Iterator
from datetime import datetime

from podlab.api.cells import NONE, UNSET, Cells, Table, age, containers, selector
from podlab.api.kinds import of
from podlab.api.values import times
from podlab.batch.v1 import cronjob_pb2
from podlab.batch.v1.cronjob_pb2 import CronJob
from podlab.kinds.defaults.jobs import apply_to_job_spec
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS

_WIDE = ("CONTAINERS", "IMAGES", "SELECTOR")
_CRON_JOBS = "NAME|SCHEDULE|TIMEZONE|SUSPEND|ACTIVE|LAST SCHEDULE|AGE"
_SUCCEEDED_KEPT = 3
_FAILED_KEPT = 1


def _cells(item: CronJob, now: datetime) -> Cells:
    spec, status = item.spec, item.status
    template = spec.jobTemplate.spec
    return [
        item.metadata.name,
        spec.schedule,
        spec.timeZone if spec.HasField("timeZone") else NONE,
        str(spec.suspend) if spec.HasField("suspend") else UNSET,
        str(len(status.active)),
        times.age(status.lastScheduleTime, now) if status.HasField("lastScheduleTime") else NONE,
        age(item, now),
        *containers(template.template.spec),
        selector(template.selector),
    ]


def _set_defaults(item: cronjob_pb2.CronJob) -> None:
    """Its template gets only what is not decided for each Job."""
    spec = item.spec
    spec.concurrencyPolicy = spec.concurrencyPolicy or "Allow"
    if not spec.HasField("suspend"):
        spec.suspend = False
    if not spec.HasField("successfulJobsHistoryLimit"):
        spec.successfulJobsHistoryLimit = _SUCCEEDED_KEPT
    if not spec.HasField("failedJobsHistoryLimit"):
        spec.failedJobsHistoryLimit = _FAILED_KEPT
    apply_to_job_spec(spec.jobTemplate.spec)


def _warnings(item: CronJob) -> Iterator[str]:
    from podlab.kinds.warnings import pods

    yield from pods.of(item.spec.jobTemplate.spec.template, "spec.jobTemplate.spec.template")


def _strategy() -> Strategy:
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.workloads import cronjobs
    from podlab.kinds.warnings import moments

    return Strategy(
        counts_generations=True,
        set_defaults=_set_defaults,
        rules=Rules(cronjobs.check_cron_job),
        warn=moments.of_template(_warnings),
    )


RESOURCE = Resource(
    of(CronJob),
    subresources=(STATUS,),
    table=Table(
        _cells,
        (*_CRON_JOBS.split("|"), *_WIDE),
        frozenset(_WIDE),
        types={"SUSPEND": "boolean", "ACTIVE": "integer"},
        untold={"SUSPEND": str},
    ),
    load_strategy=_strategy,
)
