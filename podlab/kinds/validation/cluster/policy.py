"""ServiceAccounts, quotas, limit ranges and priority classes."""

from collections.abc import Mapping
from fractions import Fraction

from podlab.core.v1 import quota_pb2, serviceaccount_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.pods.resources import NATIVE, check_quantity
from podlab.meta.v1 import meta_pb2
from podlab.scheduling.v1 import priorityclass_pb2

SYSTEM_CLASSES: Mapping[str, int] = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
"""The classes that are always there, and their priorities."""
PREEMPTION_POLICIES = ("PreemptLowerPriority", "Never")
SCOPES = ("Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity")

_USER_PRIORITY_MAX = 1_000_000_000
_SYSTEM_PREFIX = "system-"
_COMPUTE = frozenset(
    {"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"},
)
_QUOTA_RESOURCES = _COMPUTE | {
    *("ephemeral-storage", "requests.storage", "requests.ephemeral-storage", "limits.ephemeral-storage"),
    *("pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps"),
    *("persistentvolumeclaims", "services.nodeports", "services.loadbalancers"),
}
_OPPOSITES = (frozenset({"Terminating", "NotTerminating"}), frozenset({"BestEffort", "NotBestEffort"}))
_LIMIT_TYPES = ("Container", "Pod", "PersistentVolumeClaim")
_BOUNDS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
_ONLY_EXISTS = (
    "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating,"
    " ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or"
    " ResourceQuotaScopeCrossNamespacePodAffinity"
)

Amounts = dict[str, Fraction]


def check_service_account(found: Findings, account: serviceaccount_pb2.ServiceAccount) -> None:
    """What it refers to has names."""
    for field, names in (
        ("secrets", [secret.name for secret in account.secrets]),
        ("imagePullSecrets", [secret.name for secret in account.imagePullSecrets]),
    ):
        for index, name in enumerate(names):
            if name:
                found.invalid(f"{field}[{index}].name", name, *syntax.subdomain(name))


def check_quota(found: Findings, quota: quota_pb2.ResourceQuota) -> None:
    """Names and amounts of what is limited, and the scopes that narrow it."""
    _check_quota_amounts(found, "spec.hard", quota.spec.hard)
    _check_scopes(found, quota.spec)


def check_quota_status(found: Findings, quota: quota_pb2.ResourceQuota) -> None:
    """What the quota controller reports."""
    _check_quota_amounts(found, "status.hard", quota.status.hard)
    _check_quota_amounts(found, "status.used", quota.status.used)


def check_quota_update(found: Findings, new: quota_pb2.ResourceQuota, old: quota_pb2.ResourceQuota) -> None:
    """A quota counts the same objects for ever."""
    found.immutable("spec.scopes", sorted(new.spec.scopes), sorted(old.spec.scopes), list(new.spec.scopes))


def check_limit_range(found: Findings, limits: quota_pb2.LimitRange) -> None:
    """Each type once, and bounds that can all be kept."""
    types: set[str] = set()
    for index, item in enumerate(limits.spec.limits):
        where = f"spec.limits[{index}]"
        found.one_of(f"{where}.type", item.type, _LIMIT_TYPES)
        if item.type in types:
            found.duplicate(f"{where}.type", item.type)
        types.add(item.type)
        _check_limits(found, where, item)


def check_priority_class(found: Findings, given: priorityclass_pb2.PriorityClass) -> None:
    """The highest priorities, and names that begin with system-, are the cluster's own."""
    name = given.metadata.name
    found.one_of("preemptionPolicy", given.preemptionPolicy, PREEMPTION_POLICIES)
    if SYSTEM_CLASSES.get(name) == given.value and not given.globalDefault:
        return
    if name.startswith(_SYSTEM_PREFIX):
        rule = f"priority class names with '{_SYSTEM_PREFIX}' prefix are reserved for system use only"
        found.forbidden("metadata.name", rule)
    if given.value > _USER_PRIORITY_MAX:
        found.forbidden("value", f"maximum allowed value of a user defined priority is {_USER_PRIORITY_MAX}")


def check_priority_class_update(
    found: Findings, new: priorityclass_pb2.PriorityClass, old: priorityclass_pb2.PriorityClass
) -> None:
    """Pods have the class's priority, so it stays."""
    if new.value != old.value:
        found.forbidden("value", "may not be changed in an update.")
    found.immutable("preemptionPolicy", new.preemptionPolicy, old.preemptionPolicy, new.preemptionPolicy)


def _check_quota_amounts(found: Findings, field: str, amounts: Mapping[str, meta_pb2.Quantity]) -> None:
    for name, given in amounts.items():
        where = f"{field}[{name}]"
        found.invalid(where, name, *syntax.qualified_name(name))
        if "/" not in name and name not in _QUOTA_RESOURCES and not name.startswith("hugepages-"):
            found.invalid(where, name, "must be a standard resource for quota")
        amount = check_quantity(found, where, given)
        if amount is not None and amount.denominator != 1 and _is_counted(name):
            found.invalid(where, given.string, "must be an integer")


