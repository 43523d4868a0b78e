"""Roles and their bindings."""

from __future__ import annotations

from podlab.api.kinds import RBAC
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_selector
from podlab.rbac.v1 import rbac_pb2

Binding = rbac_pb2.RoleBinding | rbac_pb2.ClusterRoleBinding


def check_role(found: Findings, role: rbac_pb2.Role) -> None:
    """A Role's rules."""
    for index, rule in enumerate(role.rules):
        _check_rule(found, f"rules[{index}]", rule, namespaced=True)


def check_cluster_role(found: Findings, role: rbac_pb2.ClusterRole) -> None:
    """A ClusterRole's rules, and what it is aggregated from."""
    for index, rule in enumerate(role.rules):
        _check_rule(found, f"rules[{index}]", rule, namespaced=False)
    if not role.HasField("aggregationRule"):
        return
    where = "aggregationRule.clusterRoleSelectors"
    if not role.aggregationRule.clusterRoleSelectors:
        found.required(where, "at least one clusterRoleSelector required if aggregationRule is non-nil")
    for index, selector in enumerate(role.aggregationRule.clusterRoleSelectors):
        check_selector(found, f"{where}[{index}]", selector)


def check_role_binding(found: Findings, binding: rbac_pb2.RoleBinding) -> None:
    """A RoleBinding's role and subjects."""
    _check_binding(found, binding, ("Role", "ClusterRole"), namespaced=True)


def check_cluster_role_binding(found: Findings, binding: rbac_pb2.ClusterRoleBinding) -> None:
    """A ClusterRoleBinding's role and subjects."""
    _check_binding(found, binding, ("ClusterRole",), namespaced=False)


def check_binding_update(found: Findings, new: Binding, old: Binding) -> None:
    """A binding keeps its role: who may change subjects could else give away any role."""
    if new.roleRef != old.roleRef:
        shown = {"apiGroup": new.roleRef.apiGroup, "kind": new.roleRef.kind, "name": new.roleRef.name}
        found.invalid("roleRef", shown, "cannot change roleRef")


def _check_rule(found: Findings, where: str, rule: rbac_pb2.PolicyRule, *, namespaced: bool) -> None:
    if not rule.verbs:
        found.required(f"{where}.verbs", "verbs must contain at least one value")
    if rule.nonResourceURLs:
        urls = list(rule.nonResourceURLs)
        if namespaced:
            found.invalid(f"{where}.nonResourceURLs", urls, "namespaced rules cannot apply to non-resource URLs")
        if rule.apiGroups or rule.resources or rule.resourceNames:
            detail = "rules cannot apply to both regular resources and non-resource URLs"
            found.invalid(f"{where}.nonResourceURLs", urls, detail)
        return
    if not rule.apiGroups:
        found.required(f"{where}.apiGroups", "resource rules must supply at least one api group")
    if not rule.resources:
        found.required(f"{where}.resources", "resource rules must supply at least one resource")


def _check_binding(found: Findings, binding: Binding, role_kinds: tuple[str, ...], *, namespaced: bool) -> None:
    role = binding.roleRef
    if role.apiGroup != RBAC:
        found.unsupported("roleRef.apiGroup", role.apiGroup, (RBAC,))
    if role.kind not in role_kinds:
        found.unsupported("roleRef.kind", role.kind, role_kinds)
    if not role.name:
        found.required("roleRef.name")
    else:
        found.invalid("roleRef.name", role.name, *syntax.path_segment(role.name))
    for index, subject in enumerate(binding.subjects):
        _check_subject(found, f"subjects[{index}]", subject, namespaced=namespaced)


def _check_subject(found: Findings, where: str, subject: rbac_pb2.Subject, *, namespaced: bool) -> None:
    if not subject.name:
        found.required(f"{where}.name")
    match subject.kind:
        case "ServiceAccount":
            if subject.name:
                found.invalid(f"{where}.name", subject.name, *syntax.subdomain(subject.name))
            if subject.apiGroup:
                found.unsupported(f"{where}.apiGroup", subject.apiGroup, ("",))
            if not namespaced and not subject.namespace:
                found.required(f"{where}.namespace")
        case "User" | "Group":
            if not subject.name:
                found.invalid(f"{where}.name", subject.name, f"{subject.kind.lower()} name cannot be empty")
            if subject.apiGroup != RBAC:
                found.unsupported(f"{where}.apiGroup", subject.apiGroup, (RBAC,))
        case _:
            found.unsupported(f"{where}.kind", subject.kind, ("ServiceAccount", "User", "Group"))
