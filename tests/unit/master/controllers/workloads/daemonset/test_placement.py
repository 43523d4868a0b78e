"""On which nodes a DaemonSet's pods belong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from master.controllers.workloads.daemonset.placement import node_of, node_placements, pod_for
from podlab.core.v1.node_pb2 import Taint
from podlab.core.v1.pod_pb2 import NodeSelectorRequirement, NodeSelectorTerm

Builder = Callable[..., Any]
RUN, STAY, LEAVE = (True, True), (False, True), (False, False)


def placement(daemon_set: Any, node: Any) -> tuple[bool, bool]:
    (found,) = node_placements(daemon_set.spec.template, [node]).values()
    return found.run, found.stay


@pytest.mark.parametrize(
    ("key", "effect", "expected"),
    [
        ("node.kubernetes.io/unschedulable", "NoSchedule", RUN),
        ("node.kubernetes.io/not-ready", "NoExecute", RUN),
        ("node.kubernetes.io/unreachable", "NoExecute", RUN),
        ("node.kubernetes.io/memory-pressure", "NoSchedule", RUN),
        ("node.kubernetes.io/network-unavailable", "NoSchedule", STAY),
        ("dedicated", "PreferNoSchedule", RUN),
        ("dedicated", "NoSchedule", STAY),
        ("dedicated", "NoExecute", LEAVE),
        ("tolerated", "NoExecute", RUN),
    ],
)
def test_taints(daemon_set: Builder, node: Builder, key: str, effect: str, expected: tuple[bool, bool]) -> None:
    one, where = daemon_set(), node()
    one.spec.template.spec.tolerations.add(key="tolerated", operator="Exists")
    where.spec.taints.append(Taint(key=key, effect=effect))
    assert placement(one, where) == expected


def test_a_daemon_on_the_hosts_network_needs_no_other(daemon_set: Builder, node: Builder) -> None:
    one, where = daemon_set(), node()
    one.spec.template.spec.hostNetwork = True
    where.spec.taints.append(Taint(key="node.kubernetes.io/network-unavailable", effect="NoSchedule"))
    assert placement(one, where) == RUN


@pytest.mark.parametrize(
    ("key", "operator", "values", "expected"),
    [
        ("disk", "In", ["ssd", "nvme"], RUN),
        ("disk", "In", ["hdd"], LEAVE),
        ("disk", "NotIn", ["hdd"], RUN),
        ("other", "NotIn", ["hdd"], RUN),
        ("disk", "Exists", [], RUN),
        ("disk", "DoesNotExist", [], LEAVE),
        ("cores", "Gt", ["4"], RUN),
        ("cores", "Lt", ["4"], LEAVE),
        ("disk", "Gt", ["4"], LEAVE),
    ],
)
def test_affinity(
    daemon_set: Builder, node: Builder, key: str, operator: str, values: list[str], expected: tuple[bool, bool]
) -> None:
    one, where = daemon_set(), node()
    where.metadata.labels.update(disk="ssd", cores="8")
    required = one.spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution
    required.nodeSelectorTerms.add()  # matches nothing
    term = NodeSelectorTerm(matchExpressions=[NodeSelectorRequirement(key=key, operator=operator, values=values)])
    required.nodeSelectorTerms.append(term)
    assert placement(one, where) == expected


def test_name_and_node_selector(daemon_set: Builder, node: Builder) -> None:
    selective = daemon_set()
    selective.spec.template.spec.nodeSelector["disk"] = "ssd"
    assert placement(selective, node()) == LEAVE
    named = daemon_set()
    named.spec.template.spec.nodeName = "n2"
    assert [placement(named, node(name)) for name in ("n1", "n2")] == [LEAVE, RUN]


def test_a_pod_is_for_its_node_alone(daemon_set: Builder) -> None:
    one = daemon_set()
    affinity = one.spec.template.spec.affinity.nodeAffinity
    affinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.add().matchExpressions.add(
        key="disk", operator="Exists"
    )
    affinity.preferredDuringSchedulingIgnoredDuringExecution.add(weight=1)
    made = pod_for(one, "n7", "abc")
    assert node_of(made) == "n7"
    (term,) = made.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms
    assert not term.matchExpressions
    assert len(made.spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution) == 1
    assert made.metadata.labels["controller-revision-hash"] == "abc"
    assert made.metadata.name.startswith("agent-")
    assert made.metadata.ownerReferences[0].kind == "DaemonSet"
    made.spec.nodeName = "n8"
    assert node_of(made) == "n8"
