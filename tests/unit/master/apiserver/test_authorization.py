from __future__ import annotations

import pytest

from master.apiserver.authorization import Attributes, denial
from master.apiserver.identity import User
from podlab.api.kinds import KINDS

ADMIN = User("kubernetes-admin", frozenset({"system:masters"}))
SCHEDULER = User("system:kube-scheduler", frozenset())
CONTROLLERS = User("system:kube-controller-manager", frozenset())
PROXY = User("system:kube-proxy", frozenset({"system:node-proxiers"}))
NODE = User("system:node:n1", frozenset({"system:nodes"}))
NOBODY = User("jane", frozenset({"developers"}))


class Bound:
    """Pod default/mine on n1 uses Secret default/key; pod default/theirs is on n2, default/free nowhere."""

    def node_of(self, namespace: str, pod: str) -> str | None:
        return {"mine": "n1", "theirs": "n2", "free": ""}.get(pod) if namespace == "default" else None

    def uses(self, node: str, resource: str, namespace: str, name: str) -> bool:
        return (node, resource, namespace, name) == ("n1", "secrets", "default", "key")


def allowed(user: User, verb: str, path: str, namespace: str = "default", name: str = "", **fields: str) -> bool:
    resource, _, subresource = path.partition("/")
    selected = {key.replace("_", "."): value for key, value in fields.items()}
    return denial(user, Attributes(verb, "", resource, namespace, name, subresource, selected), Bound()) == ""


def test_administrators_may_do_everything() -> None:
    for kind in KINDS:
        assert allowed(ADMIN, "delete", kind.plural)
    assert allowed(ADMIN, "create", "pods/exec")


def test_who_is_unknown_may_do_nothing() -> None:
    assert not any(allowed(NOBODY, verb, kind.plural) for kind in KINDS for verb in ("get", "list", "create"))


@pytest.mark.parametrize(
    ("user", "verb", "path", "may"),
    [
        (SCHEDULER, "watch", "pods", True),
        (SCHEDULER, "create", "pods/binding", True),
        (SCHEDULER, "update", "pods/status", True),
        (SCHEDULER, "create", "events", True),
        (SCHEDULER, "update", "leases", True),
        (SCHEDULER, "list", "secrets", False),
        (SCHEDULER, "update", "nodes", False),
        (SCHEDULER, "delete", "pods", False),
        (CONTROLLERS, "delete", "pods", True),
        (CONTROLLERS, "update", "deployments/status", True),
        (CONTROLLERS, "create", "pods/exec", False),
        (PROXY, "watch", "endpointslices", True),
        (PROXY, "create", "events", True),
        (PROXY, "list", "pods", False),
        (PROXY, "update", "services", False),
    ],
)
def test_each_component_has_what_its_work_needs(user: User, verb: str, path: str, may: bool) -> None:
    assert allowed(user, verb, path) is may


@pytest.mark.parametrize(
    ("verb", "path", "namespace", "name", "may"),
    [
        ("create", "nodes", "", "n1", True),
        ("update", "nodes/status", "", "n1", True),
        ("get", "nodes", "", "n2", True),
        ("update", "nodes", "", "n2", False),
        ("update", "nodes/status", "", "n2", False),
        ("delete", "nodes", "", "n1", False),
        ("update", "leases", "kube-node-lease", "n1", True),
        ("update", "leases", "kube-node-lease", "n2", False),
        ("update", "leases", "kube-system", "n1", False),
        ("get", "pods", "default", "mine", True),
        ("delete", "pods", "default", "mine", True),
        ("update", "pods/status", "default", "mine", True),
        ("update", "pods", "default", "mine", False),
        ("create", "pods", "default", "new", True),
        ("create", "pods/binding", "default", "", False),
        ("delete", "pods", "default", "theirs", False),
        ("patch", "nodes/status", "", "n1", True),
        ("patch", "nodes", "", "n2", False),
        ("patch", "pods/status", "default", "mine", True),
        ("patch", "pods/status", "default", "theirs", False),
        ("patch", "pods", "default", "mine", False),
        ("deletecollection", "pods", "default", "", False),
        ("update", "pods/status", "default", "theirs", False),
        ("get", "pods", "default", "free", False),
        ("delete", "pods", "default", "gone", True),
        ("get", "secrets", "default", "key", True),
        ("get", "secrets", "default", "other", False),
        ("get", "secrets", "team", "key", False),
        ("get", "configmaps", "default", "key", False),
        ("update", "secrets", "default", "key", False),
        ("create", "pods/exec", "default", "mine", False),
    ],
)
def test_a_node_touches_its_own(verb: str, path: str, namespace: str, name: str, may: bool) -> None:
    assert allowed(NODE, verb, path, namespace, name) is may


def test_a_node_lists_only_what_the_selector_holds_to_be_its_own() -> None:
    assert allowed(NODE, "list", "pods", "", spec_nodeName="n1")
    assert not allowed(NODE, "list", "pods", "", spec_nodeName="n2")
    assert not allowed(NODE, "watch", "pods", "")
    assert allowed(NODE, "watch", "secrets", "default", metadata_name="key")
    assert not allowed(NODE, "list", "secrets", "default")


def test_a_node_certificate_without_the_group_is_nobodys() -> None:
    assert not allowed(User("system:node:n1", frozenset()), "get", "nodes", "", "n1")


def test_refusals_are_worded_as_in_kubernetes() -> None:
    refused = Attributes("get", "", "pods", "team", "web", "log")
    assert denial(NOBODY, refused, Bound()) == (
        'pods "web" is forbidden: User "jane" cannot get resource "pods/log" in API group "" in the namespace "team"'
    )
    assert denial(NOBODY, Attributes("list", "apps", "deployments"), Bound()) == (
        'deployments.apps is forbidden: User "jane" cannot list resource "deployments" in API group "apps" '
        "at the cluster scope"
    )
