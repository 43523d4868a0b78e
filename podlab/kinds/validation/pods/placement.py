"""What a pod says about nodes: selector, affinity, tolerations."""

from collections.abc import Iterable

from podlab.core.v1 import pod_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")


def check_tolerations(found: Findings, field: str, tolerations: Iterable[pod_pb2.Toleration]) -> None:
    """What each toleration tolerates is well formed."""
    for index, toleration in enumerate(tolerations):
        where = f"{field}[{index}]"
        if toleration.key:
            found.invalid(f"{where}.key", toleration.key, *syntax.qualified_name(toleration.key))
        elif toleration.operator != "Exists":
            rule = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            found.invalid(f"{where}.operator", toleration.operator, rule)
        if toleration.operator in ("", "Equal"):
            found.invalid(f"{where}.operator", toleration.value, *syntax.label_value(toleration.value))
        elif toleration.operator == "Exists":
            if toleration.value:
                found.invalid(
                    f"{where}.operator", toleration.operator, "value must be empty when `operator` is 'Exists'"
                )
        else:
            found.unsupported(f"{where}.operator", toleration.operator, ("Equal", "Exists"))
        if toleration.effect:
            found.one_of(f"{where}.effect", toleration.effect, EFFECTS)
        if toleration.HasField("tolerationSeconds") and toleration.effect != "NoExecute":
            rule = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            found.invalid(f"{where}.effect", toleration.effect, rule)


def check_affinity(found: Findings, field: str, affinity: pod_pb2.Affinity) -> None:
    """Required and preferred nodes."""
    nodes = affinity.nodeAffinity
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    if nodes.HasField("requiredDuringSchedulingIgnoredDuringExecution"):
        selector = nodes.requiredDuringSchedulingIgnoredDuringExecution
        check_node_selector(found, f"{field}.nodeAffinity.{required}", selector)
    preferred = "preferredDuringSchedulingIgnoredDuringExecution"
    for index, preference in enumerate(nodes.preferredDuringSchedulingIgnoredDuringExecution):
        where = f"{field}.nodeAffinity.{preferred}[{index}]"
        if not 1 <= preference.weight <= 100:
            found.invalid(f"{where}.weight", preference.weight, "must be in the range 1-100")
        _check_term(found, f"{where}.preference", preference.preference)


def check_node_selector(found: Findings, field: str, selector: pod_pb2.NodeSelector) -> None:
    """The alternatives of a selector of nodes."""
    if not selector.nodeSelectorTerms:
        found.required(f"{field}.nodeSelectorTerms", "must have at least one node selector term")
    for index, term in enumerate(selector.nodeSelectorTerms):
        _check_term(found, f"{field}.nodeSelectorTerms[{index}]", term)


def _check_term(found: Findings, field: str, term: pod_pb2.NodeSelectorTerm) -> None:
    for index, requirement in enumerate(term.matchExpressions):
        where = f"{field}.matchExpressions[{index}]"
        _check_operator(found, where, requirement)
        found.invalid(f"{where}.key", requirement.key, *syntax.qualified_name(requirement.key))
        for place, value in enumerate(requirement.values):
            found.invalid(f"{where}.values[{place}]", value, *syntax.label_value(value))
    for index, requirement in enumerate(term.matchFields):
        where = f"{field}.matchFields[{index}]"
        found.one_of(f"{where}.key", requirement.key, ("metadata.name",))
        found.one_of(f"{where}.operator", requirement.operator, ("In", "NotIn"))
        if len(requirement.values) != 1:
            found.required(f"{where}.values", "must be only one value when `operator` is 'In' or 'NotIn'")


def _check_operator(found: Findings, field: str, requirement: pod_pb2.NodeSelectorRequirement) -> None:
    operator, values = requirement.operator, requirement.values
    found.one_of(f"{field}.operator", operator, _OPERATORS)
    if operator in ("In", "NotIn") and not values:
        found.required(f"{field}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    if operator in ("Exists", "DoesNotExist") and values:
        found.forbidden(f"{field}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    if operator in ("Gt", "Lt"):
        if len(values) != 1:
            found.required(f"{field}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
        elif not values[0].removeprefix("-").isdigit():
            found.invalid(f"{field}.values[0]", values[0], "must be an integer when `operator` is 'Lt' or 'Gt'")
