"""The kind Job."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age, containers, selector
from podlab.api.jobstate import job_state
from podlab.api.kinds import of
from podlab.api.values import times
from podlab.batch.v1 import job_pb2
from podlab.batch.v1.job_pb2 import Job
from podlab.kinds.defaults.jobs import apply_to_job_spec
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS

_WIDE = ("CONTAINERS", "IMAGES", "SELECTOR")
_BACKOFF_LIMIT = 6
# Where each index has a limit of its own, that of the whole Job bounds nothing.
_NO_LIMIT = 2**31 - 1


def _cells(item: Job, now: datetime) -> Cells:
    wide = (*containers(item.spec.template.spec), selector(item.spec.selector))
    return [item.metadata.name, job_state(item), _completions(item), _duration(item, now), age(item, now), *wide]


def _completions(item: Job) -> str:
    if item.spec.HasField("completions"):
        return f"{item.status.succeeded}/{item.spec.completions}"
    parallel = f" of {item.spec.parallelism}" if item.spec.parallelism > 1 else ""
    return f"{item.status.succeeded}/1{parallel}"


def _duration(item: Job, now: datetime) -> str:
    status = item.status
    if not status.HasField("startTime"):
        return ""
    end = times.to_datetime(status.completionTime) if status.HasField("completionTime") else now
    return times.duration((end - times.to_datetime(status.startTime)).total_seconds())


def _set_defaults(item: job_pb2.Job) -> None:
    """A Job of one pod, unless its author says more."""
    spec = item.spec
    if not spec.HasField("completions") and not spec.HasField("parallelism"):
        spec.completions = 1
    if not spec.HasField("parallelism"):
        spec.parallelism = 1
    if not spec.HasField("backoffLimit"):
        spec.backoffLimit = _NO_LIMIT if spec.HasField("backoffLimitPerIndex") else _BACKOFF_LIMIT
    if not item.metadata.labels:
        item.metadata.labels.update(spec.template.metadata.labels)
    if not spec.HasField("completionMode"):
        spec.completionMode = "NonIndexed"
    if not spec.HasField("suspend"):
        spec.suspend = False
    if not spec.HasField("podReplacementPolicy"):
        spec.podReplacementPolicy = "Failed" if spec.HasField("podFailurePolicy") else "TerminatingOrFailed"
    if not spec.HasField("manualSelector"):
        spec.manualSelector = False
    apply_to_job_spec(spec)


def _strategy() -> Strategy:
    from podlab.kinds.strategies import jobs as hooks
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.workloads import jobs, jobstatus
    from podlab.kinds.warnings import moments

    return Strategy(
        prepare_for_create=hooks.begin,
        counts_generations=True,
        orphans=True,
        set_defaults=_set_defaults,
        rules=Rules(jobs.check_job, jobs.check_job_update, jobstatus.check_job_status),
        warn=moments.of_template(),
    )


RESOURCE = Resource(
    of(Job),
    subresources=(STATUS,),
    table=Table(_cells, ("NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE", *_WIDE), frozenset(_WIDE)),
    selectable_fields=("status.successful",),
    load_strategy=_strategy,
)
