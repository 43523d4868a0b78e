"""FlowSchemas and PriorityLevelConfigurations: who waits how for a turn."""

from __future__ import annotations

import math
from collections.abc import Sequence

from podlab.flowcontrol.v1 import flowschema_pb2 as schemas
from podlab.flowcontrol.v1 import prioritylevelconfiguration_pb2 as levels
from podlab.kinds.defaults import priorities
from podlab.kinds.defaults.priorities import ALL
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings

_METHODS = ("ByNamespace", "ByUser")
_SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
_MOST_PRECEDENCE = 10000
_MOST_QUEUES = 10_000_000
_HASH_BITS = 60  # of which flows choose their queues
_FIXED_SCHEMAS = {one.metadata.name: one.spec for one in priorities.MANDATORY_SCHEMAS}
_FIXED_LEVELS = {one.metadata.name: one.spec for one in priorities.MANDATORY_LEVELS}


def check_schema(found: Findings, schema: schemas.FlowSchema) -> None:
    """A FlowSchema, whichever way it comes."""
    spec, name = schema.spec, schema.metadata.name
    _check_precedence(found, name, spec.matchingPrecedence)
    if spec.HasField("distinguisherMethod") and spec.distinguisherMethod.type not in _METHODS:
        found.unsupported("spec.distinguisherMethod.type", spec.distinguisherMethod.type, _METHODS)
    level = spec.priorityLevelConfiguration.name
    if level:
        found.invalid("spec.priorityLevelConfiguration.name", level, *syntax.subdomain(level))
    else:
        found.required("spec.priorityLevelConfiguration.name", "must reference a priority level")
    for index, rule in enumerate(spec.rules):
        _check_rule(found, f"spec.rules[{index}]", rule)
    if name in _FIXED_SCHEMAS and spec != _FIXED_SCHEMAS[name]:
        found.invalid("spec", None, f"spec of '{name}' must equal the fixed value")


def check_level(found: Findings, level: levels.PriorityLevelConfiguration) -> None:
    """A PriorityLevelConfiguration, whichever way it comes."""
    spec, name = level.spec, level.metadata.name
    if (name == priorities.EXEMPT) != (spec.type == "Exempt"):
        found.invalid("spec.type", spec.type, "type must be 'Exempt' if and only if name is 'exempt'")
    if spec.type == "Exempt":
        if spec.HasField("limited"):
            found.forbidden("spec.limited", "must be nil if the type is not Limited")
        _check_share(found, "spec.exempt", spec.exempt)
    elif spec.type == "Limited":
        if spec.HasField("exempt"):
            found.forbidden("spec.exempt", "must be nil if the type is Limited")
        if spec.HasField("limited"):
            _check_limited(found, "spec.limited", spec.limited)
        else:
            found.required("spec.limited", "must not be empty when type is Limited")
    else:
        found.unsupported("spec.type", spec.type, ("Exempt", "Limited"))
    _check_fixed_level(found, name, spec)


def check_schema_status(found: Findings, schema: schemas.FlowSchema) -> None:
    """What is known of a FlowSchema."""
    _check_conditions(found, [condition.type for condition in schema.status.conditions])


def check_level_status(found: Findings, level: levels.PriorityLevelConfiguration) -> None:
    """What is known of a PriorityLevelConfiguration."""
    _check_conditions(found, [condition.type for condition in level.status.conditions])


def _check_conditions(found: Findings, types: Sequence[str]) -> None:
    for index, kind in enumerate(types):
        where = f"status.conditions[{index}].type"
        if kind in types[:index]:
            found.duplicate(where, kind)
        if not kind:
            found.required(where, "must not be empty")


