"""Scheduling cases about labels: operators, fields, added affinity, tolerations, spread and neighbours by place.

From what Kubernetes documents: https://kubernetes.io/docs/concepts/scheduling-eviction/
"""

from typing import Any

import pytest
from podlab_testing.scheduling import Case, check

from master.scheduler.config import plugin_args
from master.scheduler.config.profile import Profile, WeightedScore

SELECTOR = "node(s) didn't match Pod's node affinity/selector"
NAMED = "node(s) didn't satisfy plugin(s) [NodeAffinity]"
ENFORCED = "node(s) didn't match scheduler-enforced node affinity"
TAINT = "node(s) had untolerated taint"
SKEW = "node(s) didn't match pod topology spread constraints"
APART = "node(s) didn't match pod anti-affinity rules"
EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules"
TOGETHER = "node(s) didn't match pod affinity rules"
HOST = "kubernetes.io/hostname"
WEB = {"labels": {"app": "web"}}


def none(count: int, *reasons: str) -> str:
    return f"0/{count} nodes are available: {', '.join(sorted(reasons))}."


def has(text: str) -> dict[str, Any]:
    """`key Operator value,value`, as a requirement."""
    key, operator, *values = text.split()
    return {"key": key, "operator": operator, **({"values": values[0].split(",")} if values else {})}


def term(*texts: str, fields: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {"matchExpressions": [has(text) for text in texts]} if texts else {}
    return {**made, "matchFields": [has(fields)]} if fields else made


def required(*terms: dict[str, Any]) -> dict[str, Any]:
    return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}


def node(*terms: dict[str, Any]) -> dict[str, Any]:
    return {"affinity": {"nodeAffinity": required(*terms)}}


def tolerates(*tolerations: dict[str, Any]) -> dict[str, Any]:
    return {"tolerations": list(tolerations)}


