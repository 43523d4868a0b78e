"""Which requests somebody wants to see: resources, selectors, conditions, as policies and webhooks say them."""

from collections.abc import Callable, Iterable, Sequence

from podlab.admissionregistration.v1 import matching_pb2
from podlab.cel.compiler import Program
from podlab.cel.values import CompileError
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_selector

_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES = ("*", "Cluster", "Namespaced")
_MATCH_POLICIES = ("Equivalent", "Exact")
_MOST_CONDITIONS = 64


def check_match_resources(found: Findings, field: str, match: matching_pb2.MatchResources) -> None:
    """All of it."""
    found.one_of(f"{field}.matchPolicy", match.matchPolicy, _MATCH_POLICIES)
    check_selector(found, f"{field}.namespaceSelector", match.namespaceSelector)
    check_selector(found, f"{field}.objectSelector", match.objectSelector)
    for name, rules in (("resourceRules", match.resourceRules), ("excludeResourceRules", match.excludeResourceRules)):
        for index, named in enumerate(rules):
            at = f"{field}.{name}[{index}]"
            _check_names(found, f"{at}.resourceNames", named.resourceNames)
            check_rule(found, at, named.ruleWithOperations)


def check_rule(found: Findings, field: str, rule: matching_pb2.RuleWithOperations) -> None:
    """Operations on resources."""
    _check_all_or_some(found, f"{field}.operations", rule.operations, "operations")
    for index, operation in enumerate(rule.operations):
        if operation not in _OPERATIONS:
            found.unsupported(f"{field}.operations[{index}]", operation, _OPERATIONS)
    resources = rule.rule
    _check_all_or_some(found, f"{field}.apiGroups", resources.apiGroups, "API groups")
    _check_all_or_some(found, f"{field}.apiVersions", resources.apiVersions, "API versions")
    for index, version in enumerate(resources.apiVersions):
        if not version:
            found.required(f"{field}.apiVersions[{index}]")
    _check_resources(found, f"{field}.resources", resources.resources)
    if resources.scope not in _SCOPES:
        found.unsupported(f"{field}.scope", resources.scope, _SCOPES)


def check_conditions(
    found: Findings, field: str, conditions: Sequence[matching_pb2.MatchCondition], compiled: Callable[[str], Program]
) -> None:
    """Names differ, and expressions are true or false."""
    found.too_many(field, len(conditions), _MOST_CONDITIONS)
    known: set[str] = set()
    for index, condition in enumerate(conditions):
        at, expression = f"{field}[{index}]", condition.expression.strip()
        if expression:
            check_expression(found, f"{at}.expression", expression, compiled, ("BOOL",))
        else:
            found.required(f"{at}.expression")
        if not condition.name:
            found.required(f"{at}.name")
            continue
        found.invalid(f"{at}.name", condition.name, *syntax.qualified_name(condition.name))
        if condition.name in known:
            found.duplicate(f"{at}.name", condition.name)
        known.add(condition.name)


_WORDS = {
    "BOOL": "bool",
    "STRING": "string",
    "NULL": "null_type",
    "Object": "Object",
    "LIST<JSONPatch>": "list(JSONPatch)",
}


def check_expression(
    found: Findings, field: str, expression: str, compiled: Callable[[str], Program], wanted: tuple[str, ...]
) -> None:
    """It compiles, to just one of the types."""
    try:
        program = compiled(expression)
    except CompileError as e:
        found.invalid(field, expression, f"compilation failed: {e}")
        return
    if program.result_type not in wanted:
        types = " ".join(_WORDS[one] for one in wanted)
        found.invalid(field, expression, f"must evaluate to {types if len(wanted) == 1 else f'one of [{types}]'}")


def _check_names(found: Findings, field: str, names: Iterable[str]) -> None:
    known: set[str] = set()
    for index, name in enumerate(names):
        found.invalid(f"{field}[{index}]", name, *syntax.path_segment(name))
        if name in known:
            found.duplicate(f"{field}[{index}]", name)
        known.add(name)


def _check_all_or_some(found: Findings, field: str, values: Sequence[str], what: str) -> None:
    if not values:
        found.required(field)
    elif len(values) > 1 and "*" in values:
        found.invalid(field, list(values), f"if '*' is present, must not specify other {what}")


def _check_resources(found: Findings, field: str, resources: Sequence[str]) -> None:
    if not resources:
        found.required(field)
    everywhere: set[str] = set()
    whole: set[str] = set()
    for index, named in enumerate(resources):
        at = f"{field}[{index}]"
        resource, slash, subresource = named.partition("/")
        if not named:
            found.required(at)
        elif named == "*/*":
            everywhere.add("*")
        elif slash and resource in whole:
            found.invalid(at, named, f"if '{resource}/*' is present, must not specify {named}")
        elif slash and subresource in everywhere:
            found.invalid(at, named, f"if '*/{subresource}' is present, must not specify {named}")
        elif subresource == "*":
            whole.add(resource)
        elif resource == "*" and slash:
            everywhere.add(subresource)
    if len(resources) > 1 and "*/*" in resources:
        found.invalid(field, list(resources), "if '*/*' is present, must not specify other resources")
    elif len(resources) > 1 and "*" in resources and any("/" not in one for one in resources if one != "*"):
        told = "if '*' is present, must not specify other resources without subresources"
        found.invalid(field, list(resources), told)