def _check_precedence(found: Findings, name: str, precedence: int) -> None:
    field = "spec.matchingPrecedence"
    if precedence <= 0:
        found.invalid(field, precedence, "must be a positive value")
    if precedence > _MOST_PRECEDENCE:
        found.invalid(field, precedence, f"must not be greater than {_MOST_PRECEDENCE}")
    if precedence == 1 and name != priorities.EXEMPT:
        found.invalid(field, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")


def _check_rule(found: Findings, field: str, rule: schemas.PolicyRulesWithSubjects) -> None:
    if not rule.subjects:
        found.required(f"{field}.subjects", "subjects must contain at least one value")
    for index, subject in enumerate(rule.subjects):
        _check_subject(found, f"{field}.subjects[{index}]", subject)
    if not rule.resourceRules and not rule.nonResourceRules:
        found.required(field, "at least one of resourceRules and nonResourceRules has to be non-empty")
    for index, about in enumerate(rule.resourceRules):
        _check_resources(found, f"{field}.resourceRules[{index}]", about)
    for index, elsewhere in enumerate(rule.nonResourceRules):
        _check_paths(found, f"{field}.nonResourceRules[{index}]", elsewhere)


def _check_subject(found: Findings, field: str, subject: schemas.Subject) -> None:
    if subject.kind not in _SUBJECTS:
        found.unsupported(f"{field}.kind", subject.kind, sorted(_SUBJECTS))
        return
    own = _SUBJECTS[subject.kind]
    present = {descriptor.name for descriptor, _ in subject.ListFields()}
    for kind, name in _SUBJECTS.items():
        if name != own and name in present:
            found.forbidden(f"{field}.{name}", f"{name} is forbidden when subject kind is not '{kind}'")
    if own not in present:
        found.required(f"{field}.{own}", f"{own} is required when subject kind is '{subject.kind}'")
    elif own != "serviceAccount":
        if not getattr(subject, own).name:
            found.required(f"{field}.{own}.name")
    else:
        _check_account(found, f"{field}.serviceAccount", subject.serviceAccount)


def _check_account(found: Findings, field: str, account: schemas.ServiceAccountSubject) -> None:
    if not account.name:
        found.required(f"{field}.name")
    elif account.name != ALL:
        found.invalid(f"{field}.name", account.name, *syntax.subdomain(account.name))
    if account.namespace:
        found.invalid(f"{field}.namespace", account.namespace, *syntax.label(account.namespace))
    else:
        found.required(f"{field}.namespace", "must specify namespace for service account")


def _check_resources(found: Findings, field: str, rule: schemas.ResourcePolicyRule) -> None:
    _check_verbs(found, field, list(rule.verbs))
    rules = "resource rules must supply at least one"
    _check_alone(found, f"{field}.apiGroups", rule.apiGroups, "api groups", f"{rules} api group")
    _check_alone(found, f"{field}.resources", rule.resources, "resources", f"{rules} resource")
    if not rule.namespaces and not rule.clusterScope:
        told = "resource rules that are not cluster scoped must supply at least one namespace"
        found.required(f"{field}.namespaces", told)
    elif ALL in rule.namespaces:
        _check_alone(found, f"{field}.namespaces", rule.namespaces, "namespaces", "")
    else:
        for index, namespace in enumerate(rule.namespaces):
            faults = [f"each member of this list must be '*' or a DNS-1123 label; {fault}"
                      for fault in syntax.label(namespace)]  # fmt: skip
            found.invalid(f"{field}.namespaces[{index}]", namespace, *faults)


def _check_paths(found: Findings, field: str, rule: schemas.NonResourcePolicyRule) -> None:
    _check_verbs(found, field, list(rule.verbs))
    where, missing = f"{field}.nonResourceURLs", "nonResourceURLs must contain at least one value"
    _check_alone(found, where, rule.nonResourceURLs, "non-resource URLs", missing)
    if ALL in rule.nonResourceURLs:
        return
    for index, path in enumerate(rule.nonResourceURLs):
        if fault := _fault_of_path(path):
            found.invalid(f"{where}[{index}]", path, fault)


def _fault_of_path(path: str) -> str:
    if not path:
        return "must not be empty"
    if not path.startswith("/"):
        return "must start with slash"
    if " " in path:
        return "must not contain white-space"
    if "//" in path:
        return "must not contain double slash"
    stars = path.count("*")
    return "wildcard can only do suffix matching" if stars > 1 or (stars and not path.endswith("/*")) else ""


def _check_verbs(found: Findings, field: str, verbs: list[str]) -> None:
    _check_alone(found, f"{field}.verbs", verbs, "verbs", "verbs must contain at least one value")
    if ALL not in verbs and set(verbs) - set(_VERBS):
        found.unsupported(f"{field}.verbs", ", ".join(verbs), _VERBS)


def _check_alone(found: Findings, field: str, values: Sequence[str], what: str, missing: str) -> None:
    """Something is there, and a star stands for itself."""
    if not values:
        found.required(field, missing)
    elif ALL in values and len(values) > 1:
        found.invalid(field, list(values), f"if '*' is present, must not specify other {what}")


def _check_share(
    found: Findings,
    field: str,
    part: levels.LimitedPriorityLevelConfiguration | levels.ExemptPriorityLevelConfiguration,
) -> None:
    if part.nominalConcurrencyShares < 0:
        found.invalid(
            f"{field}.nominalConcurrencyShares", part.nominalConcurrencyShares, "must be a non-negative integer"
        )
    if not 0 <= part.lendablePercent <= 100:
        found.invalid(f"{field}.lendablePercent", part.lendablePercent, "must be between 0 and 100, inclusive")


def _check_limited(found: Findings, field: str, limited: levels.LimitedPriorityLevelConfiguration) -> None:
    _check_share(found, field, limited)
    if limited.borrowingLimitPercent < 0:
        told = "if specified, must be a non-negative integer"
        found.invalid(f"{field}.borrowingLimitPercent", limited.borrowingLimitPercent, told)
    response, where = limited.limitResponse, f"{field}.limitResponse"
    if response.type == "Reject":
        if response.HasField("queuing"):
            told = "must be nil if limited.limitResponse.type is not Limited"
            found.forbidden(f"{where}.queuing", told)
    elif response.type == "Queue":
        if response.HasField("queuing"):
            _check_queuing(found, f"{where}.queuing", response.queuing)
        else:
            found.required(f"{where}.queuing", "must not be empty if limited.limitResponse.type is Limited")
    else:
        found.unsupported(f"{where}.type", response.type, ("Queue", "Reject"))


def _check_queuing(found: Findings, field: str, queuing: levels.QueuingConfiguration) -> None:
    queues, hand = queuing.queues, queuing.handSize
    if queuing.queueLengthLimit <= 0:
        found.invalid(f"{field}.queueLengthLimit", queuing.queueLengthLimit, "must be positive")
    if queues <= 0:
        found.invalid(f"{field}.queues", queues, "must be positive")
    elif queues > _MOST_QUEUES:
        found.invalid(f"{field}.queues", queues, f"must not be greater than {_MOST_QUEUES}")
    if hand <= 0:
        found.invalid(f"{field}.handSize", hand, "must be positive")
    elif hand > queues:
        found.invalid(f"{field}.handSize", hand, f"should not be greater than queues ({queues})")
    elif _entropy_bits(queues, hand) > _HASH_BITS:
        told = f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {_HASH_BITS}"
        found.invalid(f"{field}.handSize", hand, told)


def _entropy_bits(queues: int, hand: int) -> int:
    """How many bits it takes to choose `hand` of the queues, one after the other."""
    return math.ceil(sum(math.log2(queues - chosen) for chosen in range(hand)))


def _check_fixed_level(found: Findings, name: str, spec: levels.PriorityLevelConfigurationSpec) -> None:
    if name == priorities.EXEMPT:
        if spec.type != "Exempt" or spec.HasField("limited"):
            found.invalid("spec", None, f"spec of '{name}' except the 'spec.exempt' field must equal the fixed value")
    elif name in _FIXED_LEVELS and spec != _FIXED_LEVELS[name]:
        found.invalid("spec", None, f"spec of '{name}' must equal the fixed value")
