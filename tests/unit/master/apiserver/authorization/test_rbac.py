from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes
from master.apiserver.authorization.default_roles import rule

JANE = User("jane", frozenset({"dev", "system:authenticated"}))
ROBOT = User("system:serviceaccount:team:robot", frozenset({"system:serviceaccounts"}))
READ_PODS = rule("get", "", "pods")


def may(rbac: Any, user: User, namespace: str = "team", resource: str = "pods") -> bool:
    return rbac.policy.decide(user, Attributes("get", "", resource, namespace, "x"))[0] is not None


def test_a_role_counts_where_its_binding_is(rbac: Any, new_role: Any, new_binding: Any) -> None:
    rbac.put(new_role("reader", READ_PODS, namespace="team"))
    rbac.put(new_binding("b", "Role", "reader", "User:jane", namespace="team"))
    assert may(rbac, JANE, "team")
    assert not may(rbac, JANE, "other")
    assert not may(rbac, JANE, "")
    assert not may(rbac, User("joe", frozenset()), "team")


def test_a_cluster_role_counts_where_a_role_binding_is_or_everywhere(
    rbac: Any, new_role: Any, new_binding: Any
) -> None:
    rbac.put(new_role("reader", READ_PODS), new_binding("b", "ClusterRole", "reader", "Group:dev", namespace="team"))
    assert may(rbac, JANE, "team")
    assert not may(rbac, JANE, "other")
    rbac.put(new_binding("c", "ClusterRole", "reader", "Group:dev"))
    assert may(rbac, JANE, "other")
    assert may(rbac, JANE, "")


def test_a_service_account_is_of_the_bindings_namespace_unless_another_is_said(
    rbac: Any, new_role: Any, new_binding: Any
) -> None:
    rbac.put(new_role("reader", READ_PODS))
    rbac.put(new_binding("b", "ClusterRole", "reader", "ServiceAccount:robot", namespace="team"))
    rbac.put(new_binding("c", "ClusterRole", "reader", "ServiceAccount:team/robot", namespace="other"))
    assert may(rbac, ROBOT, "team")
    assert may(rbac, ROBOT, "other")
    rbac.put(new_binding("d", "ClusterRole", "reader", "ServiceAccount:robot"))  # of no namespace: nobody's
    assert not may(rbac, ROBOT, "third")


def test_what_changes_counts_at_once(rbac: Any, new_role: Any, new_binding: Any) -> None:
    bound = new_binding("b", "ClusterRole", "reader", "User:jane", "Group:dev", "User:jane")
    rbac.put(bound)
    assert not may(rbac, JANE)
    rbac.put(new_role("reader", READ_PODS))
    assert may(rbac, JANE)
    rbac.put(new_role("reader", rule("get", "", "nodes")))
    assert not may(rbac, JANE)
    assert may(rbac, JANE, "", "nodes")
    rbac.put(new_binding("b", "ClusterRole", "reader", "User:joe"))
    assert not may(rbac, JANE, "", "nodes")
    rbac.put(bound)
    rbac.take(new_role("reader"))
    assert not may(rbac, JANE, "", "nodes")
    rbac.put(new_role("reader", READ_PODS))
    rbac.take(bound)
    assert not may(rbac, JANE)
    assert list(rbac.policy.grants(JANE, "team")) == []


@pytest.mark.parametrize(
    ("subject", "namespace", "told"),
    [
        ("User:jane", "", 'ClusterRoleBinding "b" of ClusterRole "reader" to User "jane"'),
        ("Group:dev", "team", 'RoleBinding "b/team" of ClusterRole "reader" to Group "dev"'),
    ],
)
def test_what_allows_is_told_as_kubernetes_tells_it(
    rbac: Any, new_role: Any, new_binding: Any, subject: str, namespace: str, told: str
) -> None:
    rbac.put(new_role("reader", READ_PODS), new_binding("b", "ClusterRole", "reader", subject, namespace=namespace))
    assert str(rbac.policy.decide(JANE, Attributes("get", "", "pods", "team"))[0]) == told


def test_a_missing_role_is_told_and_allows_nothing(rbac: Any, new_binding: Any) -> None:
    rbac.put(new_binding("b", "Role", "gone", "User:jane", namespace="team"))
    found = rbac.policy.decide(JANE, Attributes("get", "", "pods", "team"))
    assert found == (None, ['role.rbac.authorization.k8s.io "gone" not found'])


NAMES = st.sampled_from(["r1", "r2", "r3"])
SUBJECTS = st.lists(st.sampled_from(["User:jane", "Group:dev", "ServiceAccount:team/robot", "User:joe"]), max_size=3)
NAMESPACES = st.sampled_from(["", "team", "other"])
BINDINGS = st.lists(st.tuples(st.sampled_from(["b1", "b2"]), NAMES, SUBJECTS, NAMESPACES, st.booleans()), max_size=8)


@given(BINDINGS, st.sampled_from([JANE, ROBOT]), NAMESPACES)
def test_the_index_agrees_with_a_look_at_every_binding(new_rbac: Any, steps: Any, user: User, namespace: str) -> None:
    rbac, role_of, binding_of = new_rbac
    rbac = rbac()
    for number, name in enumerate(("r1", "r2")):
        rbac.put(role_of(name, rule("get", "", f"things{number}")))
    there: dict[tuple[str, str], Any] = {}
    for name, role_name, subjects, home, is_put in steps:
        made = binding_of(name, "ClusterRole", role_name, *subjects, namespace=home)
        if is_put:
            rbac.put(made)
            there[home, name] = (role_name, subjects)
        elif (home, name) in there:
            rbac.take(made)
            del there[home, name]
    for number in range(3):
        wanted = {"User:jane", "Group:dev"} if user is JANE else {"ServiceAccount:team/robot"}
        naive = number < 2 and any(
            role_name == f"r{number + 1}" and wanted & set(subjects)
            for (home, _), (role_name, subjects) in there.items()
            if home in ("", namespace)
        )
        assert may(rbac, user, namespace, f"things{number}") is naive
