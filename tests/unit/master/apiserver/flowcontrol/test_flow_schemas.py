from __future__ import annotations

from collections.abc import Sequence

import pytest

from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes
from master.apiserver.flowcontrol import flow_schemas
from master.apiserver.request.info import RequestInfo
from podlab.flowcontrol.v1.flowschema_pb2 import FlowSchema
from podlab.flowcontrol.v1.prioritylevelconfiguration_pb2 import PriorityLevelConfiguration

ALL = "system:authenticated"
CASES = {
    "an administrator": ("root", ("system:masters", ALL), "get", "", "pods", "default", "exempt"),
    "a kubelet's heartbeat": ("system:node:n1", ("system:nodes", ALL), "update", "coordination.k8s.io", "leases",
                              "kube-node-lease", "node-high"),
    "a kubelet's node": ("system:node:n1", ("system:nodes", ALL), "patch", "", "nodes", "", "node-high"),
    "a kubelet's pods": ("system:node:n1", ("system:nodes", ALL), "list", "", "pods", "", "system"),
    "the scheduler's lease": ("system:kube-scheduler", (ALL,), "update", "coordination.k8s.io", "leases",
                              "kube-system", "leader-election"),
    "the scheduler": ("system:kube-scheduler", (ALL,), "create", "", "pods", "default", "workload-high"),
    "a user's lease": ("jane", (ALL,), "update", "coordination.k8s.io", "leases", "kube-system",
                       "global-default"),
    "a system service account": ("system:serviceaccount:kube-system:dns",
                                 ("system:serviceaccounts", "system:serviceaccounts:kube-system", ALL),
                                 "list", "", "pods", "", "workload-high"),
    "a service account": ("system:serviceaccount:shop:web", ("system:serviceaccounts", ALL), "list", "", "pods",
                          "shop", "workload-low"),
    "a user": ("jane", (ALL,), "list", "", "pods", "shop", "global-default"),
    "somebody": ("system:anonymous", ("system:unauthenticated",), "list", "", "pods", "",
                 "global-default"),
    "nobody": ("", (), "list", "", "pods", "", "catch-all"),
}  # fmt: skip


JANE = User("jane", frozenset({ALL, "shop"}))
WEB = User("system:serviceaccount:shop:web", frozenset({"system:serviceaccounts", ALL}))


def about(user: User, wanted: Attributes) -> RequestInfo:
    return RequestInfo(user, (wanted,), "/apis/x", wanted.verb)


def at_path(user: User, path: str) -> RequestInfo:
    return RequestInfo(user, (Attributes("get", path=path),), path, "get")


@pytest.mark.parametrize("name", CASES)
def test_each_request_has_its_level_by_default(name: str) -> None:
    user, groups, verb, group, resource, namespace, level = CASES[name]
    asked = about(User(user, frozenset(groups)), Attributes(verb, group, resource, namespace))
    assert flow_schemas.defaults().classify(asked).level.name == level


def test_probes_never_wait() -> None:
    somebody = User("system:anonymous", frozenset({"system:unauthenticated"}))
    assert flow_schemas.defaults().classify(at_path(somebody, "/readyz?verbose")).level.exempt


def level(name: str) -> PriorityLevelConfiguration:
    made = PriorityLevelConfiguration()
    made.metadata.name, made.spec.type = name, "Limited"
    return made


def schema(
    name: str,
    subject: str,
    *,
    level: str = "mine",
    precedence: int = 50,
    verbs: str = "*",
    groups: Sequence[str] = ("*",),
    resources: str = "*",
    namespaces: str = "*",
    clusterwide: bool = False,
    paths: str = "",
    distinguisher: str = "",
) -> FlowSchema:
    """`subject` is `User jane`, `Group shop` or `ServiceAccount shop web`."""
    made = FlowSchema()
    made.metadata.name, made.spec.matchingPrecedence = name, precedence
    made.spec.priorityLevelConfiguration.name = level
    if distinguisher:
        made.spec.distinguisherMethod.type = distinguisher
    rule = made.spec.rules.add()
    kind, *words = subject.split()
    who = rule.subjects.add(kind=kind)
    if kind == "User":
        who.user.name = words[0]
    elif kind == "Group":
        who.group.name = words[0]
    else:
        who.serviceAccount.namespace, who.serviceAccount.name = words
    if paths:
        rule.nonResourceRules.add(verbs=verbs.split(), nonResourceURLs=paths.split())
    else:
        rule.resourceRules.add(
            verbs=verbs.split(),
            apiGroups=groups,
            resources=resources.split(),
            namespaces=namespaces.split(),
            clusterScope=clusterwide,
        )
    return made


