from __future__ import annotations

import pytest

from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes
from master.apiserver.flowcontrol import priority_levels
from master.apiserver.request.info import RequestInfo

ALL = "system:authenticated"
CASES = {
    "an administrator": ("root", ("system:masters", ALL), "get", "", "pods", "default", None),
    "a kubelet's heartbeat": ("system:node:n1", ("system:nodes", ALL), "update", "coordination.k8s.io", "leases",
                              "kube-node-lease", priority_levels.NODE_HIGH),
    "a kubelet's node": ("system:node:n1", ("system:nodes", ALL), "patch", "", "nodes", "", priority_levels.NODE_HIGH),
    "a kubelet's pods": ("system:node:n1", ("system:nodes", ALL), "list", "", "pods", "", priority_levels.SYSTEM),
    "the scheduler's lease": ("system:kube-scheduler", (ALL,), "update", "coordination.k8s.io", "leases",
                              "kube-system", priority_levels.LEADER_ELECTION),
    "the scheduler": ("system:kube-scheduler", (ALL,), "create", "", "pods", "default", priority_levels.WORKLOAD_HIGH),
    "a user's lease": ("jane", (ALL,), "update", "coordination.k8s.io", "leases", "kube-system",
                       priority_levels.GLOBAL_DEFAULT),
    "a system service account": ("system:serviceaccount:kube-system:dns",
                                 ("system:serviceaccounts", "system:serviceaccounts:kube-system", ALL),
                                 "list", "", "pods", "", priority_levels.WORKLOAD_HIGH),
    "a service account": ("system:serviceaccount:shop:web", ("system:serviceaccounts", ALL), "list", "", "pods",
                          "shop", priority_levels.WORKLOAD_LOW),
    "a user": ("jane", (ALL,), "list", "", "pods", "shop", priority_levels.GLOBAL_DEFAULT),
    "somebody": ("system:anonymous", ("system:unauthenticated",), "list", "", "pods", "",
                 priority_levels.GLOBAL_DEFAULT),
    "nobody": ("", (), "list", "", "pods", "", priority_levels.CATCH_ALL),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_request_has_its_level(name: str) -> None:
    user, groups, verb, group, resource, namespace, level = CASES[name]
    wanted = Attributes(verb, group, resource, namespace)
    asked = RequestInfo(User(user, frozenset(groups)), (wanted,), "/apis/x", verb)
    assert priority_levels.level(asked) == level


def test_probes_never_wait() -> None:
    asked = RequestInfo(User("system:anonymous", frozenset({"system:unauthenticated"})), (), "/readyz?verbose", "get")
    assert priority_levels.level(asked) is None


def test_seats_are_those_of_kubernetes() -> None:
    assert {each.name: each.seats for each in priority_levels.LEVELS} == {
        "system": 74,
        "node-high": 98,
        "leader-election": 25,
        "workload-high": 98,
        "workload-low": 245,
        "global-default": 49,
        "catch-all": 13,
    }
