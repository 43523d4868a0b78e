"""What bindings get when their author left it out."""

from __future__ import annotations

from podlab.api.kinds import RBAC
from podlab.rbac.v1 import rbac_pb2


def apply_to_binding(binding: rbac_pb2.RoleBinding | rbac_pb2.ClusterRoleBinding) -> None:
    """Roles, users and groups are those of the API's own group."""
    binding.roleRef.apiGroup = binding.roleRef.apiGroup or RBAC
    for subject in binding.subjects:
        if subject.kind in ("User", "Group"):
            subject.apiGroup = subject.apiGroup or RBAC
