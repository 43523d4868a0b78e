from __future__ import annotations

from typing import Any

from podlab_testing.registry import NoIngresses

from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes, Authorizer
from master.apiserver.authorization.default_roles import rule

ADMIN = User("kubernetes-admin", frozenset({"system:masters"}))
NODE = User("system:node:n1", frozenset({"system:nodes", "system:authenticated"}))
JANE = User("jane", frozenset({"system:authenticated"}))
SECRET = Attributes("get", "", "secrets", "team", "key")


class NoPods:
    def node_of(self, namespace: str, pod: str) -> str | None:
        return None

    def uses(self, node: str, resource: str, namespace: str, name: str) -> bool:
        return False


def test_administrators_may_do_everything(rbac: Any) -> None:
    authorizer = Authorizer(rbac.policy, NoPods(), NoIngresses())
    assert authorizer.decide(ADMIN, SECRET).allowed
    assert authorizer.decide(ADMIN, Attributes("whatever", path="/whatever")).allowed
    assert [list(one.resources) for one in authorizer.rules(ADMIN, "team").rules] == [["*"], []]


def test_what_nobody_allows_is_refused(rbac: Any) -> None:
    verdict = Authorizer(rbac.policy, NoPods(), NoIngresses()).decide(JANE, SECRET)
    assert (verdict.allowed, verdict.reason) == (False, "")


def test_a_node_may_besides_its_own_do_what_roles_give_it(rbac: Any, new_role: Any, new_binding: Any) -> None:
    authorizer = Authorizer(rbac.policy, NoPods(), NoIngresses())
    refused = authorizer.decide(NODE, SECRET)
    assert refused.reason == "no relationship found between node 'n1' and this object"
    rbac.put(new_role("all", rule("get", "", "secrets")), new_binding("b", "ClusterRole", "all", "Group:system:nodes"))
    allowed = authorizer.decide(NODE, SECRET)
    assert allowed.allowed
    assert allowed.reason == 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "all" to Group "system:nodes"'
    assert authorizer.rules(NODE, "team").errors == ["node authorizer does not support user rule resolution"]


def test_roles_that_are_missing_are_told_once_each(rbac: Any, new_binding: Any) -> None:
    for name, role in (("a", "x"), ("b", "x"), ("c", "y")):
        rbac.put(new_binding(name, "ClusterRole", role, "User:jane"))
    verdict = Authorizer(rbac.policy, NoPods(), NoIngresses()).decide(JANE, SECRET)
    missing = [f'clusterrole.rbac.authorization.k8s.io "{name}" not found' for name in ("x", "y")]
    assert verdict.errors == f"[{missing[0]}, {missing[1]}]"
    assert verdict.reason == f"RBAC: {verdict.errors}"