PODS = about(JANE, Attributes("list", "", "pods", "shop"))
NODES = about(JANE, Attributes("list", "", "nodes"))
MATCHING = {
    "a user": (schema("x", "User jane"), PODS, True),
    "another user": (schema("x", "User john"), PODS, False),
    "every user": (schema("x", "User *"), PODS, True),
    "a group": (schema("x", "Group shop"), PODS, True),
    "another group": (schema("x", "Group ship"), PODS, False),
    "every group": (schema("x", "Group *"), PODS, True),
    "an account": (schema("x", "ServiceAccount shop web"), about(WEB, PODS.wanted[0]), True),
    "every account of a namespace": (schema("x", "ServiceAccount shop *"), about(WEB, PODS.wanted[0]), True),
    "an account of another namespace": (schema("x", "ServiceAccount ship web"), about(WEB, PODS.wanted[0]), False),
    "a user for an account": (schema("x", "ServiceAccount shop *"), PODS, False),
    "a verb": (schema("x", "User jane", verbs="get list"), PODS, True),
    "another verb": (schema("x", "User jane", verbs="get"), PODS, False),
    "another group of kinds": (schema("x", "User jane", groups=("apps",)), PODS, False),
    "a resource": (schema("x", "User jane", resources="pods"), PODS, True),
    "a subresource": (
        schema("x", "User jane", resources="pods/log"),
        about(JANE, Attributes("get", "", "pods", "shop", "web", "log")),
        True,
    ),
    "the resource for its subresource": (
        schema("x", "User jane", resources="pods"),
        about(JANE, Attributes("get", "", "pods", "shop", "web", "log")),
        False,
    ),
    "a namespace": (schema("x", "User jane", namespaces="shop"), PODS, True),
    "another namespace": (schema("x", "User jane", namespaces="ship"), PODS, False),
    "all namespaces for what is in none": (schema("x", "User jane"), NODES, False),
    "what is in no namespace": (schema("x", "User jane", clusterwide=True), NODES, True),
    "a path": (schema("x", "User jane", paths="/version"), at_path(JANE, "/version"), True),
    "what is below a path": (schema("x", "User jane", paths="/openapi/*"), at_path(JANE, "/openapi/v3"), True),
    "another path": (schema("x", "User jane", paths="/version"), at_path(JANE, "/versions"), False),
    "all paths for an object": (schema("x", "User jane", paths="*"), PODS, False),
}


@pytest.mark.parametrize("name", MATCHING)
def test_a_schema_says_which_requests_it_is_about(name: str) -> None:
    made, asked, matches = MATCHING[name]
    found = flow_schemas.configuration([level("mine")], [made]).classify(asked)
    assert (found.level.name, found.schema) == (("mine", "x") if matches else ("catch-all", "catch-all"))


def test_the_first_that_matches_counts() -> None:
    made = [
        schema("late", "User jane", precedence=60),
        schema("b", "User jane"),
        schema("a", "User jane"),
        schema("dangling", "User jane", level="gone", precedence=2),
    ]
    assert flow_schemas.configuration([level("mine")], made).classify(PODS).schema == "a"


@pytest.mark.parametrize(("method", "told"), [("ByUser", "jane"), ("ByNamespace", "shop"), ("", "")])
def test_flows_are_told_apart_as_the_schema_says(method: str, told: str) -> None:
    made = flow_schemas.configuration([level("mine")], [schema("x", "User jane", distinguisher=method)])
    assert [made.classify(PODS).distinguisher for _ in range(2)] == [told, told]


def test_without_any_objects_there_are_the_mandatory_ones() -> None:
    empty = flow_schemas.configuration([], [])
    assert empty.classify(PODS).level.name == "catch-all"
    assert empty.classify(about(User("root", frozenset({"system:masters"})), PODS.wanted[0])).level.exempt
