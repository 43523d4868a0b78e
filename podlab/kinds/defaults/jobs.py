"""Defaults of Jobs and CronJobs."""

from podlab.batch.v1 import cronjob_pb2, job_pb2
from podlab.kinds.defaults.pod import apply_to_spec

_BACKOFF_LIMIT = 6
# Where each index has a limit of its own, that of the whole Job bounds nothing.
_NO_LIMIT = 2**31 - 1
_SUCCEEDED_KEPT = 3
_FAILED_KEPT = 1


def job(item: job_pb2.Job) -> None:
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
    _template(spec)


def cron_job(item: cronjob_pb2.CronJob) -> None:
    """Its template gets only what is not decided for each Job."""
    spec = item.spec
    spec.concurrencyPolicy = spec.concurrencyPolicy or "Allow"
    if not spec.HasField("suspend"):
        spec.suspend = False
    if not spec.HasField("successfulJobsHistoryLimit"):
        spec.successfulJobsHistoryLimit = _SUCCEEDED_KEPT
    if not spec.HasField("failedJobsHistoryLimit"):
        spec.failedJobsHistoryLimit = _FAILED_KEPT
    _template(spec.jobTemplate.spec)


def _template(spec: job_pb2.JobSpec) -> None:
    for rule in spec.podFailurePolicy.rules:
        for pattern in rule.onPodConditions:
            pattern.status = pattern.status or "True"
    apply_to_spec(spec.template.spec)
