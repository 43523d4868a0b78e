"""Scheduling cases about other pods: affinity, anti-affinity, topology spread.

From what Kubernetes documents: https://kubernetes.io/docs/concepts/scheduling-eviction/
"""

import pytest
from podlab_testing.scheduling import (
    AFFINITY,
    ANTI_AFFINITY,
    EXISTING,
    HOST,
    MISSING,
    SKEW,
    Case,
    app,
    check,
    pod_affinity,
    pod_anti_affinity,
    pod_term,
    preferred_pod_affinity,
    preferred_pod_anti_affinity,
    spread,
    spread_constraint,
    unavailable,
)

ZONES = ["a zone=x", "b zone=x", "c zone=y", "d zone=y"]
PLACES = ["a zone=x", "b zone=x", "c zone=y", "d"]


WEB = app()
TOGETHER = [
    Case("where such a pod is", ZONES, pod_affinity(pod_term()), "a b", existing={"a": [WEB]}),
    Case("by node", ZONES, pod_affinity(pod_term(key=HOST)), "a", existing={"a": [WEB]}),
    Case("nowhere without such a pod", ZONES, pod_affinity(pod_term()), message=unavailable(4, f"4 {AFFINITY}")),
    Case("the first of its kind goes where it likes", ZONES, {**WEB, **pod_affinity(pod_term())}, "a b c d"),
    Case("but where there are such places", PLACES, {**WEB, **pod_affinity(pod_term())}, "a b c"),
    Case(
        "the second goes where the first is", ZONES, {**WEB, **pod_affinity(pod_term())}, "c d", existing={"d": [WEB]}
    ),
    Case(
        "a pod of another kind does not do",
        ZONES,
        pod_affinity(pod_term()),
        message=unavailable(4, f"4 {AFFINITY}"),
        existing={"a": [app("db")]},
    ),
    Case(
        "a node without the label is in no place",
        PLACES,
        pod_affinity(pod_term()),
        "a b",
        existing={"a": [WEB], "d": [WEB]},
    ),
    Case("both terms hold", ZONES, pod_affinity(pod_term(), pod_term(key=HOST)), "b", existing={"b": [WEB]}),
    Case(
        "two terms mean pods that both select",
        ZONES,
        pod_affinity(pod_term(), {"labelSelector": {"matchLabels": {"tier": "front"}}, "topologyKey": "zone"}),
        message=unavailable(4, f"4 {AFFINITY}"),
        existing={"a": [WEB], "b": [{"labels": {"tier": "front"}}]},
    ),
    Case(
        "such a pod has both labels",
        ZONES,
        pod_affinity(pod_term(), {"labelSelector": {"matchLabels": {"tier": "front"}}, "topologyKey": "zone"}),
        "a b",
        existing={"a": [{"labels": {"app": "web", "tier": "front"}}]},
    ),
    Case(
        "an absent selector means no pods",
        ZONES,
        pod_affinity(pod_term(None)),
        message=unavailable(4, f"4 {AFFINITY}"),
        existing={"a": [WEB]},
    ),
    Case(
        "an empty one all",
        ZONES,
        pod_affinity({"labelSelector": {}, "topologyKey": "zone"}),
        "c d",
        existing={"c": [app("db")]},
    ),
    Case(
        "pods of other namespaces do not count",
        ZONES,
        pod_affinity(pod_term()),
        message=unavailable(4, f"4 {AFFINITY}"),
        existing={"a": [app(namespace="other")]},
    ),
    Case(
        "unless these are named",
        ZONES,
        pod_affinity(pod_term(namespaces=["other"])),
        "a b",
        existing={"a": [app(namespace="other")]},
    ),
    Case(
        "then one's own does not count",
        ZONES,
        pod_affinity(pod_term(namespaces=["other"])),
        message=unavailable(4, f"4 {AFFINITY}"),
        existing={"a": [WEB]},
    ),
    Case(
        "or found by labels",
        ZONES,
        pod_affinity(pod_term(namespaceSelector={"matchLabels": {"team": "a"}})),
        "a b",
        existing={"a": [app(namespace="other")], "c": [app(namespace="third")]},
        namespaces={"other": {"team": "a"}, "third": {"team": "b"}},
    ),
    Case(
        "an empty selector finds all namespaces",
        ZONES,
        pod_affinity(pod_term(namespaceSelector={})),
        "a b c d",
        existing={"a": [app(namespace="other")], "c": [WEB]},
        namespaces={"other": {}},
    ),
    Case(
        "named and found ones both count",
        ZONES,
        pod_affinity(pod_term(namespaces=["third"], namespaceSelector={"matchLabels": {"team": "a"}})),
        "a b c d",
        existing={"a": [app(namespace="other")], "c": [app(namespace="third")]},
        namespaces={"other": {"team": "a"}, "third": {}},
    ),
    Case(
        "a pod that is being deleted counts",
        ZONES,
        pod_affinity(pod_term()),
        "a b",
        existing={"a": [app(deleted=True)]},
    ),
    Case(
        "an expression",
        ZONES,
        pod_affinity(
            {
                "labelSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "api"]}]},
                "topologyKey": "zone",
            }
        ),
        "c d",
        existing={"c": [app("api")]},
    ),
]
SELFISH = {**WEB, **pod_anti_affinity(pod_term(key=HOST))}
APARTS = [
    Case("not where such a pod is", ZONES, pod_anti_affinity(pod_term()), "c d", existing={"a": [WEB]}),
    Case("not on its node", ZONES, pod_anti_affinity(pod_term(key=HOST)), "b c d", existing={"a": [WEB]}),
    Case(
        "nowhere when they are everywhere",
        ZONES,
        pod_anti_affinity(pod_term()),
        message=unavailable(4, f"4 {ANTI_AFFINITY}"),
        existing={"a": [WEB], "c": [WEB]},
    ),
    Case(
        "a node without the label is in no place",
        PLACES,
        pod_anti_affinity(pod_term()),
        "d",
        existing={"a": [WEB], "c": [WEB]},
    ),
    Case(
        "each term keeps away",
        ZONES,
        pod_anti_affinity(pod_term(), pod_term("db")),
        message=unavailable(4, f"4 {ANTI_AFFINITY}"),
        existing={"a": [WEB], "c": [app("db")]},
    ),
    Case(
        "a standing pod keeps others away",
        ZONES,
        WEB,
        "b c d",
        existing={"a": [{**app("db"), **pod_anti_affinity(pod_term(key=HOST))}]},
    ),
    Case(
        "also from its whole zone",
        ZONES,
        WEB,
        message=unavailable(4, f"4 {EXISTING}"),
        existing={
            "a": [{**app("db"), **pod_anti_affinity(pod_term())}],
            "c": [{**app("db"), **pod_anti_affinity(pod_term())}],
        },
    ),
    Case(
        "but only those that it means",
        ZONES,
        app("api"),
        "a b c d",
        existing={"a": [{**app("db"), **pod_anti_affinity(pod_term())}]},
    ),
    Case(
        "and of its own namespace",
        ZONES,
        app(namespace="other"),
        "a b c d",
        existing={"a": [{**app("db"), **pod_anti_affinity(pod_term())}]},
    ),
    Case("one to a node", ["a", "b"], SELFISH, "b", existing={"a": [SELFISH]}),
    Case("no more than nodes", ["a"], SELFISH, message=unavailable(1, f"1 {ANTI_AFFINITY}"), existing={"a": [SELFISH]}),
    Case(
        "together is told before apart",
        ["a zone=x"],
        {
            "affinity": {
                "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [pod_term("db")]},
                "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [pod_term()]},
            }
        },
        message=unavailable(1, f"1 {AFFINITY}"),
        existing={"a": [WEB]},
    ),
    Case(
        "together with one and apart from another",
        ZONES,
        {
            "affinity": {
                "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [pod_term("db")]},
                "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [pod_term(key=HOST)]},
            }
        },
        "b",
        existing={"a": [app("db"), WEB]},
    ),
]
WISHES = [
    Case(
        "drawn to where such pods are",
        ZONES,
        preferred_pod_affinity((1, pod_term(key=HOST))),
        "a b c d",
        "c",
        existing={"c": [WEB]},
    ),
    Case(
        "more of them draw more",
        ["a", "b"],
        preferred_pod_affinity((1, pod_term(key=HOST))),
        "a b",
        "b",
        existing={"a": [WEB], "b": [WEB, WEB]},
    ),
    Case(
        "kept from where such pods are",
        ["a", "b"],
        preferred_pod_anti_affinity((1, pod_term(key=HOST))),
        "a b",
        "b",
        existing={"a": [WEB]},
    ),
    Case(
        "the heavier wish wins",
        ["a", "b"],
        preferred_pod_affinity((1, pod_term(key=HOST)), (100, pod_term("db", key=HOST))),
        "a b",
        "b",
        existing={"a": [WEB], "b": [app("db")]},
    ),
    Case(
        "a standing pod's wish draws too",
        ["a", "b"],
        WEB,
        "a b",
        "b",
        existing={"b": [{**app("db"), **preferred_pod_affinity((100, pod_term(key=HOST)))}]},
    ),
    Case(
        "and its wish to be apart keeps away",
        ["a cpu=3", "b"],
        {**WEB, "cpu": "1"},
        "a b",
        "a",
        existing={"b": [{**app("db"), **preferred_pod_anti_affinity((100, pod_term(key=HOST)))}]},
    ),
    Case(
        "a standing pod's need draws as well",
        ["a", "b"],
        WEB,
        "a b",
        "b",
        existing={"b": [WEB, {**app("db"), **pod_affinity(pod_term(key=HOST))}]},
    ),
    Case(
        "wishes about other namespaces",
        ["a", "b"],
        preferred_pod_affinity((9, pod_term(key=HOST, namespaces=["o"]))),
        "a b",
        "b",
        existing={"b": [app(namespace="o")]},
    ),
    Case("a wish about nobody changes nothing", ["a", "b"], preferred_pod_affinity((9, pod_term(key=HOST))), "a b"),
]
SPREADS = [
    Case("the zone with fewer", ZONES, spread(spread_constraint()), "c d", existing={"a": [WEB]}),
    Case("any when they are even", ZONES, spread(spread_constraint()), "a b c d", existing={"a": [WEB], "c": [WEB]}),
    Case("a skew that is allowed", ZONES, spread(spread_constraint(2)), "a b c d", existing={"a": [WEB]}),
    Case("a skew that is too large", ZONES, spread(spread_constraint(2)), "c d", existing={"a": [WEB, WEB]}),
    Case("over nodes", ["a", "b", "c"], spread(spread_constraint(key=HOST)), "c", existing={"a": [WEB], "b": [WEB]}),
    Case(
        "only pods that are selected count", ZONES, spread(spread_constraint()), "a b c d", existing={"a": [app("db")]}
    ),
    Case(
        "only those of the namespace",
        ZONES,
        spread(spread_constraint()),
        "a b c d",
        existing={"a": [app(namespace="o")]},
    ),
    Case(
        "those that are being deleted do not",
        ZONES,
        spread(spread_constraint()),
        "a b c d",
        existing={"a": [app(deleted=True)]},
    ),
    Case("a node without the label is refused", PLACES, spread(spread_constraint()), "a b c"),
    Case(
        "and told apart",
        ["a zone=x", "b zone=y", "c"],
        spread(spread_constraint(), cpu="5"),
        message=unavailable(3, "3 Insufficient cpu"),
    ),
    Case("all without it", ["a", "b"], spread(spread_constraint()), message=unavailable(2, f"2 {MISSING}")),
    Case(
        "all full",
        ["a zone=x", "b zone=y cordoned"],
        spread(spread_constraint()),
        message=unavailable(2, f"1 {SKEW}", "1 node(s) were unschedulable"),
        existing={"a": [WEB]},
    ),
    Case(
        "both constraints hold",
        ZONES,
        spread(spread_constraint(), spread_constraint(key=HOST)),
        "b",
        existing={"a": [WEB], "c": [WEB], "d": [WEB]},
    ),
    Case(
        "a pod that does not count itself",
        ZONES,
        {**spread(spread_constraint()), "labels": {}},
        "a b c d",
        existing={"a": [WEB]},
    ),
    Case(
        "an empty selector counts nobody",
        ZONES,
        spread(spread_constraint(labelSelector={})),
        "a b c d",
        existing={"a": [WEB, WEB]},
    ),
    Case(
        "too few zones count as one that is empty",
        ZONES,
        spread(spread_constraint(minDomains=3)),
        message=unavailable(4, f"4 {SKEW}"),
        existing={"a": [WEB], "c": [WEB]},
    ),
    Case("enough zones", ZONES, spread(spread_constraint(minDomains=2)), "a b c d", existing={"a": [WEB], "c": [WEB]}),
    Case(
        "nodes that the pod is kept from do not count",
        ["a zone=x", "b zone=y", "c zone=z disk=hdd"],
        spread(spread_constraint(), nodeSelector={"kubernetes.io/hostname": "a"}),
        "a",
        existing={"a": [WEB]},
    ),
    Case(
        "unless they are to",
        ["a zone=x", "b zone=y"],
        spread(spread_constraint(nodeAffinityPolicy="Ignore"), nodeSelector={"kubernetes.io/hostname": "a"}),
        message=unavailable(2, f"1 {SKEW}", "1 node(s) didn't match Pod's node affinity/selector"),
        existing={"a": [WEB]},
    ),
    Case(
        "tainted nodes count",
        ["a zone=x", "b zone=y !k:NoSchedule"],
        spread(spread_constraint()),
        message=unavailable(2, f"1 {SKEW}", "1 node(s) had untolerated taint(s)"),
        existing={"a": [WEB]},
    ),
    Case(
        "unless they are not to",
        ["a zone=x", "b zone=y !k:NoSchedule"],
        spread(spread_constraint(nodeTaintsPolicy="Honor")),
        "a",
        existing={"a": [WEB]},
    ),
    Case(
        "pods of the same hash only",
        ZONES,
        {**spread(spread_constraint(matchLabelKeys=["hash"])), "labels": {"app": "web", "hash": "2"}},
        "a b c d",
        existing={"a": [{"labels": {"app": "web", "hash": "1"}}]},
    ),
    Case(
        "of the same hash they count",
        ZONES,
        {**spread(spread_constraint(matchLabelKeys=["hash"])), "labels": {"app": "web", "hash": "1"}},
        "c d",
        existing={"a": [{"labels": {"app": "web", "hash": "1"}}]},
    ),
    Case(
        "a key that the pod lacks says nothing",
        ZONES,
        spread(spread_constraint(matchLabelKeys=["hash"])),
        "c d",
        existing={"a": [{"labels": {"app": "web", "hash": "1"}}]},
    ),
    Case(
        "anyway: any node, the emptier zone is better",
        ["a zone=x", "b zone=y"],
        spread(spread_constraint(when="ScheduleAnyway")),
        "a b",
        "b",
        existing={"a": [WEB]},
    ),
    Case(
        "anyway: the emptier node is better",
        ["a", "b"],
        spread(spread_constraint(key=HOST, when="ScheduleAnyway")),
        "a b",
        "b",
        existing={"a": [WEB]},
    ),
    Case(
        "anyway: a node without the label comes last",
        ["a zone=x", "b"],
        spread(spread_constraint(when="ScheduleAnyway")),
        "a b",
        "a",
    ),
]
CASES = [*TOGETHER, *APARTS, *WISHES, *SPREADS]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pods(case: Case) -> None:
    check(case)
