"""Which nodes a pod may go to by their labels and names."""

from typing import Any

import pytest

from podlab.api.selection.nodeselectors import matcher
from podlab.api.serializer import codec
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import PodSpec


def node(name: str, **labels: str) -> Node:
    made = Node()
    made.metadata.name = name
    made.metadata.labels.update(labels)
    return made


def required(*terms: dict[str, Any]) -> dict[str, Any]:
    selector = {"nodeSelectorTerms": list(terms)}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}}}


SSD = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
OLD = {"matchExpressions": [{"key": "gen", "operator": "Lt", "values": ["5"]}]}
NOT_B = {"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["b"]}]}


@pytest.mark.parametrize(
    ("spec", "accepted"),
    [
        ({}, "a b c"),
        ({"nodeSelector": {"disk": "ssd"}}, "a b"),
        (required(SSD), "a b"),
        (required({**SSD, **NOT_B}), "a"),
        (required(OLD), "c"),
        (required(OLD, {**SSD, **NOT_B}), "a c"),
        ({"nodeSelector": {"gen": "7"}, **required(SSD)}, "b"),
        (required({}), ""),
        (required({}, NOT_B), "a c"),
    ],
)
def test_selector_and_affinity(spec: dict[str, Any], accepted: str) -> None:
    nodes = [node("a", disk="ssd"), node("b", disk="ssd", gen="7"), node("c", gen="3")]
    wanted = matcher(codec.part_from_dict(spec, PodSpec))
    assert [each.metadata.name for each in nodes if wanted.matches(each)] == accepted.split()
