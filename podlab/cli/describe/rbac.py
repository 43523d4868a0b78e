"""Roles and their bindings."""

from collections.abc import Iterable

from podlab.cli.describe import layout
from podlab.cli.describe.basics import Related, events, heading
from podlab.cli.describe.layout import Fields, LayoutField
from podlab.rbac.v1.rbac_pb2 import ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding


def role(found: Role, related: Related) -> Fields:
    return [*heading(found.metadata), _rules(found.rules), events(related)]


def cluster_role(found: ClusterRole, related: Related) -> Fields:
    return [*heading(found.metadata, namespaced=False), _rules(found.rules), events(related)]


def role_binding(found: RoleBinding, related: Related) -> Fields:
    return [*heading(found.metadata), *_bound(found), events(related)]


def cluster_role_binding(found: ClusterRoleBinding, related: Related) -> Fields:
    return [*heading(found.metadata, namespaced=False), *_bound(found), events(related)]


def _rules(rules: Iterable[PolicyRule]) -> LayoutField:
    rows = []
    for rule in rules:
        resources = [f"{one}.{group}" if group else one for group in rule.apiGroups for one in rule.resources]
        for resource in resources or [""]:
            rows.append([resource, *map(_listed, (rule.nonResourceURLs, rule.resourceNames, rule.verbs))])
    return layout.table("PolicyRule", ["Resources", "Non-Resource URLs", "Resource Names", "Verbs"], sorted(rows))


def _listed(values: Iterable[str]) -> str:
    return f"[{' '.join(values)}]"


def _bound(found: RoleBinding | ClusterRoleBinding) -> Fields:
    rows = [[one.kind, one.name, one.namespace] for one in found.subjects]
    return [
        layout.group("Role", [layout.field("Kind", found.roleRef.kind), layout.field("Name", found.roleRef.name)]),
        layout.table("Subjects", ["Kind", "Name", "Namespace"], rows),
    ]
