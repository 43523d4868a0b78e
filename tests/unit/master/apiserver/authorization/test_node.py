from __future__ import annotations

import pytest

from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes
from master.apiserver.authorization.node import decide, node_of

GROUPS = {
    "leases": "coordination.k8s.io",
    "certificatesigningrequests": "certificates.k8s.io",
    "csinodes": "storage.k8s.io",
    "resourceclaims": "resource.k8s.io",
    "resourceslices": "resource.k8s.io",
}


USED = {
    ("secrets", "key"),
    ("persistentvolumeclaims", "claim"),
    ("serviceaccounts", "robot"),
    ("resourceclaims", "gpu"),
    ("resourceslices", "gpus"),
}


class Bound:
    """Pod default/mine on n1 uses these; pod default/theirs is on n2, default/free nowhere."""

    def node_of(self, namespace: str, pod: str) -> str | None:
        return {"mine": "n1", "theirs": "n2", "free": ""}.get(pod) if namespace == "default" else None

    def uses(self, node: str, resource: str, namespace: str, name: str) -> bool:
        return (node, namespace) in (("n1", "default"), ("n1", "")) and (resource, name) in USED


def verdict(verb: str, path: str, namespace: str = "default", name: str = "", **fields: str) -> tuple[bool, str]:
    resource, _, subresource = path.partition("/")
    selected = {key.replace("_", "."): value for key, value in fields.items()}
    name = name or selected.get("metadata.name", "")
    wanted = Attributes(verb, GROUPS.get(resource, ""), resource, namespace, name, subresource, selected)
    return decide("n1", wanted, Bound())


def allowed(verb: str, path: str, namespace: str = "default", name: str = "", **fields: str) -> bool:
    return verdict(verb, path, namespace, name, **fields)[0]


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
        ("update", "csinodes", "", "n1", True),
        ("create", "csinodes", "", "", True),
        ("get", "csinodes", "", "n2", False),
        ("list", "csinodes", "", "", False),
        ("get", "resourceclaims", "default", "gpu", True),
        ("get", "resourceclaims", "default", "other", False),
        ("list", "resourceclaims", "default", "gpu", False),
        ("update", "resourceclaims/status", "default", "gpu", False),
        ("create", "resourceslices", "", "", True),
        ("patch", "resourceslices", "", "gpus", True),
        ("delete", "resourceslices", "", "other", False),
        ("update", "resourceslices/status", "", "gpus", False),
        ("list", "resourceslices", "", "", False),
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
        ("get", "persistentvolumeclaims", "default", "claim", True),
        ("list", "persistentvolumeclaims", "default", "claim", False),
        ("get", "persistentvolumeclaims", "default", "other", False),
        ("update", "persistentvolumeclaims", "default", "claim", False),
        ("update", "persistentvolumeclaims/status", "default", "claim", True),
        ("patch", "persistentvolumeclaims/status", "default", "other", False),
        ("delete", "persistentvolumeclaims/status", "default", "claim", False),
        ("create", "serviceaccounts/token", "default", "robot", True),
        ("create", "serviceaccounts/token", "default", "other", False),
        ("create", "serviceaccounts/token", "default", "", False),
        ("get", "serviceaccounts", "default", "robot", False),
        ("create", "pods/eviction", "default", "mine", True),
        ("create", "pods/eviction", "default", "theirs", False),
        ("create", "certificatesigningrequests", "", "", True),
        ("update", "certificatesigningrequests", "", "x", False),
        ("create", "nodes", "", "", True),
        ("create", "leases", "kube-node-lease", "", True),
        ("list", "leases", "kube-node-lease", "", False),
        ("get", "secrets", "team", "key", False),
        ("get", "configmaps", "default", "key", False),
        ("update", "secrets", "default", "key", False),
        ("create", "pods/exec", "default", "mine", False),
    ],
)
def test_a_node_touches_its_own(verb: str, path: str, namespace: str, name: str, may: bool) -> None:
    assert allowed(verb, path, namespace, name) is may


def test_a_node_lists_only_what_the_selector_holds_to_be_its_own() -> None:
    assert allowed("list", "pods", "", spec_nodeName="n1")
    assert not allowed("list", "pods", "", spec_nodeName="n2")
    assert not allowed("list", "pods", "", metadata_name="web")
    assert not allowed("watch", "pods", "default", metadata_name="not-there-yet")
    assert not allowed("watch", "pods", "")
    assert allowed("watch", "secrets", "default", metadata_name="key")
    assert not allowed("list", "secrets", "default")


def test_only_who_is_in_the_nodes_group_is_a_node() -> None:
    assert node_of(User("system:node:n1", frozenset({"system:nodes"}))) == "n1"
    assert node_of(User("system:node:n1", frozenset())) == ""
    assert node_of(User("jane", frozenset({"system:nodes"}))) == ""


@pytest.mark.parametrize(
    ("verb", "path", "namespace", "name", "why"),
    [
        ("get", "secrets", "default", "other", "no relationship found between node 'n1' and this object"),
        ("list", "secrets", "default", "", "No Object name found"),
        ("update", "secrets", "default", "key", "can only read resources of this type"),
        ("list", "pods", "", "", "can only list/watch pods with spec.nodeName field selector"),
        ("get", "leases", "default", "n1", 'can only access leases in the "kube-node-lease" system namespace'),
        ("update", "nodes", "", "n2", 'node "n1" is not allowed to modify node "n2"'),
        ("delete", "services", "default", "web", ""),
    ],
)
def test_a_refusal_says_why(verb: str, path: str, namespace: str, name: str, why: str) -> None:
    assert verdict(verb, path, namespace, name) == (False, why)


def test_of_resource_slices_a_node_touches_those_that_are_about_it() -> None:
    for verb in ("list", "watch", "deletecollection"):
        assert allowed(verb, "resourceslices", "", spec_nodeName="n1")
        assert not allowed(verb, "resourceslices", "", spec_nodeName="n2")
        assert not allowed(verb, "resourceslices", "")
    assert not allowed("escalate", "resourceslices", "")