GENERATIONS = ["a gen=-3", "b gen=12", "c gen=1.5", "d gen=", "e"]
OPERATORS = [
    Case("Lt of a negative number", GENERATIONS, node(term("gen Lt 0")), "a"),
    Case("Gt of a negative number", GENERATIONS, node(term("gen Gt -4")), "a b"),
    Case("Gt and Lt are a range", GENERATIONS, node(term("gen Gt 0", "gen Lt 20")), "b"),
    Case("a fraction is no number", GENERATIONS, node(term("gen Gt 1")), "b"),
    Case("an empty value is a value", GENERATIONS, node(term("gen Exists")), "a b c d"),
    Case("In of several values", GENERATIONS, node(term("gen In 12,1.5,7")), "b c"),
    Case("NotIn of several values", GENERATIONS, node(term("gen NotIn 12,1.5")), "a d e"),
    Case("NotIn and Exists", GENERATIONS, node(term("gen NotIn 12,1.5", "gen Exists")), "a d"),
    Case("what contradicts itself", GENERATIONS, node(term("gen Exists", "gen DoesNotExist")),
         told=none(5, f"5 {SELECTOR}")),
    Case("a term with labels or one with a name", GENERATIONS,
         node(term("gen Gt 0"), term(fields="metadata.name In e")), "b e"),
    Case("names in two terms", GENERATIONS,
         node(term(fields="metadata.name In a"), term(fields="metadata.name In b")), "a b"),
    Case("not that name, but that label", GENERATIONS,
         node(term("gen Exists", fields="metadata.name NotIn b")), "a c d"),
    Case("a selector with a value that is empty", GENERATIONS, {"nodeSelector": {"gen": ""}}, "d"),
    Case("a cordoned node that matches", ["a gen=1 cordoned", "b"], node(term("gen Exists")),
         told=none(2, f"1 {SELECTOR}", "1 node(s) were unschedulable")),
]  # fmt: skip
HARD = ["a !k=v:NoSchedule !l=w:NoExecute"]
ANY = {"operator": "Exists"}
TOLERATIONS = [
    Case("each taint needs a toleration", HARD, tolerates({"key": "k", "operator": "Exists"}),
         told=none(1, f"1 {TAINT} {{l: w}}")),
    Case("one for each", HARD, tolerates({"key": "k", "value": "v"}, {"key": "l", "operator": "Exists"}), "a"),
    Case("everything of one effect", HARD, tolerates({**ANY, "effect": "NoExecute"}),
         told=none(1, f"1 {TAINT} {{k: v}}")),
    Case("everything of each effect", HARD,
         tolerates({**ANY, "effect": "NoExecute"}, {**ANY, "effect": "NoSchedule"}), "a"),
    Case("an empty value is not any value", ["a !k=v:NoSchedule"], tolerates({"key": "k", "value": ""}),
         told=none(1, f"1 {TAINT} {{k: v}}")),
    Case("a taint of two effects under one key", ["a !k=v:NoSchedule !k=v:NoExecute"],
         tolerates({"key": "k", "value": "v", "effect": "NoSchedule"}), told=none(1, f"1 {TAINT} {{k: v}}")),
    Case("a soft and a hard taint", ["a !k:PreferNoSchedule !l:NoSchedule"], {}, told=none(1, f"1 {TAINT} {{l: }}")),
    Case("a tolerated cordon is no reason against a node", ["a cordoned", "b cordoned cpu=2"],
         {**tolerates({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", **ANY}), "cpu": "3"}, "a"),
    Case("tolerating the cordon's taint for eviction does not help", ["a cordoned"],
         tolerates({"key": "node.kubernetes.io/unschedulable", "effect": "NoExecute", **ANY}),
         told=none(1, "1 node(s) were unschedulable")),
]  # fmt: skip


@pytest.mark.parametrize("case", [*OPERATORS, *TOLERATIONS], ids=lambda case: case.name)
def test_nodes(case: Case) -> None:
    check(case)


def adding(**affinity: Any) -> Profile:
    plugin = plugin_args.node_affinity({"addedAffinity": affinity}, "args")
    return Profile("default-scheduler", (plugin,), (WeightedScore(plugin, 1),))


POOL = required(term("pool In x"))
ADDED = [
    (Case("added and own both hold", ["a pool=x", "b pool=x disk=ssd", "c disk=ssd"],
          {"nodeSelector": {"disk": "ssd"}}, "b"), POOL),
    (Case("what is enforced is told first", ["a", "b pool=x"], {"nodeSelector": {"disk": "ssd"}},
          told=none(2, f"1 {ENFORCED}", f"1 {SELECTOR}")), POOL),
    (Case("a node that the pod does not name is told so", ["a", "b"], node(term(fields="metadata.name In b")),
          told=none(2, f"1 {NAMED}", f"1 {ENFORCED}")), POOL),
    (Case("an added wish draws", ["a pool=x", "b"], {}, "a b", "a"),
     {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": term("pool In x")}]}),
]  # fmt: skip


@pytest.mark.parametrize(("case", "added"), ADDED, ids=lambda each: getattr(each, "name", ""))
def test_added_affinity(case: Case, added: dict[str, Any]) -> None:
    check(case, adding(**added))


def constraint(skew: int = 1, key: str = "zone", when: str = "DoNotSchedule", **more: Any) -> dict[str, Any]:
    selector = {"labelSelector": {"matchLabels": {"app": "web"}}}
    return {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": when, **selector, **more}


def spread(*constraints: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**WEB, "topologySpreadConstraints": list(constraints), **more}


THREE = ["a zone=x", "b zone=y", "c zone=z"]
TAINTED = ["a zone=x", "b zone=y !k:NoSchedule"]
SPREADS = [
    Case("2, 1 and none", THREE, spread(constraint()), "c", standing={"a": [WEB, WEB], "b": [WEB]}),
    Case("2, 1 and none with a skew of 2", THREE, spread(constraint(2)), "b c", standing={"a": [WEB, WEB], "b": [WEB]}),
    Case("fewer places than asked for, all empty", THREE, spread(constraint(minDomains=4)), "a b c"),
    Case("fewer than asked for, one empty", THREE, spread(constraint(minDomains=4)), "c",
         standing={"a": [WEB], "b": [WEB]}),
    Case("fewer than asked for, and a larger skew", THREE, spread(constraint(2, minDomains=4)), "a b c",
         standing={"a": [WEB], "b": [WEB], "c": [WEB]}),
    Case("nodes that the pod is kept from are no places to ask for", THREE,
         spread(constraint(minDomains=3), nodeSelector={"zone": "x"}), told=none(3, f"1 {SKEW}", f"2 {SELECTOR}"),
         standing={"a": [WEB]}),
    Case("but are if affinity is ignored", THREE,
         spread(constraint(2, minDomains=3, nodeAffinityPolicy="Ignore"), nodeSelector={"zone": "x"}), "a",
         standing={"a": [WEB], "b": [WEB], "c": [WEB]}),
    Case("required affinity is honored like a selector", THREE,
         spread(constraint(), **node(term("zone In x,y"))), "b", standing={"a": [WEB]}),
    Case("affinity ignored, taints honored", TAINTED,
         spread(constraint(nodeAffinityPolicy="Ignore", nodeTaintsPolicy="Honor"), nodeSelector={"zone": "x"}), "a",
         standing={"a": [WEB]}),
    Case("a taint that is tolerated is honored as none", TAINTED,
         spread(constraint(nodeTaintsPolicy="Honor"), tolerations=[ANY]), "b", standing={"a": [WEB]}),
    Case("a soft taint takes no place away", ["a zone=x", "b zone=y !k:PreferNoSchedule"],
         spread(constraint(nodeTaintsPolicy="Honor")), "b", standing={"a": [WEB]}),
    Case("taints honored for one constraint and not for the other", TAINTED,
         spread(constraint(nodeTaintsPolicy="Honor"), constraint(key=HOST)),
         told=none(2, f"1 {SKEW}", f"1 {TAINT} {{k: }}"), standing={"a": [WEB]}),
    Case("a key of nodes that no node has", THREE, spread(constraint(key="rack")),
         told=none(3, f"3 {SKEW} (missing required label)")),
    Case("a node that lacks the label of one constraint", ["a zone=x rack=1", "b zone=y", "c zone=z rack=2"],
         spread(constraint(), constraint(key="rack")), "c", standing={"a": [WEB]}),
    Case("an expression selects", THREE,
         spread(constraint(labelSelector={"matchExpressions": [has("app In web,api")]})), "c",
         standing={"a": [{"labels": {"app": "api"}}], "b": [WEB]}),
    Case("DoesNotExist counts those without", THREE,
         {**spread(constraint(labelSelector={"matchExpressions": [has("app DoesNotExist")]})), "labels": {}}, "b c",
         standing={"a": [{}], "b": [WEB]}),
    Case("two keys of the pod's labels", THREE,
         {**spread(constraint(matchLabelKeys=["hash", "track"])), "labels": {"app": "web", "hash": "1", "track": "s"}},
         "b c",
         standing={"a": [{"labels": {"app": "web", "hash": "1", "track": "s"}}],
                   "b": [{"labels": {"app": "web", "hash": "1", "track": "c"}}]}),
    Case("anyway: over zones and nodes", ["a zone=x", "b zone=x", "c zone=y", "d zone=y"],
         spread(constraint(when="ScheduleAnyway"), constraint(key=HOST, when="ScheduleAnyway")), "a b c d", "d",
         standing={"a": [WEB], "b": [WEB], "c": [WEB]}),
    Case("anyway, but not at any price", THREE,
         spread(constraint(when="ScheduleAnyway"), constraint(key=HOST)), "b c", standing={"a": [WEB]}),
]  # fmt: skip


def near(of: str, key: str = "zone", **more: Any) -> dict[str, Any]:
    return {"labelSelector": {"matchExpressions": [has(of)]}, "topologyKey": key, **more}


def neighbours(side: str, *terms: dict[str, Any]) -> dict[str, Any]:
    return {"affinity": {side: {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}}


def apart(*terms: dict[str, Any]) -> dict[str, Any]:
    return neighbours("podAntiAffinity", *terms)


def together(*terms: dict[str, Any]) -> dict[str, Any]:
    return neighbours("podAffinity", *terms)


TWO = {"hash": "2", "app": "web"}
NEIGHBOURS = [
    Case("NotIn means pods without the label too", THREE, together(near("app NotIn db")), "a b",
         standing={"a": [WEB], "b": [{}], "c": [{"labels": {"app": "db"}}]}),
    Case("DoesNotExist", THREE, apart(near("app DoesNotExist")), "b c", standing={"a": [{}], "b": [WEB]}),
    Case("Exists", THREE, apart(near("app Exists")), "a c", standing={"a": [{}], "b": [WEB]}),
    Case("of another hash: what mismatchLabelKeys becomes", THREE,
         {"labels": TWO, **together({"labelSelector": {"matchLabels": {"app": "web"}, "matchExpressions":
          [has("hash NotIn 2")]}, "topologyKey": "zone"})}, "a",
         standing={"a": [{"labels": {"app": "web", "hash": "1"}}], "b": [{"labels": TWO}]}),
    Case("two racks, and a node in none", ["a rack=1", "b rack=2", "c"], apart(near("app Exists", "rack")), "b c",
         standing={"a": [WEB], "c": [WEB]}),
    Case("a place of its own for each node", ["a rack=1", "b rack=2", "c rack=3"], apart(near("app Exists", "rack")),
         "b", standing={"a": [WEB], "c": [WEB, WEB]}),
    Case("together in a place of its own", ["a rack=1", "b rack=2"], together(near("app Exists", "rack")), "b",
         standing={"b": [WEB]}),
    Case("a standing pod of a namespace that its term finds", ["a all=1", "b all=1", "c all=1"],
         {**WEB, "namespace": "other"}, told=none(3, f"3 {EXISTING}"), namespaces={"other": {"team": "a"}},
         standing={"a": [apart(near("app Exists", "all", namespaceSelector={"matchLabels": {"team": "a"}}))]}),
    Case("an empty selector of namespaces keeps away from all", THREE, apart(near("app Exists", namespaceSelector={})),
         "b", namespaces={"other": {}}, standing={"a": [WEB], "c": [{**WEB, "namespace": "other"}]}),
    Case("without one, from one's own", THREE, apart(near("app Exists")), "b c",
         namespaces={"other": {}}, standing={"a": [WEB], "c": [{**WEB, "namespace": "other"}]}),
    Case("a namespace that is named twice over", THREE,
         apart(near("app Exists", namespaces=["other"], namespaceSelector={"matchLabels": {"team": "a"}})), "b c",
         namespaces={"other": {"team": "a"}}, standing={"a": [{**WEB, "namespace": "other"}]}),
    Case("the first of its kind matches only one of its own terms", THREE,
         {**WEB, **together(near("app In web"), near("app In db"))}, told=none(3, f"3 {TOGETHER}")),
    Case("the first of its kind, of another namespace than its term", THREE,
         {**WEB, **together(near("app In web", namespaces=["other"]))}, told=none(3, f"3 {TOGETHER}"),
         namespaces={"other": {}}),
    Case("terms with two keys", ["a zone=x rack=1", "b zone=x rack=2", "c zone=y rack=3"],
         together(near("app Exists"), near("app Exists", "rack")), "b", standing={"b": [WEB]}),
    Case("apart by zone from one, by node from another", ["a zone=x", "b zone=x", "c zone=y", "d zone=y"],
         apart(near("app In db"), near("app In web", HOST)), "d",
         standing={"a": [{"labels": {"app": "db"}}], "c": [WEB]}),
    Case("a standing pod's term does not mean itself alone", ["a", "b"], {**WEB, **apart(near("app In web", HOST))},
         "b", standing={"a": [{**WEB, **apart(near("app In web", HOST))}]}),
]  # fmt: skip


@pytest.mark.parametrize("case", [*SPREADS, *NEIGHBOURS], ids=lambda case: case.name)
def test_places(case: Case) -> None:
    check(case)
