"""What a pod says about other pods: affinity, anti-affinity, and how evenly they are spread."""

from collections.abc import Iterable, Sequence

from podlab.core.v1 import pod_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_selector
from podlab.meta.v1 import meta_pb2

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_POSITIVE = "must be greater than zero"


def check_neighbours(found: Findings, field: str, affinity: pod_pb2.Affinity) -> None:
    """Affinity and anti-affinity between pods."""
    _check_side(found, f"{field}.podAffinity", affinity.podAffinity)
    _check_side(found, f"{field}.podAntiAffinity", affinity.podAntiAffinity)


def check_spread(found: Findings, field: str, constraints: Iterable[pod_pb2.TopologySpreadConstraint]) -> None:
    """Each constraint for itself, and that no two are about the same."""
    seen: set[tuple[str, str]] = set()
    for index, constraint in enumerate(constraints):
        where = f"{field}[{index}]"
        _check_constraint(found, where, constraint)
        about = (constraint.topologyKey, constraint.whenUnsatisfiable)
        if about in seen:
            found.duplicate(f"{where}.{{topologyKey, whenUnsatisfiable}}", "{" + ", ".join(about) + "}")
        seen.add(about)


def _check_side(found: Findings, field: str, side: pod_pb2.PodAffinity | pod_pb2.PodAntiAffinity) -> None:
    for index, term in enumerate(side.requiredDuringSchedulingIgnoredDuringExecution):
        _check_term(found, f"{field}.{_REQUIRED}[{index}]", term)
    for index, each in enumerate(side.preferredDuringSchedulingIgnoredDuringExecution):
        where = f"{field}.{_PREFERRED}[{index}]"
        if not 1 <= each.weight <= 100:
            found.invalid(f"{where}.weight", each.weight, "must be in the range 1-100")
        _check_term(found, f"{where}.podAffinityTerm", each.podAffinityTerm)


def _check_term(found: Findings, field: str, term: pod_pb2.PodAffinityTerm) -> None:
    check_selector(found, f"{field}.labelSelector", term.labelSelector)
    check_selector(found, f"{field}.namespaceSelector", term.namespaceSelector)
    for index, name in enumerate(term.namespaces):
        found.invalid(f"{field}.namespaces[{index}]", name, *syntax.label(name))
    _check_topology_key(found, field, term.topologyKey)
    selected = term.HasField("labelSelector")
    _check_keys(found, f"{field}.matchLabelKeys", term.matchLabelKeys, selected=selected)
    _check_keys(found, f"{field}.mismatchLabelKeys", term.mismatchLabelKeys, selected=selected)
    for index, key in enumerate(term.matchLabelKeys):
        if key in term.mismatchLabelKeys:
            rule = "exists in both matchLabelKeys and mismatchLabelKeys"
            found.invalid(f"{field}.matchLabelKeys[{index}]", key, rule)


def _check_constraint(found: Findings, field: str, constraint: pod_pb2.TopologySpreadConstraint) -> None:
    if constraint.maxSkew <= 0:
        found.invalid(f"{field}.maxSkew", constraint.maxSkew, _POSITIVE)
    _check_topology_key(found, field, constraint.topologyKey)
    when = constraint.whenUnsatisfiable
    found.one_of(f"{field}.whenUnsatisfiable", when, ("DoNotSchedule", "ScheduleAnyway"))
    if constraint.HasField("minDomains"):
        if constraint.minDomains <= 0:
            found.invalid(f"{field}.minDomains", constraint.minDomains, _POSITIVE)
        if when == "ScheduleAnyway":
            rule = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {when}"
            found.invalid(f"{field}.minDomains", constraint.minDomains, rule)
    for name in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
        if constraint.HasField(name):
            found.one_of(f"{field}.{name}", getattr(constraint, name), ("Honor", "Ignore"))
    check_selector(found, f"{field}.labelSelector", constraint.labelSelector)
    selected = constraint.HasField("labelSelector")
    _check_keys(found, f"{field}.matchLabelKeys", constraint.matchLabelKeys, selected=selected)
    mentioned = _mentioned(constraint.labelSelector)
    for index, key in enumerate(constraint.matchLabelKeys):
        if key in mentioned:
            found.invalid(f"{field}.matchLabelKeys[{index}]", key, "exists in both matchLabelKeys and labelSelector")


def _check_topology_key(found: Findings, field: str, key: str) -> None:
    if key:
        found.invalid(f"{field}.topologyKey", key, *syntax.qualified_name(key))
    else:
        found.required(f"{field}.topologyKey", "can not be empty")


def _check_keys(found: Findings, field: str, keys: Sequence[str], *, selected: bool) -> None:
    if keys and not selected:
        found.forbidden(field, "must not be specified when labelSelector is not set")
    for index, key in enumerate(keys):
        found.invalid(f"{field}[{index}]", key, *syntax.qualified_name(key))


def _mentioned(selector: meta_pb2.LabelSelector) -> set[str]:
    return {*selector.matchLabels, *(each.key for each in selector.matchExpressions)}
