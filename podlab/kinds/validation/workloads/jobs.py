"""Jobs: what they ask for, and what of it may change."""

from podlab.api.selection import selectors
from podlab.api.selection.labels import CONTROLLER_UID, JOB_NAME, LEGACY_CONTROLLER_UID, LEGACY_JOB_NAME
from podlab.batch.v1 import job_pb2
from podlab.core.v1 import pod_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_selector
from podlab.kinds.validation.pods.pod import check_template
from podlab.kinds.validation.workloads import deployments
from podlab.kinds.validation.workloads.jobpolicies import check_failure_policy, check_success_policy

_COUNTS = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished")
_IMMUTABLE = (
    "selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy",
)  # fmt: skip
_MANAGER_LENGTH = 63
_PARALLELISM_MAX = 100_000
_FAILED_INDEXES_MAX = 100_000
# With more completions than that, and a limit for each index, these are smaller.
_MANY_COMPLETIONS = 100_000
_PARALLELISM_OF_MANY = 10_000
_FAILED_INDEXES_OF_MANY = 10_000


def check_job(found: Findings, job: job_pb2.Job) -> None:
    """A Job, whichever way it comes; its selector has been made."""
    spec = job.spec
    _check_generated(found, job)
    check_job_spec(found, "spec", spec)
    if not spec.HasField("selector"):
        found.required("spec.selector")
        return
    check_selector(found, "spec.selector", spec.selector)
    labels = dict(spec.template.metadata.labels)
    if _readable(spec) and not selectors.from_message(spec.selector).matches(labels):
        found.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    if spec.completionMode == "Indexed" and spec.completions > 0:
        last = f"{job.metadata.name}-{spec.completions - 1}"
        if syntax.label(last):
            rule = f"will not able to create pod with invalid DNS label: {last}"
            found.invalid("metadata.name", job.metadata.name, rule)


def _check_generated(found: Findings, job: job_pb2.Job) -> None:
    """Unless its author answers for them, selector and labels are those that no other Job can have."""
    if job.spec.manualSelector or not job.spec.HasField("selector"):
        return
    labels = job.spec.template.metadata.labels
    wanted = {
        LEGACY_CONTROLLER_UID: job.metadata.uid,
        LEGACY_JOB_NAME: job.metadata.name,
        CONTROLLER_UID: job.metadata.uid,
        JOB_NAME: job.metadata.name,
    }
    for key, value in wanted.items():
        if key not in labels:
            found.required(f"spec.template.metadata.labels[{key}]", f"must be '{value}'")
        elif labels[key] != value:
            found.invalid(f"spec.template.metadata.labels[{key}]", dict(labels), f"must be '{value}'")
    if _readable(job.spec) and not selectors.from_message(job.spec.selector).matches(wanted):
        found.invalid("spec.selector", dict(job.spec.selector.matchLabels), "`selector` not auto-generated")


def _readable(spec: job_pb2.JobSpec) -> bool:
    findings = Findings()
    check_selector(findings, "", spec.selector)
    return not findings.causes


