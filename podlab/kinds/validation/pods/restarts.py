"""When containers are started anew, each by a policy and rules of its own.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-restart-rules
"""

from podlab.core.v1 import pod_pb2
from podlab.kinds.validation.findings import Findings

RESTART_POLICIES = ("Always", "Never", "OnFailure")
_OPERATORS = ("In", "NotIn")
_MOST_RULES, _MOST_CODES = 20, 255


def check_restart_rules(found: Findings, field: str, container: pod_pb2.Container) -> None:
    """Rules stand before a policy of the container, which they need."""
    where = f"{field}.restartPolicyRules"
    if container.restartPolicyRules and not container.HasField("restartPolicy"):
        found.required(f"{field}.restartPolicy", "must specify restartPolicy when restart rules are used")
    if len(container.restartPolicyRules) > _MOST_RULES:
        found.too_many(where, len(container.restartPolicyRules), _MOST_RULES)
    for index, rule in enumerate(container.restartPolicyRules):
        _check_rule(found, f"{where}[{index}]", rule)


def _check_rule(found: Findings, field: str, rule: pod_pb2.ContainerRestartRule) -> None:
    if rule.action != "Restart":
        found.unsupported(f"{field}.action", rule.action, ("Restart",))
    if not rule.HasField("exitCodes"):
        found.required(f"{field}.exitCodes", "must be specified")
        return
    if rule.exitCodes.operator not in _OPERATORS:
        found.unsupported(f"{field}.exitCodes.operator", rule.exitCodes.operator, _OPERATORS)
    if len(rule.exitCodes.values) > _MOST_CODES:
        found.too_many(f"{field}.exitCodes.values", len(rule.exitCodes.values), _MOST_CODES)
