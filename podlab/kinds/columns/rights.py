"""Columns that roles have alike, and bindings."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.values import times
from podlab.rbac.v1.rbac_pb2 import ClusterRole, ClusterRoleBinding, Role, RoleBinding, Subject

_WIDE = ("USERS", "GROUPS", "SERVICEACCOUNTS")


def role(item: Role | ClusterRole, _: datetime) -> Cells:
    """A role's."""
    return [item.metadata.name, times.text(item.metadata.creationTimestamp)]


def binding(item: RoleBinding | ClusterRoleBinding, now: datetime) -> Cells:
    """A binding's."""
    users, groups, accounts = (
        ", ".join(_subject_name(one, item) for one in item.subjects if one.kind == kind)
        for kind in ("User", "Group", "ServiceAccount")
    )
    role = f"{item.roleRef.kind}/{item.roleRef.name}"
    return [item.metadata.name, role, age(item, now), users, groups, accounts]


def _subject_name(subject: Subject, of: RoleBinding | ClusterRoleBinding) -> str:
    if subject.kind != "ServiceAccount":
        return subject.name
    return f"{subject.namespace or of.metadata.namespace}/{subject.name}"


ROLES = Table(role, ("NAME", "CREATED AT"), types={"CREATED AT": "date"})
BINDINGS = Table(binding, ("NAME", "ROLE", "AGE", *_WIDE), frozenset(_WIDE))
