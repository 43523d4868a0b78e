"""What Jobs say about pods that fail in certain ways, and about when enough of them have succeeded."""

from collections.abc import Sequence

from podlab.api.selection import indexes
from podlab.batch.v1 import job_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings

_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")
_RULES_MAX = 20
_PATTERNS_MAX = 20
_EXIT_CODES_MAX = 255
_INDEXES_BYTES = 64 << 10


def check_failure_policy(found: Findings, field: str, spec: job_pb2.JobSpec) -> None:
    """The podFailurePolicy of a Job that has one."""
    rules = spec.podFailurePolicy.rules
    found.too_many(f"{field}.rules", len(rules), _RULES_MAX)
    names = {one.name for one in (*spec.template.spec.containers, *spec.template.spec.initContainers)}
    for index, rule in enumerate(rules):
        where = f"{field}.rules[{index}]"
        if rule.action == "FailIndex":
            if not spec.HasField("backoffLimitPerIndex"):
                found.invalid(f"{where}.action", rule.action, "requires the backoffLimitPerIndex to be set")
        else:
            _check_choice(found, f"{where}.action", rule.action, _ACTIONS)
        if rule.HasField("onExitCodes"):
            _check_exit_codes(found, f"{where}.onExitCodes", rule.onExitCodes, names)
        _check_patterns(found, f"{where}.onPodConditions", rule.onPodConditions)
        if rule.HasField("onExitCodes") and rule.onPodConditions:
            found.breaks(where, "specifying both OnExitCodes and OnPodConditions is not supported")
        elif not rule.HasField("onExitCodes") and not rule.onPodConditions:
            found.breaks(where, "specifying one of OnExitCodes and OnPodConditions is required")


def _check_choice(found: Findings, field: str, value: str, choices: Sequence[str]) -> None:
    if not value:
        known = " ".join(f'"{one}"' for one in choices)
        found.required(field, f"valid values: [{known}]")
    elif value not in choices:
        found.unsupported(field, value, choices)


def _check_exit_codes(
    found: Findings, field: str, codes: job_pb2.PodFailurePolicyOnExitCodesRequirement, containers: set[str]
) -> None:
    _check_choice(found, f"{field}.operator", codes.operator, _OPERATORS)
    if codes.HasField("containerName") and codes.containerName not in containers:
        rule = "must be one of the container or initContainer names in the pod template"
        found.invalid(f"{field}.containerName", codes.containerName, rule)
    values = list(codes.values)
    if not values:
        found.invalid(f"{field}.values", values, "at least one value is required")
    found.too_many(f"{field}.values", len(values), _EXIT_CODES_MAX)
    for index, code in enumerate(values[:_EXIT_CODES_MAX]):
        if codes.operator == "In" and code == 0:
            found.invalid(f"{field}.values[{index}]", code, "must not be 0 for the In operator")
        if code in values[:index]:
            found.duplicate(f"{field}.values[{index}]", code)
    if values != sorted(values):
        found.invalid(f"{field}.values", values, "must be ordered")


def _check_patterns(
    found: Findings, field: str, patterns: Sequence[job_pb2.PodFailurePolicyOnPodConditionsPattern]
) -> None:
    found.too_many(field, len(patterns), _PATTERNS_MAX)
    for index, pattern in enumerate(patterns):
        found.invalid(f"{field}[{index}].type", pattern.type, *syntax.qualified_name(pattern.type))
        _check_choice(found, f"{field}[{index}].status", pattern.status, _STATUSES)


def check_success_policy(found: Findings, field: str, spec: job_pb2.JobSpec) -> None:
    """The successPolicy of an Indexed Job that has one."""
    rules = spec.successPolicy.rules
    if not rules:
        found.required(f"{field}.rules", "at least one rules must be specified when the successPolicy is specified")
    found.too_many(f"{field}.rules", len(rules), _RULES_MAX)
    for index, rule in enumerate(rules):
        _check_success_rule(found, f"{field}.rules[{index}]", rule, spec.completions)


def _check_success_rule(found: Findings, where: str, rule: job_pb2.SuccessPolicyRule, completions: int) -> None:
    named: int | None = None
    if not rule.HasField("succeededCount") and not rule.HasField("succeededIndexes"):
        found.required(where, "at least one of succeededCount or succeededIndexes must be specified")
    if rule.HasField("succeededIndexes"):
        if len(rule.succeededIndexes) > _INDEXES_BYTES:
            found.too_long(f"{where}.succeededIndexes", _INDEXES_BYTES)
        else:
            named = check_indexes(found, where, "succeededIndexes", rule.succeededIndexes, completions)
    if not rule.HasField("succeededCount"):
        return
    count, field = rule.succeededCount, f"{where}.succeededCount"
    found.at_least(field, count, 0)
    bounds = [(completions, "specified completions")]
    if named is not None:
        bounds.append((named, "indexes in the specified succeededIndexes field"))
    for bound, what in bounds:
        if count > bound:
            found.invalid(field, count, f"must be less than or equal to {bound} (the number of {what})")


def check_indexes(found: Findings, where: str, name: str, text: str, completions: int) -> int | None:
    """How many indexes the text names; None, and a finding, when it cannot be read."""
    try:
        return sum(map(len, indexes.parse(text, completions)))
    except ValueError as error:
        found.invalid(f"{where}.{name}", text, f"error parsing {name}: {error}")
        return None
