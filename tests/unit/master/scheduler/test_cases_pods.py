"""Scheduling cases about other pods: affinity, anti-affinity, topology spread.

From what Kubernetes documents: https://kubernetes.io/docs/concepts/scheduling-eviction/
"""

from typing import Any

import pytest
from podlab_testing.scheduling import Case, check

AFFINITY = "node(s) didn't match pod affinity rules"
APART = "node(s) didn't match pod anti-affinity rules"
EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules"
SKEW = "node(s) didn't match pod topology spread constraints"
MISSING = f"{SKEW} (missing required label)"
HOST = "kubernetes.io/hostname"

ZONES = ["a zone=x", "b zone=x", "c zone=y", "d zone=y"]
PLACES = ["a zone=x", "b zone=x", "c zone=y", "d"]


def none(count: int, *reasons: str) -> str:
    return f"0/{count} nodes are available: {', '.join(sorted(reasons))}."


def app(name: str = "web", **more: Any) -> dict[str, Any]:
    return {"labels": {"app": name}, **more}


def term(of: str | None = "web", key: str = "zone", **more: Any) -> dict[str, Any]:
    selector = {} if of is None else {"labelSelector": {"matchLabels": {"app": of}}}
    return {**selector, "topologyKey": key, **more}


def together(*terms: dict[str, Any]) -> dict[str, Any]:
    return {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}}


def apart(*terms: dict[str, Any]) -> dict[str, Any]:
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}}


