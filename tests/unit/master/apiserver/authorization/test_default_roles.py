from __future__ import annotations

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.builtin_kinds import validate_create

from master.apiserver.app.default_rbac import defaults
from master.apiserver.authorization import Attributes
from master.apiserver.authorization.component_roles import COMPONENT_BINDINGS, component_roles
from master.apiserver.authorization.controller_roles import CONTROLLER_BINDINGS, CONTROLLER_ROLES
from master.apiserver.authorization.default_roles import USER_BINDINGS, user_roles
from master.apiserver.authorization.rules import Role
from podlab.kinds import builtin
from podlab.rbac.v1 import rbac_pb2

ROLES = {
    one.metadata.name: Role(one.rules) for one in defaults(builtin.catalog()) if isinstance(one, rbac_pb2.ClusterRole)
}


def may(role: str, verb: str, what: str) -> bool:
    """`what` is a path, or a resource by the name by which people call it."""
    if what.startswith("/"):
        return ROLES[role].allows(Attributes(verb, path=what))
    resource, _, subresource = what.partition("/")
    group = {"tokens": ""}.get(resource) or next(
        (kind.group for kind in builtin_kinds.STORED if kind.plural == resource), ""
    )
    return ROLES[role].allows(Attributes(verb, group, resource, "team", "x", subresource))


# What view, edit and admin may do in a namespace, as Kubernetes documents them.
USERS = """
    get     pods                          view edit admin
    watch   deployments                   view edit admin
    get     configmaps                    view edit admin
    get     pods/log                      view edit admin
    list    events                        view edit admin
    list    endpointslices                view edit admin
    get     namespaces                    view edit admin
    list    resourcequotas                view edit admin
    get     deployments/scale             view edit admin
    get     replicationcontrollers/scale  view edit admin
    get     namespaces/status             view edit admin
    get     jobs/status                   view edit admin
    get     pods/status                   view edit admin
    get     bindings                      view edit admin
    get     pods/exec                     edit admin
    get     pods/attach                   edit admin
    patch   statefulsets/scale            edit admin
    update  deployments/status
    get     pods/ephemeralcontainers
    get     daemonsets/scale
    get     secrets                       edit admin
    list    secrets                       edit admin
    create  pods                          edit admin
    delete  deployments                   edit admin
    patch   deployments/scale             edit admin
    create  pods/exec                     edit admin
    create  pods/portforward              edit admin
    create  pods/eviction                 edit admin
    create  serviceaccounts/token         edit admin
    impersonate serviceaccounts           edit admin
    update  configmaps                    edit admin
    update  leases                        edit admin
    get     roles                         admin
    create  rolebindings                  admin
    update  pods/status
    update  resourcequotas
    create  limitranges
    create  endpoints
    delete  namespaces
    get     nodes
    list    clusterroles
    get     persistentvolumes
    impersonate users
    get     /metrics
"""


@pytest.mark.parametrize("line", USERS.strip().splitlines())
def test_view_edit_and_admin_may_do_what_kubernetes_says(line: str) -> None:
    verb, what, *allowed = line.split()
    assert [role for role in ("view", "edit", "admin") if may(role, verb, what)] == allowed
    assert may("cluster-admin", verb, what)


@pytest.mark.parametrize(
    ("role", "verb", "what", "allowed"),
    [
        ("system:kube-scheduler", "watch", "pods", True),
        ("system:kube-scheduler", "create", "pods/binding", True),
        ("system:kube-scheduler", "update", "pods/status", True),
        ("system:kube-scheduler", "create", "events", True),
        ("system:kube-scheduler", "list", "secrets", False),
        ("system:kube-scheduler", "update", "nodes", False),
        ("system:kube-scheduler", "create", "pods", False),
        ("system:kube-controller-manager", "delete", "pods", True),
        ("system:kube-controller-manager", "create", "replicasets", True),
        ("system:kube-controller-manager", "update", "deployments/status", True),
        ("system:kube-controller-manager", "update", "nodes/status", True),
        ("system:kube-controller-manager", "delete", "clusterrolebindings", True),
        ("system:kube-controller-manager", "escalate", "clusterroles", True),
        ("system:kube-controller-manager", "create", "pods/exec", False),
        ("system:kube-controller-manager", "get", "pods/exec", False),
        ("system:kube-controller-manager", "create", "serviceaccounts/token", True),
        ("system:kube-controller-manager", "create", "clusterrolebindings", False),
        ("system:kube-controller-manager", "create", "deployments", False),
        ("system:kube-controller-manager", "impersonate", "users", False),
        ("system:kube-controller-manager", "bind", "clusterroles", False),
        ("system:kube-controller-manager", "watch", "widgets", True),
        ("system:controller:deployment-controller", "create", "replicasets", True),
        ("system:controller:deployment-controller", "delete", "deployments", False),
        ("system:controller:generic-garbage-collector", "patch", "widgets", True),
        ("system:controller:generic-garbage-collector", "create", "pods", False),
        ("system:controller:horizontal-pod-autoscaler", "update", "statefulsets/scale", True),
        ("system:controller:horizontal-pod-autoscaler", "update", "statefulsets", False),
        ("system:controller:namespace-controller", "deletecollection", "secrets", True),
        ("system:controller:root-ca-cert-publisher", "create", "configmaps", True),
        ("system:controller:root-ca-cert-publisher", "list", "configmaps", False),
        ("system:node-proxier", "watch", "servicecidrs", True),
        ("system:node-proxier", "watch", "endpointslices", True),
        ("system:node-proxier", "create", "events", True),
        ("system:node-proxier", "list", "pods", False),
        ("system:node-proxier", "update", "services", False),
        ("podlab:network-policies", "watch", "networkpolicies", True),
        ("podlab:network-policies", "list", "pods", True),
        ("podlab:network-policies", "update", "pods", False),
        ("podlab:network-policies", "list", "secrets", False),
        ("system:discovery", "get", "/apis/apps/v1", True),
        ("system:discovery", "get", "/openapi/v3", True),
        ("system:discovery", "get", "/metrics", False),
        ("system:public-info-viewer", "get", "/readyz", True),
        ("system:public-info-viewer", "get", "/api", False),
        ("system:monitoring", "get", "/metrics", True),
    ],
)
def test_each_component_has_what_its_work_needs(role: str, verb: str, what: str, allowed: bool) -> None:
    assert may(role, verb, what) is allowed


def test_defaults_are_valid_and_each_binding_has_its_role() -> None:
    for one in (
        *user_roles(builtin.catalog()),
        *component_roles(builtin.catalog()),
        *CONTROLLER_ROLES,
        *USER_BINDINGS,
        *COMPONENT_BINDINGS,
        *CONTROLLER_BINDINGS,
    ):
        assert validate_create(one) == ()
        assert one.metadata.labels["kubernetes.io/bootstrapping"] == "rbac-defaults"
    bindings = (*USER_BINDINGS, *COMPONENT_BINDINGS, *CONTROLLER_BINDINGS)
    assert {one.roleRef.name for one in bindings} <= ROLES.keys()


def test_anonymous_callers_are_given_health_and_version_only() -> None:
    given = [one.roleRef.name for one in USER_BINDINGS if "system:unauthenticated" in {s.name for s in one.subjects}]
    assert given == ["system:public-info-viewer"]
