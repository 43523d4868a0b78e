from __future__ import annotations

import pytest

from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes
from master.apiserver.authorization.attributes import refusal

JANE = User("jane", frozenset({"dev"}))


@pytest.mark.parametrize(
    ("wanted", "reason", "told"),
    [
        (
            Attributes("get", "", "pods", "team", "web", "log"),
            "",
            'pods "web" is forbidden: User "jane" cannot get resource "pods/log" in API group "" '
            'in the namespace "team"',
        ),
        (
            Attributes("list", "apps", "deployments"),
            "",
            'deployments.apps is forbidden: User "jane" cannot list resource "deployments" in API group "apps" '
            "at the cluster scope",
        ),
        (
            Attributes("get", "", "secrets", "team", "key"),
            'RBAC: role.rbac.authorization.k8s.io "gone" not found',
            'secrets "key" is forbidden: User "jane" cannot get resource "secrets" in API group "" '
            'in the namespace "team": RBAC: role.rbac.authorization.k8s.io "gone" not found',
        ),
        (Attributes("get", path="/metrics"), "", 'forbidden: User "jane" cannot get path "/metrics"'),
    ],
)
def test_refusals_are_worded_as_in_kubernetes(wanted: Attributes, reason: str, told: str) -> None:
    assert refusal(JANE, wanted, reason) == told
