"""PodDisruptionBudgets."""

from podlab.kinds.validation import syntax
from podlab.kinds.validation.conditions import check_conditions
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_selector
from podlab.kinds.validation.workloads import deployments
from podlab.policy.v1 import poddisruptionbudget_pb2

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
    check_conditions(found, "status.conditions", status.conditions)
