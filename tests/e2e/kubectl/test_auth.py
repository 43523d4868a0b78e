"""Who may do what: roles, bindings, and kubectl auth."""

from __future__ import annotations

import pytest
from podlab_testing.kubectl import Kubectl

ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: NAMESPACE}
rules: [{verbs: [watch], apiGroups: [''], resources: [pods]}]
"""


def test_a_role_is_made_given_and_asked_about(administrator: Kubectl, namespace: str) -> None:
    there, jane = f"--namespace={namespace}", "--as=jane"
    administrator("create", "role", "reader", "--verb=get,list", "--resource=pods,pods/log", there)
    administrator("create", "rolebinding", "readers", "--role=reader", "--user=jane", there)
    assert administrator.out("auth", "can-i", "list", "pods", there, jane) == "yes"
    assert administrator.out("auth", "can-i", "get", "pods", "--subresource=log", there, jane) == "yes"
    assert "pods/log" in administrator.out("auth", "can-i", "--list", there, jane)
    administrator("get", "pods", there, jane)
    administrator.out("auth", "reconcile", "-f", "-", there, stdin=ROLE.replace("NAMESPACE", namespace))
    assert administrator.out("auth", "can-i", "watch", "pods", there, jane) == "yes"


def test_who_one_is(administrator: Kubectl) -> None:
    assert "kubernetes-admin" in administrator.out("auth", "whoami")
    shown = "jsonpath={.status.userInfo.username} {.status.userInfo.groups}"
    assert administrator.out("auth", "whoami", "--as=jane", "--as-group=dev", "-o", shown).split()[0] == "jane"


@pytest.mark.parametrize("role", ["cluster-admin", "admin", "edit", "view"])
def test_the_usual_roles_are_there(administrator: Kubectl, role: str) -> None:
    assert role in administrator.out("describe", "clusterrole", role)