def _is_counted(name: str) -> bool:
    """Whether it has no halves: all but processors and bytes."""
    return (name in _QUOTA_RESOURCES - _COMPUTE and not name.endswith("storage")) or name.startswith("count/")


def _check_scopes(found: Findings, spec: quota_pb2.ResourceQuotaSpec) -> None:
    _check_scope_names(found, "spec.scopes", list(spec.scopes), spec)
    where = "spec.scopeSelector.matchExpressions"
    named = [requirement.scopeName for requirement in spec.scopeSelector.matchExpressions]
    for requirement in spec.scopeSelector.matchExpressions:
        _check_requirement(found, where, requirement)
    _check_scope_names(found, where, named, spec)


def _check_scope_names(found: Findings, field: str, scopes: list[str], spec: quota_pb2.ResourceQuotaSpec) -> None:
    for scope in scopes:
        if scope not in SCOPES:
            found.invalid(field, scopes, "unsupported scope")
            continue
        countable = {"pods"} if scope == "BestEffort" else _COMPUTE | {"pods"}
        # Of resources that are not of Kubernetes' own list, extended ones and counts, it does not say.
        if not spec.hard.keys() & _QUOTA_RESOURCES <= countable:
            found.invalid(field, scopes, "unsupported scope applied to resource")
    if any(pair <= set(scopes) for pair in _OPPOSITES):
        found.invalid(field, scopes, "conflicting scopes")


def _check_requirement(found: Findings, field: str, given: quota_pb2.ScopedResourceSelectorRequirement) -> None:
    operator, values = given.operator, list(given.values)
    if given.scopeName != "PriorityClass" and given.scopeName in SCOPES and operator != "Exists":
        found.invalid(f"{field}.operator", operator, _ONLY_EXISTS)
    if operator in ("In", "NotIn"):
        if not values:
            rule = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            found.required(f"{field}.values", rule)
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            rule = "must be no value when `operator` is 'Exists' or 'DoesNotExist' for scope selector"
            found.invalid(f"{field}.values", values, rule)
    else:
        found.invalid(f"{field}.operator", operator, "not a valid selector operator")


def _check_limits(found: Findings, field: str, item: quota_pb2.LimitRangeItem) -> None:
    bounds = {name: _limits(found, f"{field}.{name}", item, getattr(item, name)) for name in _BOUNDS}
    if item.type == "Pod":
        for name in ("default", "defaultRequest"):
            if bounds[name]:
                found.forbidden(f"{field}.{name}", f"may not be specified when `type` is '{item.type}'")
    if item.type == "PersistentVolumeClaim" and not any("storage" in bounds[name] for name in ("min", "max")):
        rule = "either minimum or maximum storage value is required, but neither was provided"
        found.required(field, rule)
    for name in sorted({name for amounts in bounds.values() for name in amounts}):
        _check_order(found, field, item, name, {bound: bounds[bound].get(name) for bound in _BOUNDS})


def _limits(
    found: Findings, field: str, item: quota_pb2.LimitRangeItem, given: Mapping[str, meta_pb2.Quantity]
) -> Amounts:
    amounts: Amounts = {}
    for name, quantity in given.items():
        where = f"{field}[{name}]"
        found.invalid(where, name, *syntax.qualified_name(name))
        if item.type in ("Container", "Pod") and "/" not in name and name not in NATIVE:
            found.invalid(where, name, "must be a standard resource for containers")
        amount = check_quantity(found, where, quantity)
        if amount is not None:
            amounts[name] = amount
    return amounts


def _check_order(
    found: Findings, field: str, item: quota_pb2.LimitRangeItem, name: str, amount: Mapping[str, Fraction | None]
) -> None:
    """min <= defaultRequest <= default <= max, as far as they are there, and a ratio that these allow."""
    told = {bound: getattr(item, bound)[name].string for bound in _BOUNDS if amount[bound] is not None}
    for low, high, at, words in (
        ("min", "max", "min", "min value {} is greater than max value {}"),
        ("min", "defaultRequest", "defaultRequest", "min value {} is greater than default request value {}"),
        ("min", "default", "default", "min value {} is greater than default value {}"),
        ("defaultRequest", "max", "defaultRequest", "default request value {} is greater than max value {}"),
        (
            *("defaultRequest", "default", "defaultRequest"),
            "default request value {} is greater than default limit value {}",
        ),
        ("default", "max", "default", "default value {} is greater than max value {}"),
    ):
        lower, upper = amount[low], amount[high]
        if lower is not None and upper is not None and lower > upper:
            found.invalid(f"{field}.{at}[{name}]", told[at], words.format(told[low], told[high]))
    ratio, least, most = amount["maxLimitRequestRatio"], amount["min"], amount["max"]
    where = f"{field}.maxLimitRequestRatio[{name}]"
    if ratio is not None and ratio < 1:
        found.invalid(where, told["maxLimitRequestRatio"], f"ratio {told['maxLimitRequestRatio']} is less than 1")
    elif ratio is not None and least and most is not None and ratio > most / least:
        rule = f"ratio {told['maxLimitRequestRatio']} is greater than max/min = {float(most / least):f}"
        found.invalid(where, told["maxLimitRequestRatio"], rule)