def wish(side: str, *terms: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    wishes = [{"weight": weight, "podAffinityTerm": each} for weight, each in terms]
    return {"affinity": {side: {"preferredDuringSchedulingIgnoredDuringExecution": wishes}}}


def constraint(skew: int = 1, key: str = "zone", when: str = "DoNotSchedule", **more: Any) -> dict[str, Any]:
    selector = {"labelSelector": {"matchLabels": {"app": "web"}}}
    return {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": when, **selector, **more}


def spread(*constraints: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**app(), "topologySpreadConstraints": list(constraints), **more}


WEB = app()
TOGETHER = [
    Case("where such a pod is", ZONES, together(term()), "a b", standing={"a": [WEB]}),
    Case("by node", ZONES, together(term(key=HOST)), "a", standing={"a": [WEB]}),
    Case("nowhere without such a pod", ZONES, together(term()), told=none(4, f"4 {AFFINITY}")),
    Case("the first of its kind goes where it likes", ZONES, {**WEB, **together(term())}, "a b c d"),
    Case("but where there are such places", PLACES, {**WEB, **together(term())}, "a b c"),
    Case("the second goes where the first is", ZONES, {**WEB, **together(term())}, "c d", standing={"d": [WEB]}),
    Case("a pod of another kind does not do", ZONES, together(term()), told=none(4, f"4 {AFFINITY}"),
         standing={"a": [app("db")]}),
    Case("a node without the label is in no place", PLACES, together(term()), "a b", standing={"a": [WEB], "d": [WEB]}),
    Case("both terms hold", ZONES, together(term(), term(key=HOST)), "b", standing={"b": [WEB]}),
    Case(
        "two terms mean pods that both select",
        ZONES,
        together(term(), {"labelSelector": {"matchLabels": {"tier": "front"}}, "topologyKey": "zone"}),
        told=none(4, f"4 {AFFINITY}"),
        standing={"a": [WEB], "b": [{"labels": {"tier": "front"}}]},
    ),
    Case(
        "such a pod has both labels",
        ZONES,
        together(term(), {"labelSelector": {"matchLabels": {"tier": "front"}}, "topologyKey": "zone"}),
        "a b",
        standing={"a": [{"labels": {"app": "web", "tier": "front"}}]},
    ),
    Case("an absent selector means no pods", ZONES, together(term(None)), told=none(4, f"4 {AFFINITY}"),
         standing={"a": [WEB]}),
    Case("an empty one all", ZONES, together({"labelSelector": {}, "topologyKey": "zone"}), "c d",
         standing={"c": [app("db")]}),
    Case("pods of other namespaces do not count", ZONES, together(term()), told=none(4, f"4 {AFFINITY}"),
         standing={"a": [app(namespace="other")]}),
    Case("unless these are named", ZONES, together(term(namespaces=["other"])), "a b",
         standing={"a": [app(namespace="other")]}),
    Case("then one's own does not count", ZONES, together(term(namespaces=["other"])), told=none(4, f"4 {AFFINITY}"),
         standing={"a": [WEB]}),
    Case(
        "or found by labels",
        ZONES,
        together(term(namespaceSelector={"matchLabels": {"team": "a"}})),
        "a b",
        standing={"a": [app(namespace="other")], "c": [app(namespace="third")]},
        namespaces={"other": {"team": "a"}, "third": {"team": "b"}},
    ),
    Case("an empty selector finds all namespaces", ZONES, together(term(namespaceSelector={})), "a b c d",
         standing={"a": [app(namespace="other")], "c": [WEB]}, namespaces={"other": {}}),
    Case(
        "named and found ones both count",
        ZONES,
        together(term(namespaces=["third"], namespaceSelector={"matchLabels": {"team": "a"}})),
        "a b c d",
        standing={"a": [app(namespace="other")], "c": [app(namespace="third")]},
        namespaces={"other": {"team": "a"}, "third": {}},
    ),
    Case("a pod that is being deleted counts", ZONES, together(term()), "a b", standing={"a": [app(deleted=True)]}),
    Case(
        "an expression",
        ZONES,
        together(
            {"labelSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "api"]}]},
             "topologyKey": "zone"}
        ),
        "c d",
        standing={"c": [app("api")]},
    ),
]  # fmt: skip
SELFISH = {**WEB, **apart(term(key=HOST))}
APARTS = [
    Case("not where such a pod is", ZONES, apart(term()), "c d", standing={"a": [WEB]}),
    Case("not on its node", ZONES, apart(term(key=HOST)), "b c d", standing={"a": [WEB]}),
    Case("nowhere when they are everywhere", ZONES, apart(term()), told=none(4, f"4 {APART}"),
         standing={"a": [WEB], "c": [WEB]}),
    Case("a node without the label is in no place", PLACES, apart(term()), "d", standing={"a": [WEB], "c": [WEB]}),
    Case("each term keeps away", ZONES, apart(term(), term("db")), told=none(4, f"4 {APART}"),
         standing={"a": [WEB], "c": [app("db")]}),
    Case("a standing pod keeps others away", ZONES, WEB, "b c d",
         standing={"a": [{**app("db"), **apart(term(key=HOST))}]}),
    Case("also from its whole zone", ZONES, WEB, told=none(4, f"4 {EXISTING}"),
         standing={"a": [{**app("db"), **apart(term())}], "c": [{**app("db"), **apart(term())}]}),
    Case("but only those that it means", ZONES, app("api"), "a b c d",
         standing={"a": [{**app("db"), **apart(term())}]}),
    Case("and of its own namespace", ZONES, app(namespace="other"), "a b c d",
         standing={"a": [{**app("db"), **apart(term())}]}),
    Case("one to a node", ["a", "b"], SELFISH, "b", standing={"a": [SELFISH]}),
    Case("no more than nodes", ["a"], SELFISH, told=none(1, f"1 {APART}"), standing={"a": [SELFISH]}),
    Case(
        "together is told before apart",
        ["a zone=x"],
        {"affinity": {
            "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term("db")]},
            "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term()]}}},
        told=none(1, f"1 {AFFINITY}"),
        standing={"a": [WEB]},
    ),
    Case("together with one and apart from another", ZONES,
        {"affinity": {
            "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term("db")]},
            "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term(key=HOST)]}}},
        "b", standing={"a": [app("db"), WEB]}),
]  # fmt: skip
WISHES = [
    Case("drawn to where such pods are", ZONES, wish("podAffinity", (1, term(key=HOST))), "a b c d", "c",
         standing={"c": [WEB]}),
    Case("more of them draw more", ["a", "b"], wish("podAffinity", (1, term(key=HOST))), "a b", "b",
         standing={"a": [WEB], "b": [WEB, WEB]}),
    Case("kept from where such pods are", ["a", "b"], wish("podAntiAffinity", (1, term(key=HOST))), "a b", "b",
         standing={"a": [WEB]}),
    Case(
        "the heavier wish wins",
        ["a", "b"],
        wish("podAffinity", (1, term(key=HOST)), (100, term("db", key=HOST))),
        "a b",
        "b",
        standing={"a": [WEB], "b": [app("db")]},
    ),
    Case("a standing pod's wish draws too", ["a", "b"], WEB, "a b", "b",
         standing={"b": [{**app("db"), **wish("podAffinity", (100, term(key=HOST)))}]}),
    Case("and its wish to be apart keeps away", ["a cpu=3", "b"], {**WEB, "cpu": "1"}, "a b", "a",
         standing={"b": [{**app("db"), **wish("podAntiAffinity", (100, term(key=HOST)))}]}),
    Case("a standing pod's need draws as well", ["a", "b"], WEB, "a b", "b",
         standing={"b": [WEB, {**app("db"), **together(term(key=HOST))}]}),
    Case("wishes about other namespaces", ["a", "b"], wish("podAffinity", (9, term(key=HOST, namespaces=["o"]))), "a b",
         "b", standing={"b": [app(namespace="o")]}),
    Case("a wish about nobody changes nothing", ["a", "b"], wish("podAffinity", (9, term(key=HOST))), "a b"),
]  # fmt: skip
SPREADS = [
    Case("the zone with fewer", ZONES, spread(constraint()), "c d", standing={"a": [WEB]}),
    Case("any when they are even", ZONES, spread(constraint()), "a b c d", standing={"a": [WEB], "c": [WEB]}),
    Case("a skew that is allowed", ZONES, spread(constraint(2)), "a b c d", standing={"a": [WEB]}),
    Case("a skew that is too large", ZONES, spread(constraint(2)), "c d", standing={"a": [WEB, WEB]}),
    Case("over nodes", ["a", "b", "c"], spread(constraint(key=HOST)), "c", standing={"a": [WEB], "b": [WEB]}),
    Case("only pods that are selected count", ZONES, spread(constraint()), "a b c d", standing={"a": [app("db")]}),
    Case("only those of the namespace", ZONES, spread(constraint()), "a b c d", standing={"a": [app(namespace="o")]}),
    Case("those that are being deleted do not", ZONES, spread(constraint()), "a b c d",
         standing={"a": [app(deleted=True)]}),
    Case("a node without the label is refused", PLACES, spread(constraint()), "a b c"),
    Case("and told apart", ["a zone=x", "b zone=y", "c"], spread(constraint(), cpu="5"),
         told=none(3, "3 Insufficient cpu")),
    Case("all without it", ["a", "b"], spread(constraint()), told=none(2, f"2 {MISSING}")),
    Case(
        "all full",
        ["a zone=x", "b zone=y cordoned"],
        spread(constraint()),
        told=none(2, f"1 {SKEW}", "1 node(s) were unschedulable"),
        standing={"a": [WEB]},
    ),
    Case("both constraints hold", ZONES, spread(constraint(), constraint(key=HOST)), "b",
         standing={"a": [WEB], "c": [WEB], "d": [WEB]}),
    Case("a pod that does not count itself", ZONES, {**spread(constraint()), "labels": {}}, "a b c d",
         standing={"a": [WEB]}),
    Case("an empty selector counts nobody", ZONES, spread(constraint(labelSelector={})), "a b c d",
         standing={"a": [WEB, WEB]}),
    Case("too few zones count as one that is empty", ZONES, spread(constraint(minDomains=3)), told=none(4, f"4 {SKEW}"),
         standing={"a": [WEB], "c": [WEB]}),
    Case("enough zones", ZONES, spread(constraint(minDomains=2)), "a b c d", standing={"a": [WEB], "c": [WEB]}),
    Case(
        "nodes that the pod is kept from do not count",
        ["a zone=x", "b zone=y", "c zone=z disk=hdd"],
        spread(constraint(), nodeSelector={"kubernetes.io/hostname": "a"}),
        "a",
        standing={"a": [WEB]},
    ),
    Case(
        "unless they are to",
        ["a zone=x", "b zone=y"],
        spread(constraint(nodeAffinityPolicy="Ignore"), nodeSelector={"kubernetes.io/hostname": "a"}),
        told=none(2, f"1 {SKEW}", "1 node(s) didn't match Pod's node affinity/selector"),
        standing={"a": [WEB]},
    ),
    Case("tainted nodes count", ["a zone=x", "b zone=y !k:NoSchedule"], spread(constraint()),
         told=none(2, f"1 {SKEW}", "1 node(s) had untolerated taint {k: }"), standing={"a": [WEB]}),
    Case("unless they are not to", ["a zone=x", "b zone=y !k:NoSchedule"],
         spread(constraint(nodeTaintsPolicy="Honor")), "a", standing={"a": [WEB]}),
    Case(
        "pods of the same hash only",
        ZONES,
        {**spread(constraint(matchLabelKeys=["hash"])), "labels": {"app": "web", "hash": "2"}},
        "a b c d",
        standing={"a": [{"labels": {"app": "web", "hash": "1"}}]},
    ),
    Case(
        "of the same hash they count",
        ZONES,
        {**spread(constraint(matchLabelKeys=["hash"])), "labels": {"app": "web", "hash": "1"}},
        "c d",
        standing={"a": [{"labels": {"app": "web", "hash": "1"}}]},
    ),
    Case("a key that the pod lacks says nothing", ZONES, spread(constraint(matchLabelKeys=["hash"])), "c d",
         standing={"a": [{"labels": {"app": "web", "hash": "1"}}]}),
    Case("anyway: any node, the emptier zone is better", ["a zone=x", "b zone=y"],
         spread(constraint(when="ScheduleAnyway")), "a b", "b", standing={"a": [WEB]}),
    Case("anyway: the emptier node is better", ["a", "b"], spread(constraint(key=HOST, when="ScheduleAnyway")), "a b",
         "b", standing={"a": [WEB]}),
    Case("anyway: a node without the label comes last", ["a zone=x", "b"], spread(constraint(when="ScheduleAnyway")),
         "a b", "a"),
]  # fmt: skip
CASES = [*TOGETHER, *APARTS, *WISHES, *SPREADS]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pods(case: Case) -> None:
    check(case)