def check_job_spec(found: Findings, field: str, spec: job_pb2.JobSpec) -> None:
    """What a Job and a CronJob's template have alike."""
    deployments.check_counts(found, field, spec, *_COUNTS, "backoffLimitPerIndex", "maxFailedIndexes")
    if spec.HasField("maxFailedIndexes") and not spec.HasField("backoffLimitPerIndex"):
        found.required(f"{field}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    if spec.HasField("managedBy"):
        found.invalid(f"{field}.managedBy", spec.managedBy, *syntax.domain_prefixed_path(spec.managedBy))
        if len(spec.managedBy) > _MANAGER_LENGTH:
            found.too_long(f"{field}.managedBy", _MANAGER_LENGTH)
    _check_mode(found, field, spec)
    if spec.HasField("podFailurePolicy"):
        check_failure_policy(found, f"{field}.podFailurePolicy", spec)
    if spec.HasField("successPolicy"):
        if spec.completionMode == "Indexed":
            check_success_policy(found, f"{field}.successPolicy", spec)
        else:
            found.invalid(f"{field}.successPolicy", {}, "requires indexed completion mode")
    if spec.HasField("podReplacementPolicy"):
        choices = ("Failed",) if spec.HasField("podFailurePolicy") else ("Failed", "TerminatingOrFailed")
        if spec.podReplacementPolicy not in choices:
            found.unsupported(f"{field}.podReplacementPolicy", spec.podReplacementPolicy, choices)
    check_template(found, f"{field}.template", spec.template)
    _check_restarts(found, f"{field}.template.spec.restartPolicy", spec)


def _check_restarts(found: Findings, field: str, spec: job_pb2.JobSpec) -> None:
    policy = spec.template.spec.restartPolicy
    if policy in ("", "Always"):
        found.required(field, 'valid values: "OnFailure", "Never"')
    elif spec.HasField("podFailurePolicy") and policy == "OnFailure":
        found.invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified')


def _check_mode(found: Findings, field: str, spec: job_pb2.JobSpec) -> None:
    if spec.HasField("completionMode") and spec.completionMode not in ("NonIndexed", "Indexed"):
        found.unsupported(f"{field}.completionMode", spec.completionMode, ("NonIndexed", "Indexed"))
    if spec.completionMode == "Indexed":
        _check_indexed(found, field, spec)
    elif spec.completionMode in ("", "NonIndexed"):
        for name in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if spec.HasField(name):
                found.invalid(f"{field}.{name}", getattr(spec, name), "requires indexed completion mode")


def _check_indexed(found: Findings, field: str, spec: job_pb2.JobSpec) -> None:
    failures, parallelism = f"{field}.maxFailedIndexes", f"{field}.parallelism"
    if not spec.HasField("completions"):
        found.required(f"{field}.completions", "when completion mode is Indexed")
    elif spec.maxFailedIndexes > spec.completions:
        found.invalid(failures, spec.maxFailedIndexes, "must be less than or equal to completions")
    if spec.parallelism > _PARALLELISM_MAX:
        rule = f"must be less than or equal to {_PARALLELISM_MAX} when completion mode is Indexed"
        found.invalid(parallelism, spec.parallelism, rule)
    if spec.maxFailedIndexes > _FAILED_INDEXES_MAX:
        found.invalid(failures, spec.maxFailedIndexes, f"must be less than or equal to {_FAILED_INDEXES_MAX}")
    if spec.completions <= _MANY_COMPLETIONS or not spec.HasField("backoffLimitPerIndex"):
        return
    rule = (
        "must be less than or equal to {} "
        f"when completions are above {_MANY_COMPLETIONS} and used with backoff limit per index"
    )
    if not spec.HasField("maxFailedIndexes"):
        found.required(failures, f"must be specified when completions is above {_MANY_COMPLETIONS}")
    if spec.parallelism > _PARALLELISM_OF_MANY:
        found.invalid(parallelism, spec.parallelism, rule.format(_PARALLELISM_OF_MANY))
    if spec.maxFailedIndexes > _FAILED_INDEXES_OF_MANY:
        found.invalid(failures, spec.maxFailedIndexes, rule.format(_FAILED_INDEXES_OF_MANY))


def check_job_update(found: Findings, new: job_pb2.Job, old: job_pb2.Job) -> None:
    """Pods were made from most of it. One that has not begun may still be sent to other nodes."""
    _check_completions(found, new.spec, old.spec)
    for name in _IMMUTABLE:
        if _given(new.spec, name) != _given(old.spec, name):
            value = getattr(new.spec, name)
            found.invalid(f"spec.{name}", value if isinstance(value, str | int) else {}, "field is immutable")
    kept = old.spec.template
    if old.spec.suspend and not old.status.HasField("startTime"):
        kept = _with_directives(kept, new.spec.template)
    found.immutable("spec.template", new.spec.template, kept, {})


def _given(spec: job_pb2.JobSpec, name: str) -> object:
    return next((value for field, value in spec.ListFields() if field.name == name), None)


def _check_completions(found: Findings, new: job_pb2.JobSpec, old: job_pb2.JobSpec) -> None:
    """Those of an Indexed Job may change together with its parallelism."""
    if _given(new, "completions") == _given(old, "completions"):
        return
    if new.completionMode != "Indexed":
        found.invalid("spec.completions", new.completions, "field is immutable")
    elif new.HasField("completions") and new.completions != new.parallelism:
        found.invalid("spec.completions", new.completions, "can only be modified in tandem with spec.parallelism")


def _with_directives(old: pod_pb2.PodTemplateSpec, new: pod_pb2.PodTemplateSpec) -> pod_pb2.PodTemplateSpec:
    """The old template with what the new one says of where pods go."""
    made = pod_pb2.PodTemplateSpec()
    made.CopyFrom(old)
    for kept, wanted in (
        (made.spec.nodeSelector, new.spec.nodeSelector),
        (made.metadata.labels, new.metadata.labels),
        (made.metadata.annotations, new.metadata.annotations),
    ):
        kept.clear()
        kept.update(wanted)
    made.spec.ClearField("tolerations")
    made.spec.tolerations.extend(new.spec.tolerations)
    made.spec.affinity.ClearField("nodeAffinity")
    if new.spec.affinity.HasField("nodeAffinity"):
        made.spec.affinity.nodeAffinity.CopyFrom(new.spec.affinity.nodeAffinity)
    if not new.spec.HasField("affinity") and not made.spec.affinity.ListFields():
        made.spec.ClearField("affinity")
    return made
