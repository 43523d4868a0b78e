from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.builtin_kinds import validate_create, validate_update

from podlab.api.kinds import RBAC
from podlab.rbac.v1 import rbac_pb2

META = {"name": "x", "namespace": "team"}


def told(message: Any) -> list[str]:
    builtin_kinds.apply_defaults(message)
    return [str(cause) for cause in validate_create(message)]


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        ({}, ["verbs", "apiGroups", "resources"]),
        ({"verbs": ["get"], "nonResourceURLs": ["/x"]}, ["nonResourceURLs"]),
        ({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}, []),
    ],
)
def test_a_rule_of_a_role_says_verbs_groups_and_resources(rule: dict[str, Any], fields: list[str]) -> None:
    found = told(rbac_pb2.Role(metadata=META, rules=[rule]))
    assert [one.partition(":")[0] for one in found] == [f"rules[0].{field}" for field in fields]


def test_a_binding_gets_the_api_group_and_names_a_role_and_subjects() -> None:
    binding = rbac_pb2.RoleBinding(metadata=META, roleRef={"kind": "Role", "name": "r"})
    binding.subjects.add(kind="User", name="jane")
    assert told(binding) == []
    assert (binding.roleRef.apiGroup, binding.subjects[0].apiGroup) == (RBAC, RBAC)
    wrong = rbac_pb2.ClusterRoleBinding(metadata={"name": "x"}, roleRef={"kind": "Role"})
    wrong.subjects.add(kind="ServiceAccount", name="robot")
    wrong.subjects.add(kind="Robot", name="r")
    assert [one.partition(":")[0] for one in told(wrong)] == [
        "roleRef.kind",
        "roleRef.name",
        "subjects[0].namespace",
        "subjects[1].kind",
    ]


def test_a_binding_keeps_its_role() -> None:
    old = rbac_pb2.RoleBinding(metadata=META, roleRef={"apiGroup": RBAC, "kind": "Role", "name": "r"})
    new = rbac_pb2.RoleBinding(metadata=META, roleRef={"apiGroup": RBAC, "kind": "Role", "name": "other"})
    (cause,) = validate_update(new, old)
    assert (cause.field, cause.message.endswith("cannot change roleRef")) == ("roleRef", True)
