from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.rbac import Rbac
from podlab_testing.registry import NoIngresses

from master.apiserver.admission.plugins.rbac import RoleEscalation
from master.apiserver.admission.rules.escalation import check, described, missing
from master.apiserver.admission.write import Operation
from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes, Authorizer
from master.apiserver.authorization.default_roles import rule
from master.apiserver.authorization.rules import Role
from podlab.api.kinds import RBAC
from podlab.errors import Forbidden, NotFound
from podlab.rbac.v1 import rbac_pb2

JANE = User("jane", frozenset({"dev", "system:authenticated"}))
ADMIN = User("kubernetes-admin", frozenset({"system:masters"}))


class NoPods:
    def node_of(self, namespace: str, pod: str) -> str | None:
        return None

    def uses(self, node: str, resource: str, namespace: str, name: str) -> bool:
        return False


@pytest.fixture
def judge(rbac: Any) -> Any:
    """What judges Jane's writes."""
    return partial(check, Authorizer(rbac.policy, NoPods(), NoIngresses()), JANE)


@pytest.fixture
def give(rbac: Any, new_role: Any, new_binding: Any) -> Any:
    """Gives Jane rules in the namespace team."""

    def given(*rules: rbac_pb2.PolicyRule) -> None:
        rbac.put(new_role("janes", *rules, namespace="team"))
        rbac.put(new_binding("janes", "Role", "janes", "User:jane", namespace="team"))

    return given


def test_a_role_gives_no_more_than_its_writer_has(judge: Any, give: Any, new_role: Any) -> None:
    give(rule("get list", "", "pods"))
    judge(new_role("r", rule("list", "", "pods"), namespace="team"), None)
    judge(new_role("r", rule("get", "", "pods", "web"), namespace="team"), None)
    with pytest.raises(Forbidden) as refused:
        judge(new_role("r", rule("get create delete", "", "pods secrets"), namespace="team"), None)
    assert str(refused.value) == (
        'roles.rbac.authorization.k8s.io "r" is forbidden: user "jane" (groups=["dev" "system:authenticated"]) is '
        "attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["pods"], Verbs:["create" "delete"]}\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "create" "delete"]}'
    )
    with pytest.raises(Forbidden):
        judge(new_role("r", rule("get", "", "pods"), namespace="other"), None)


def test_who_may_escalate_gives_anything(judge: Any, give: Any, new_role: Any) -> None:
    give(rule("escalate", RBAC, "roles"))
    judge(new_role("r", rule("*", "*", "*"), namespace="team"), None)


def test_administrators_are_not_asked(rbac: Any, new_role: Any) -> None:
    check(Authorizer(rbac.policy, NoPods(), NoIngresses()), ADMIN, new_role("r", rule("*", "*", "*")), None)


def test_a_binding_gives_no_more_than_its_writer_has(
    rbac: Any, judge: Any, give: Any, new_role: Any, new_binding: Any
) -> None:
    give(rule("get", "", "pods"))
    rbac.put(new_role("reader", rule("get", "", "pods")), new_role("boss", rule("*", "*", "*")))
    judge(new_binding("b", "ClusterRole", "reader", "User:joe", namespace="team"), None)
    with pytest.raises(Forbidden, match="not currently held"):
        judge(new_binding("b", "ClusterRole", "reader", "User:joe"), None)
    with pytest.raises(Forbidden, match=r'rolebindings\.rbac\.authorization\.k8s\.io "b" is forbidden'):
        judge(new_binding("b", "ClusterRole", "boss", "User:joe", namespace="team"), None)
    with pytest.raises(NotFound, match=r'clusterrole\.rbac\.authorization\.k8s\.io "none" not found'):
        judge(new_binding("b", "ClusterRole", "none", "User:joe", namespace="team"), None)
    give(rule("bind", RBAC, "clusterroles", "boss"))
    judge(new_binding("b", "ClusterRole", "boss", "User:joe", namespace="team"), None)


def test_only_who_has_everything_makes_a_role_of_others(judge: Any, rbac: Any, new_role: Any, new_binding: Any) -> None:
    gathering = new_role("all")
    gathering.aggregationRule.clusterRoleSelectors.add().matchLabels["a"] = "b"
    with pytest.raises(Forbidden, match="must have cluster-admin privileges to use the aggregationRule"):
        judge(gathering, None)
    with pytest.raises(Forbidden, match="must have cluster-admin privileges to use the aggregationRule"):
        judge(new_role("all"), gathering)
    everything = (rule("*", "*", "*"), rbac_pb2.PolicyRule(verbs=["*"], nonResourceURLs=["*"]))
    rbac.put(new_role("boss", *everything), new_binding("b", "ClusterRole", "boss", "User:jane"))
    judge(gathering, None)


def test_owners_and_finalizers_may_be_changed_by_who_has_nothing(judge: Any, new_role: Any) -> None:
    old, new = (new_role("r", rule("*", "*", "*"), namespace="team") for _ in range(2))
    new.metadata.finalizers.append("example.com/x")
    new.metadata.ownerReferences.add(name="o")
    judge(new, old)
    asked = RoleEscalation(Authorizer(Rbac().policy, NoPods(), NoIngresses()))
    assert not asked.handles(builtin_kinds.named("Role"), Operation.DELETE, "")
    new.metadata.labels["a"] = "b"
    with pytest.raises(Forbidden):
        judge(new, old)


@pytest.mark.parametrize(
    ("owned", "granted", "covered"),
    [
        (rule("*", "*", "*"), rule("get", "apps", "deployments/scale"), True),
        (rule("get", "", "pods"), rule("get", "", "*"), False),
        (rule("get", "", "pods"), rule("*", "", "pods"), False),
        (rule("get", "", "pods"), rule("get", "*", "pods"), False),
        (rule("get", "apps", "*/scale"), rule("get", "apps", "deployments/scale"), True),
        (rule("get", "apps", "*/scale"), rule("get", "apps", "*/scale"), True),
        (rule("get", "apps", "deployments/scale"), rule("get", "apps", "*/scale"), False),
        (rule("get", "", "secrets", "a"), rule("get", "", "secrets"), False),
        (rule("get", "", "secrets"), rule("get", "", "secrets", "a"), True),
        (rule("get", "", "secrets", "a"), rule("get", "", "secrets", "a", "b"), False),
    ],
)
def test_what_is_owned_covers_what_is_granted(owned: Any, granted: Any, covered: bool) -> None:
    assert (missing(Role([owned]), [granted]) == []) is covered


def test_a_rule_too_large_to_look_at_is_given_only_by_who_has_everything() -> None:
    words = " ".join(f"w{number}" for number in range(400))
    large = rule(words, "", words)
    assert missing(Role([large]), [large])
    assert not missing(Role([rule("*", "*", "*"), rbac_pb2.PolicyRule(verbs=["*"], nonResourceURLs=["*"])]), [large])


def test_names_and_paths_are_described_one_by_one() -> None:
    assert list(described([Attributes("get", "", "secrets", "", "a"), Attributes("get", path="/x")])) == [
        '{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["get"]}',
        '{NonResourceURLs:["/x"], Verbs:["get"]}',
    ]
