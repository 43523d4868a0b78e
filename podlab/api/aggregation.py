"""ClusterRoles that are made of others. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from podlab.api.selection import selectors
from podlab.rbac.v1 import rbac_pb2


def gathers(role: rbac_pb2.ClusterRole, other: rbac_pb2.ClusterRole) -> bool:
    """Whether the role takes over the other's rules. Raises BadRequest for a selector that is none."""
    if other.metadata.name == role.metadata.name:
        return False
    wanted = (selectors.from_message(one) for one in role.aggregationRule.clusterRoleSelectors)
    return any(selector.matches(other.metadata.labels) for selector in wanted)


def aggregated(role: rbac_pb2.ClusterRole, roles: Iterable[rbac_pb2.ClusterRole]) -> list[rbac_pb2.PolicyRule]:
    """The rules of all that the role gathers, by the roles' names, each once. Raises BadRequest."""
    rules: dict[bytes, rbac_pb2.PolicyRule] = {}
    for other in sorted((one for one in roles if gathers(role, one)), key=lambda one: one.metadata.name):
        for rule in other.rules:
            rules.setdefault(rule.SerializeToString(deterministic=True), rule)
    return list(rules.values())
