"""Scheduling cases about labels: operators, fields, added affinity, tolerations, spread and neighbours by place.

From what Kubernetes documents: https://kubernetes.io/docs/concepts/scheduling-eviction/
"""

import pytest
from podlab_testing.scheduling import (
    AFFINITY,
    ENFORCED,
    EXISTING,
    HOST,
    NAMED,
    SELECTOR,
    SKEW,
    TAINT,
    Case,
    Fields,
    check,
    match,
    node_selector,
    node_term,
    pod_affinity,
    pod_anti_affinity,
    pod_term,
    required_node_affinity,
    spread,
    spread_constraint,
    tolerations,
    unavailable,
)

from master.scheduler.config import plugin_args
from master.scheduler.config.profile import Profile, WeightedScore

WEB = {"labels": {"app": "web"}}


GENERATIONS = ["a gen=-3", "b gen=12", "c gen=1.5", "d gen=", "e"]
OPERATORS = [
    Case("Lt of a negative number", GENERATIONS, required_node_affinity(node_term(match("gen", "Lt", "0"))), "a"),
    Case("Gt of a negative number", GENERATIONS, required_node_affinity(node_term(match("gen", "Gt", "-4"))), "a b"),
    Case(
        "Gt and Lt are a range",
        GENERATIONS,
        required_node_affinity(node_term(match("gen", "Gt", "0"), match("gen", "Lt", "20"))),
        "b",
    ),
    Case("a fraction is no number", GENERATIONS, required_node_affinity(node_term(match("gen", "Gt", "1"))), "b"),
    Case(
        "an empty value is a value", GENERATIONS, required_node_affinity(node_term(match("gen", "Exists"))), "a b c d"
    ),
    Case(
        "In of several values",
        GENERATIONS,
        required_node_affinity(node_term(match("gen", "In", "12", "1.5", "7"))),
        "b c",
    ),
    Case(
        "NotIn of several values",
        GENERATIONS,
        required_node_affinity(node_term(match("gen", "NotIn", "12", "1.5"))),
        "a d e",
    ),
    Case(
        "NotIn and Exists",
        GENERATIONS,
        required_node_affinity(node_term(match("gen", "NotIn", "12", "1.5"), match("gen", "Exists"))),
        "a d",
    ),
    Case(
        "what contradicts itself",
        GENERATIONS,
        required_node_affinity(node_term(match("gen", "Exists"), match("gen", "DoesNotExist"))),
        message=unavailable(5, f"5 {SELECTOR}"),
    ),
    Case(
        "a term with labels or one with a name",
        GENERATIONS,
        required_node_affinity(
            node_term(match("gen", "Gt", "0")), node_term(fields=[match("metadata.name", "In", "e")])
        ),
        "b e",
    ),
    Case(
        "names in two terms",
        GENERATIONS,
        required_node_affinity(
            node_term(fields=[match("metadata.name", "In", "a")]), node_term(fields=[match("metadata.name", "In", "b")])
        ),
        "a b",
    ),
    Case(
        "not that name, but that label",
        GENERATIONS,
        required_node_affinity(node_term(match("gen", "Exists"), fields=[match("metadata.name", "NotIn", "b")])),
        "a c d",
    ),
    Case("a selector with a value that is empty", GENERATIONS, {"nodeSelector": {"gen": ""}}, "d"),
    Case(
        "a cordoned node that matches",
        ["a gen=1 cordoned", "b"],
        required_node_affinity(node_term(match("gen", "Exists"))),
        message=unavailable(2, f"1 {SELECTOR}", "1 node(s) were unschedulable"),
    ),
]
HARD = ["a !k=v:NoSchedule !l=w:NoExecute"]
ANY = {"operator": "Exists"}
TOLERATIONS = [
    Case(
        "each taint needs a toleration",
        HARD,
        tolerations({"key": "k", "operator": "Exists"}),
        message=unavailable(1, f"1 {TAINT}"),
    ),
    Case("one for each", HARD, tolerations({"key": "k", "value": "v"}, {"key": "l", "operator": "Exists"}), "a"),
    Case(
        "everything of one effect",
        HARD,
        tolerations({**ANY, "effect": "NoExecute"}),
        message=unavailable(1, f"1 {TAINT}"),
    ),
    Case(
        "everything of each effect",
        HARD,
        tolerations({**ANY, "effect": "NoExecute"}, {**ANY, "effect": "NoSchedule"}),
        "a",
    ),
    Case(
        "an empty value is not any value",
        ["a !k=v:NoSchedule"],
        tolerations({"key": "k", "value": ""}),
        message=unavailable(1, f"1 {TAINT}"),
    ),
    Case(
        "a taint of two effects under one key",
        ["a !k=v:NoSchedule !k=v:NoExecute"],
        tolerations({"key": "k", "value": "v", "effect": "NoSchedule"}),
        message=unavailable(1, f"1 {TAINT}"),
    ),
    Case(
        "a soft and a hard taint",
        ["a !k:PreferNoSchedule !l:NoSchedule"],
        {},
        message=unavailable(1, f"1 {TAINT}"),
    ),
    Case(
        "a tolerated cordon is no reason against a node",
        ["a cordoned", "b cordoned cpu=2"],
        {**tolerations({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", **ANY}), "cpu": "3"},
        "a",
    ),
    Case(
        "tolerating the cordon's taint for eviction does not help",
        ["a cordoned"],
        tolerations({"key": "node.kubernetes.io/unschedulable", "effect": "NoExecute", **ANY}),
        message=unavailable(1, "1 node(s) were unschedulable"),
    ),
]


@pytest.mark.parametrize("case", [*OPERATORS, *TOLERATIONS], ids=lambda case: case.name)
def test_nodes(case: Case) -> None:
    check(case)


def adding(**affinity: object) -> Profile:
    plugin = plugin_args.node_affinity({"addedAffinity": affinity}, "args")
    return Profile("default-scheduler", (plugin,), (WeightedScore(plugin, 1),))


POOL = node_selector(node_term(match("pool", "In", "x")))
ADDED = [
    (
        Case(
            "added and own both hold",
            ["a pool=x", "b pool=x disk=ssd", "c disk=ssd"],
            {"nodeSelector": {"disk": "ssd"}},
            "b",
        ),
        POOL,
    ),
    (
        Case(
            "what is enforced is told first",
            ["a", "b pool=x"],
            {"nodeSelector": {"disk": "ssd"}},
            message=unavailable(2, f"1 {ENFORCED}", f"1 {SELECTOR}"),
        ),
        POOL,
    ),
    (
        Case(
            "a node that the pod does not name is told so",
            ["a", "b"],
            required_node_affinity(node_term(fields=[match("metadata.name", "In", "b")])),
            message=unavailable(2, f"1 {NAMED}", f"1 {ENFORCED}"),
        ),
        POOL,
    ),
    (
        Case("an added wish draws", ["a pool=x", "b"], {}, "a b", "a"),
        {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 1, "preference": node_term(match("pool", "In", "x"))}
            ]
        },
    ),
]


@pytest.mark.parametrize(("case", "added"), ADDED, ids=lambda each: getattr(each, "name", ""))
def test_added_affinity(case: Case, added: Fields) -> None:
    check(case, adding(**added))


THREE = ["a zone=x", "b zone=y", "c zone=z"]
TAINTED = ["a zone=x", "b zone=y !k:NoSchedule"]
SPREADS = [
    Case("2, 1 and none", THREE, spread(spread_constraint()), "c", existing={"a": [WEB, WEB], "b": [WEB]}),
    Case(
        "2, 1 and none with a skew of 2",
        THREE,
        spread(spread_constraint(2)),
        "b c",
        existing={"a": [WEB, WEB], "b": [WEB]},
    ),
    Case("fewer places than asked for, all empty", THREE, spread(spread_constraint(minDomains=4)), "a b c"),
    Case(
        "fewer than asked for, one empty",
        THREE,
        spread(spread_constraint(minDomains=4)),
        "c",
        existing={"a": [WEB], "b": [WEB]},
    ),
    Case(
        "fewer than asked for, and a larger skew",
        THREE,
        spread(spread_constraint(2, minDomains=4)),
        "a b c",
        existing={"a": [WEB], "b": [WEB], "c": [WEB]},
    ),
    Case(
        "nodes that the pod is kept from are no places to ask for",
        THREE,
        spread(spread_constraint(minDomains=3), nodeSelector={"zone": "x"}),
        message=unavailable(3, f"1 {SKEW}", f"2 {SELECTOR}"),
        existing={"a": [WEB]},
    ),
    Case(
        "but are if affinity is ignored",
        THREE,
        spread(spread_constraint(2, minDomains=3, nodeAffinityPolicy="Ignore"), nodeSelector={"zone": "x"}),
        "a",
        existing={"a": [WEB], "b": [WEB], "c": [WEB]},
    ),
    Case(
        "required affinity is honored like a selector",
        THREE,
        spread(spread_constraint(), **required_node_affinity(node_term(match("zone", "In", "x", "y")))),
        "b",
        existing={"a": [WEB]},
    ),
    Case(
        "affinity ignored, taints honored",
        TAINTED,
        spread(spread_constraint(nodeAffinityPolicy="Ignore", nodeTaintsPolicy="Honor"), nodeSelector={"zone": "x"}),
        "a",
        existing={"a": [WEB]},
    ),
    Case(
        "a taint that is tolerated is honored as none",
        TAINTED,
        spread(spread_constraint(nodeTaintsPolicy="Honor"), tolerations=[ANY]),
        "b",
        existing={"a": [WEB]},
    ),
    Case(
        "a soft taint takes no place away",
        ["a zone=x", "b zone=y !k:PreferNoSchedule"],
        spread(spread_constraint(nodeTaintsPolicy="Honor")),
        "b",
        existing={"a": [WEB]},
    ),
    Case(
        "taints honored for one constraint and not for the other",
        TAINTED,
        spread(spread_constraint(nodeTaintsPolicy="Honor"), spread_constraint(key=HOST)),
        message=unavailable(2, f"1 {SKEW}", f"1 {TAINT}"),
        existing={"a": [WEB]},
    ),
    Case(
        "a key of nodes that no node has",
        THREE,
        spread(spread_constraint(key="rack")),
        message=unavailable(3, f"3 {SKEW} (missing required label)"),
    ),
    Case(
        "a node that lacks the label of one constraint",
        ["a zone=x rack=1", "b zone=y", "c zone=z rack=2"],
        spread(spread_constraint(), spread_constraint(key="rack")),
        "c",
        existing={"a": [WEB]},
    ),
    Case(
        "an expression selects",
        THREE,
        spread(spread_constraint(labelSelector={"matchExpressions": [match("app", "In", "web", "api")]})),
        "c",
        existing={"a": [{"labels": {"app": "api"}}], "b": [WEB]},
    ),
    Case(
        "DoesNotExist counts those without",
        THREE,
        {**spread(spread_constraint(labelSelector={"matchExpressions": [match("app", "DoesNotExist")]})), "labels": {}},
        "b c",
        existing={"a": [{}], "b": [WEB]},
    ),
    Case(
        "two keys of the pod's labels",
        THREE,
        {
            **spread(spread_constraint(matchLabelKeys=["hash", "track"])),
            "labels": {"app": "web", "hash": "1", "track": "s"},
        },
        "b c",
        existing={
            "a": [{"labels": {"app": "web", "hash": "1", "track": "s"}}],
            "b": [{"labels": {"app": "web", "hash": "1", "track": "c"}}],
        },
    ),
    Case(
        "anyway: over zones and nodes",
        ["a zone=x", "b zone=x", "c zone=y", "d zone=y"],
        spread(spread_constraint(when="ScheduleAnyway"), spread_constraint(key=HOST, when="ScheduleAnyway")),
        "a b c d",
        "d",
        existing={"a": [WEB], "b": [WEB], "c": [WEB]},
    ),
    Case(
        "anyway, but not at any price",
        THREE,
        spread(spread_constraint(when="ScheduleAnyway"), spread_constraint(key=HOST)),
        "b c",
        existing={"a": [WEB]},
    ),
]


TWO = {"hash": "2", "app": "web"}
NEIGHBOURS = [
    Case(
        "NotIn means pods without the label too",
        THREE,
        pod_affinity(pod_term(expressions=[match("app", "NotIn", "db")])),
        "a b",
        existing={"a": [WEB], "b": [{}], "c": [{"labels": {"app": "db"}}]},
    ),
    Case(
        "DoesNotExist",
        THREE,
        pod_anti_affinity(pod_term(expressions=[match("app", "DoesNotExist")])),
        "b c",
        existing={"a": [{}], "b": [WEB]},
    ),
    Case(
        "Exists",
        THREE,
        pod_anti_affinity(pod_term(expressions=[match("app", "Exists")])),
        "a c",
        existing={"a": [{}], "b": [WEB]},
    ),
    Case(
        "of another hash: what mismatchLabelKeys becomes",
        THREE,
        {
            "labels": TWO,
            **pod_affinity(
                {
                    "labelSelector": {"matchLabels": {"app": "web"}, "matchExpressions": [match("hash", "NotIn", "2")]},
                    "topologyKey": "zone",
                }
            ),
        },
        "a",
        existing={"a": [{"labels": {"app": "web", "hash": "1"}}], "b": [{"labels": TWO}]},
    ),
    Case(
        "two racks, and a node in none",
        ["a rack=1", "b rack=2", "c"],
        pod_anti_affinity(pod_term(expressions=[match("app", "Exists")], key="rack")),
        "b c",
        existing={"a": [WEB], "c": [WEB]},
    ),
    Case(
        "a place of its own for each node",
        ["a rack=1", "b rack=2", "c rack=3"],
        pod_anti_affinity(pod_term(expressions=[match("app", "Exists")], key="rack")),
        "b",
        existing={"a": [WEB], "c": [WEB, WEB]},
    ),
    Case(
        "together in a place of its own",
        ["a rack=1", "b rack=2"],
        pod_affinity(pod_term(expressions=[match("app", "Exists")], key="rack")),
        "b",
        existing={"b": [WEB]},
    ),
    Case(
        "a standing pod of a namespace that its term finds",
        ["a all=1", "b all=1", "c all=1"],
        {**WEB, "namespace": "other"},
        message=unavailable(3, f"3 {EXISTING}"),
        namespaces={"other": {"team": "a"}},
        existing={
            "a": [
                pod_anti_affinity(
                    pod_term(
                        expressions=[match("app", "Exists")],
                        key="all",
                        namespaceSelector={"matchLabels": {"team": "a"}},
                    )
                )
            ]
        },
    ),
    Case(
        "an empty selector of namespaces keeps away from all",
        THREE,
        pod_anti_affinity(pod_term(expressions=[match("app", "Exists")], namespaceSelector={})),
        "b",
        namespaces={"other": {}},
        existing={"a": [WEB], "c": [{**WEB, "namespace": "other"}]},
    ),
    Case(
        "without one, from one's own",
        THREE,
        pod_anti_affinity(pod_term(expressions=[match("app", "Exists")])),
        "b c",
        namespaces={"other": {}},
        existing={"a": [WEB], "c": [{**WEB, "namespace": "other"}]},
    ),
    Case(
        "a namespace that is named twice over",
        THREE,
        pod_anti_affinity(
            pod_term(
                expressions=[match("app", "Exists")],
                namespaces=["other"],
                namespaceSelector={"matchLabels": {"team": "a"}},
            )
        ),
        "b c",
        namespaces={"other": {"team": "a"}},
        existing={"a": [{**WEB, "namespace": "other"}]},
    ),
    Case(
        "the first of its kind matches only one of its own terms",
        THREE,
        {
            **WEB,
            **pod_affinity(
                pod_term(expressions=[match("app", "In", "web")]), pod_term(expressions=[match("app", "In", "db")])
            ),
        },
        message=unavailable(3, f"3 {AFFINITY}"),
    ),
    Case(
        "the first of its kind, of another namespace than its term",
        THREE,
        {**WEB, **pod_affinity(pod_term(expressions=[match("app", "In", "web")], namespaces=["other"]))},
        message=unavailable(3, f"3 {AFFINITY}"),
        namespaces={"other": {}},
    ),
    Case(
        "terms with two keys",
        ["a zone=x rack=1", "b zone=x rack=2", "c zone=y rack=3"],
        pod_affinity(
            pod_term(expressions=[match("app", "Exists")]), pod_term(expressions=[match("app", "Exists")], key="rack")
        ),
        "b",
        existing={"b": [WEB]},
    ),
    Case(
        "apart by zone from one, by node from another",
        ["a zone=x", "b zone=x", "c zone=y", "d zone=y"],
        pod_anti_affinity(
            pod_term(expressions=[match("app", "In", "db")]),
            pod_term(expressions=[match("app", "In", "web")], key=HOST),
        ),
        "d",
        existing={"a": [{"labels": {"app": "db"}}], "c": [WEB]},
    ),
    Case(
        "a standing pod's term does not mean itself alone",
        ["a", "b"],
        {**WEB, **pod_anti_affinity(pod_term(expressions=[match("app", "In", "web")], key=HOST))},
        "b",
        existing={"a": [{**WEB, **pod_anti_affinity(pod_term(expressions=[match("app", "In", "web")], key=HOST))}]},
    ),
]


@pytest.mark.parametrize("case", [*SPREADS, *NEIGHBOURS], ids=lambda case: case.name)
def test_places(case: Case) -> None:
    check(case)
