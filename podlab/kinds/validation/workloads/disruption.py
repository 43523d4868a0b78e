"""PodDisruptionBudgets."""

from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_selector
from podlab.kinds.validation.workloads import deployments
from podlab.meta.v1 import meta_pb2
from podlab.policy.v1 import poddisruptionbudget_pb2

_STATUSES = ("False", "True", "Unknown")
_POLICIES = ("AlwaysAllow", "IfHealthyBudget")


def check_budget(found: Findings, item: poddisruptionbudget_pb2.PodDisruptionBudget) -> None:
    """A PodDisruptionBudget, whichever way it comes."""
    spec = item.spec
    if spec.HasField("minAvailable") and spec.HasField("maxUnavailable"):
        found.invalid("spec", {}, "minAvailable and maxUnavailable cannot be both set")
    if spec.HasField("minAvailable"):
        deployments.amount(found, "spec.minAvailable", spec.minAvailable, most_percent=100)
    if spec.HasField("maxUnavailable"):
        deployments.amount(found, "spec.maxUnavailable", spec.maxUnavailable, most_percent=100)
    check_selector(found, "spec.selector", spec.selector)
    if spec.HasField("unhealthyPodEvictionPolicy") and spec.unhealthyPodEvictionPolicy not in _POLICIES:
        found.unsupported("spec.unhealthyPodEvictionPolicy", spec.unhealthyPodEvictionPolicy, _POLICIES)


def check_budget_status(found: Findings, item: poddisruptionbudget_pb2.PodDisruptionBudget) -> None:
    """What its controller counts, and pods that were evicted."""
    status = item.status
    deployments.check_counts(
        found, "status", status, "disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"
    )
    for name in status.disruptedPods:
        found.invalid("status.disruptedPods", name, *syntax.subdomain(name))
    for index, condition in enumerate(status.conditions):
        _check_condition(found, f"status.conditions[{index}]", condition)


def _check_condition(found: Findings, where: str, condition: meta_pb2.Condition) -> None:
    found.invalid(f"{where}.type", condition.type, *syntax.qualified_name(condition.type))
    if condition.status not in _STATUSES:
        found.unsupported(f"{where}.status", condition.status, _STATUSES)
    found.at_least(f"{where}.observedGeneration", condition.observedGeneration, 0)
    if not condition.HasField("lastTransitionTime"):
        found.required(f"{where}.lastTransitionTime", "must be set")
    if not condition.reason:
        found.required(f"{where}.reason", "must be set")
