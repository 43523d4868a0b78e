"""Situations of DaemonSets, from nodes and pods to what is done.

From what Kubernetes documents: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from google.protobuf import json_format
from podlab_testing.scheduling import node

from master.controllers.workloads.daemonset.decide import DaemonSetPlan, decide
from master.controllers.workloads.daemonset.placement import node_placements
from master.controllers.workloads.daemonset.rolling import DaemonSetUpdate
from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.core.v1 import pod_pb2

NOW = 1_000_000
HASH = "controller-revision-hash"
Builder = Callable[..., Any]


@dataclass(frozen=True)
class Wanted:
    """How a DaemonSet is to be updated. `settle_s` is its minReadySeconds."""

    surge: int | str = 0
    unavailable: int | str = 1
    settle_s: int = 0
    on_delete: bool = False

    def made(self, make: Builder) -> DaemonSet:
        made: DaemonSet = make(surge=self.surge, unavailable=self.unavailable)
        made.spec.minReadySeconds = self.settle_s
        if self.on_delete:
            made.spec.updateStrategy.type = "OnDelete"
        return made


@dataclass(frozen=True)
class Case:
    """`nodes` are in the short form of podlab_testing.scheduling: `a disk=ssd !dedicated=db:NoSchedule`.

    `there` are pods, a letter and a node each: o(ld) or n(ew), O or N when not ready, y(oung: new, ready for 10 s),
    w(aits, made for the node and not bound), g(oing), f(ailed). `spec` is of
    the pod. `does`: `+a` makes, `-oa` deletes, `~fa` deletes after a back-off.
    """

    name: str
    nodes: Sequence[str]
    there: str = ""
    does: str = ""
    wants: Wanted = field(default_factory=Wanted)
    spec: Mapping[str, Any] = field(default_factory=dict)


def pods_from(make: Builder, text: str) -> dict[str, pod_pb2.Pod]:
    """By their words."""
    made = {}
    for age, word in enumerate(text.split()):
        letter, node = word[0], word[1:]
        pod = make(node=node, ready=letter in "ony", going=letter == "g", created=NOW - 1000 + age)
        pod.metadata.labels[HASH] = "old" if letter in "oO" else "new"
        pod.status.phase = {"f": "Failed", "w": "Pending"}.get(letter, "Running")
        if letter == "y":
            pod.status.conditions[0].lastTransitionTime.seconds = NOW - 10
        if letter == "w":
            pod.spec.nodeName = ""
            required = pod.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution
            term = required.nodeSelectorTerms.add()
            term.matchFields.add(key="metadata.name", operator="In", values=[node])
        made[word] = pod
    return made


def update_from(make: Builder, case: Case) -> DaemonSetUpdate:
    made = case.wants.made(make)
    json_format.ParseDict(dict(case.spec), made.spec.template.spec)
    return DaemonSetUpdate(made, "new", NOW)


def done(plan: DaemonSetPlan, pods: Mapping[str, pod_pb2.Pod]) -> str:
    words = {pod.metadata.uid: word for word, pod in pods.items()}
    deleted = sorted(f"-{words[pod.metadata.uid]}" for pod in plan.delete)
    ended = sorted(f"~{words[pod.metadata.uid]}" for pod in plan.ended)
    return " ".join([*sorted(f"+{node}" for node in plan.create), *deleted, *ended])


def required(*terms: dict[str, Any]) -> dict[str, Any]:
    selector = {"nodeSelectorTerms": list(terms)}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}}}


def label(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


TOLERATES_DB = {"tolerations": [{"key": "dedicated", "operator": "Equal", "value": "db", "effect": "NoSchedule"}]}
PLACES = [
    Case("every node", ["a", "b"], does="+a +b"),
    Case("no nodes", []),
    Case("nodes with a label", ["a disk=ssd", "b"], does="+a", spec={"nodeSelector": {"disk": "ssd"}}),
    Case("the node that the template names", ["a", "b"], does="+b", spec={"nodeName": "b"}),
    Case("nodes of an affinity", ["a disk=ssd", "b disk=hdd"], does="+b", spec=required(label("disk", "NotIn", "ssd"))),
    Case(
        "of one term or another",
        ["a x=1", "b y=1", "c"],
        does="+a +b",
        spec=required(label("x", "Exists"), label("y", "Exists")),
    ),
    Case(
        "an affinity for one name",
        ["a", "b"],
        does="+a",
        spec=required({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["a"]}]}),
    ),
    Case(
        "selector and affinity",
        ["a x=1 y=1", "b x=1"],
        does="+a",
        spec={"nodeSelector": {"x": "1"}, **required(label("y", "Exists"))},
    ),
    Case(
        "an affinity that is merely preferred",
        ["a", "b"],
        does="+a +b",
        spec={
            "affinity": {
                "nodeAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {"weight": 1, "preference": label("x", "Exists")}
                    ]
                }
            }
        },
    ),
    Case("not where a taint keeps it out", ["a !dedicated=db:NoSchedule", "b"], does="+b"),
    Case("where it tolerates the taint", ["a !dedicated=db:NoSchedule"], does="+a", spec=TOLERATES_DB),
    Case("of another value it does not", ["a !dedicated=web:NoSchedule"], spec=TOLERATES_DB),
    Case("a soft taint keeps nobody out", ["a !dedicated=db:PreferNoSchedule"], does="+a"),
    Case("a node that is not ready", ["a !node.kubernetes.io/not-ready:NoExecute"], does="+a"),
    Case("and just registered", ["a !node.kubernetes.io/not-ready:NoSchedule"]),
    Case("a node that is silent", ["a !node.kubernetes.io/unreachable:NoExecute"], does="+a"),
    Case("a cordoned node", ["a !node.kubernetes.io/unschedulable:NoSchedule"], does="+a"),
    Case("a node short of memory", ["a !node.kubernetes.io/memory-pressure:NoSchedule"], does="+a"),
    Case("a node short of disk", ["a !node.kubernetes.io/disk-pressure:NoSchedule"], does="+a"),
    Case("a node short of processes", ["a !node.kubernetes.io/pid-pressure:NoSchedule"], does="+a"),
    Case("a node without its network", ["a !node.kubernetes.io/network-unavailable:NoSchedule"]),
    Case(
        "unless it uses the node's own",
        ["a !node.kubernetes.io/network-unavailable:NoSchedule"],
        does="+a",
        spec={"hostNetwork": True},
    ),
    Case("a node that is out of service", ["a !node.kubernetes.io/out-of-service:NoExecute"], "na", "-na"),
    Case("a taint that came later lets it stay", ["a !dedicated=db:NoSchedule"], "na"),
    Case("one that evicts does not", ["a !dedicated=db:NoExecute"], "na", "-na"),
    Case("a label that went takes the pod along", ["a"], "na", "-na", spec={"nodeSelector": {"disk": "ssd"}}),
    Case("a pod that waits for its node", ["a", "b"], "wa", "+b"),
    Case("a pod that waits for a node that went", ["a"], "na wgone", "-wgone"),
    Case("a pod bound to a node that went is not ours to delete", ["a"], "na ngone"),
    Case("of two that wait the older stays", ["a"], "wa na", "-wa"),
]
ROLLOUTS = [
    Case("one after the other", ["a", "b", "c"], "oa ob oc", "-oa"),
    Case("two at a time", ["a", "b", "c"], "oa ob oc", "-oa -ob", Wanted(unavailable=2)),
    Case("half of three is two", ["a", "b", "c"], "oa ob oc", "-oa -ob", Wanted(unavailable="50%")),
    Case("a tenth of three is one", ["a", "b", "c"], "oa ob oc", "-oa", Wanted(unavailable="10%")),
    Case("all at once", ["a", "b", "c"], "oa ob oc", "-oa -ob -oc", Wanted(unavailable="100%")),
    Case("one is missing: that is all that may be", ["a", "b"], "oa", "+b"),
    Case("one is young: not yet the next", ["a", "b"], "ya ob", "", Wanted(settle_s=30)),
    Case("old enough: the next", ["a", "b"], "ya ob", "-ob", Wanted(settle_s=10)),
    Case("old ones that do not work go whatever may be missing", ["a", "b", "c"], "Oa Ob oc", "-Oa -Ob"),
    Case("on delete nothing goes", ["a", "b"], "oa ob", "", Wanted(on_delete=True)),
    Case("on delete what is missing comes", ["a", "b"], "oa", "+b", Wanted(on_delete=True)),
    Case("beside the old one", ["a", "b"], "oa ob", "+a", Wanted(surge=1, unavailable=0)),
    Case("on half of the nodes", ["a", "b", "c"], "oa ob oc", "+a +b", Wanted(surge="50%", unavailable=0)),
    Case("the old one goes when the new one works", ["a", "b"], "oa na ob", "+b -oa", Wanted(surge=1, unavailable=0)),
    Case("not while it is young", ["a", "b"], "oa ya ob", "", Wanted(surge=1, unavailable=0, settle_s=30)),
    Case("nor while it starts", ["a", "b"], "oa Na ob", "", Wanted(surge=1, unavailable=0)),
    Case("an old one that does not work need not wait", ["a", "b"], "Oa Na ob", "-Oa", Wanted(surge=1, unavailable=0)),
    Case("a rollout leaves alone what may only stay", ["a !dedicated=db:NoSchedule", "b"], "oa ob", "-ob"),
]
ENDS = [
    Case("a pod that failed goes after a back-off", ["a"], "fa", "~fa"),
    Case("also on a node that it may only stay on", ["a !dedicated=db:NoSchedule"], "fa", "~fa"),
    Case("where none belongs it just goes", ["a"], "fa", "-fa", spec={"nodeSelector": {"disk": "ssd"}}),
    Case("one that goes is waited for", ["a"], "ga"),
    Case("beside one that works", ["a"], "na fa", "~fa"),
]


@pytest.mark.parametrize("case", [*PLACES, *ROLLOUTS, *ENDS], ids=lambda case: case.name)
def test_what_is_done(daemon_set: Builder, pod: Builder, case: Case) -> None:
    update = update_from(daemon_set, case)
    placements = node_placements(update.daemon_set.spec.template, [node(text) for text in case.nodes])
    pods = pods_from(pod, case.there)
    assert done(decide(update, placements, pods.values()), pods) == case.does
