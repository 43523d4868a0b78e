"""What changes of a node is told once, in Kubernetes' words."""

from __future__ import annotations

import pytest

from node.kubelet.nodestatus.node_events import cordon_event, status_events
from podlab.core.v1 import node_pb2

SOUND = {"MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False", "Ready": "True"}
UNKNOWN = dict.fromkeys(SOUND, "Unknown")
ALL_WELL = ["NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID", "NodeReady"]


def _node(conditions: dict[str, str], boot: str = "b1") -> node_pb2.Node:
    node = node_pb2.Node()
    node.metadata.name = "n1"
    node.status.nodeInfo.bootID = boot
    for name, status in conditions.items():
        node.status.conditions.add(type=name, status=status)
    return node


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        pytest.param({}, SOUND, ALL_WELL, id="a new node"),
        pytest.param(SOUND, SOUND, [], id="nothing changed"),
        pytest.param(UNKNOWN, SOUND, ALL_WELL, id="heard of again"),
        pytest.param(SOUND, SOUND | {"Ready": "False"}, ["NodeNotReady"], id="not ready"),
        pytest.param(SOUND, SOUND | {"MemoryPressure": "True"}, ["NodeHasInsufficientMemory"], id="no memory"),
        pytest.param(SOUND | {"DiskPressure": "True"}, SOUND, ["NodeHasNoDiskPressure"], id="disk space again"),
    ],
)
def test_each_condition_that_changed_is_told(before: dict[str, str], after: dict[str, str], reasons: list[str]) -> None:
    told = list(status_events(_node(before), _node(after).status))
    assert [(one.type, one.reason, one.message) for one in told] == [
        ("Normal", reason, f"Node n1 status is now: {reason}") for reason in reasons
    ]


def test_a_host_that_was_booted_anew_is_a_warning() -> None:
    (told,) = status_events(_node(SOUND), _node(SOUND, boot="b2").status)
    assert (told.type, told.reason) == ("Warning", "Rebooted")
    assert told.message == "Node n1 has been rebooted, boot id: b2"
    assert not list(status_events(_node(SOUND, boot=""), _node(SOUND).status))


@pytest.mark.parametrize(("closed", "reason"), [(True, "NodeNotSchedulable"), (False, "NodeSchedulable")])
def test_a_cordon_is_told(closed: bool, reason: str) -> None:
    node = _node(SOUND)
    node.spec.unschedulable = closed
    assert cordon_event(node).reason == reason
