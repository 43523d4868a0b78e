from collections.abc import Callable
from typing import Any

import pytest

from podlab.core.v1 import pod_pb2

Build = Callable[..., pod_pb2.Pod]
Found = Callable[..., list[str]]

GATES = {"schedulingGates": [{"name": "example.com/quota"}, {"name": "example.com/volume"}]}
FEWER = {"schedulingGates": [{"name": "example.com/volume"}]}
SSD = {"key": "disk", "operator": "In", "values": ["ssd"]}
ZONE = {"key": "zone", "operator": "Exists"}


def asking(*terms: dict[str, Any]) -> dict[str, Any]:
    required = {"nodeSelectorTerms": list(terms)}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}}


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"schedulingGates": [{"name": "a b"}]}, 'spec.schedulingGates[0]: Invalid value: "a b"'),
        ({"schedulingGates": [{"name": "a"}, {"name": "a"}]}, 'spec.schedulingGates[1]: Duplicate value: "a"'),
        (
            {"readinessGates": [{"conditionType": "a b"}]},
            'spec.readinessGates[0].conditionType: Invalid value: "a b"',
        ),
        (
            {**GATES, "nodeName": "n1"},
            "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
        ),
    ],
)
def test_bad_gates_are_told(found: Found, pod: Build, spec: dict[str, Any], told: str) -> None:
    assert told in found(pod(**spec))[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (GATES, FEWER),
        (GATES, {}),
        ({**GATES, "nodeSelector": {"a": "b"}}, {**GATES, "nodeSelector": {"a": "b", "c": "d"}}),
        ({**GATES}, {**FEWER, **asking({"matchExpressions": [SSD]})}),
        (
            {**GATES, **asking({"matchExpressions": [SSD]})},
            {**GATES, **asking({"matchExpressions": [SSD, ZONE]})},
        ),
    ],
)
def test_gates_may_go_and_meanwhile_the_nodes_become_fewer(
    found: Found, pod: Build, before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert found(pod(**after), pod(**before)) == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            FEWER,
            GATES,
            "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate"
            " 'example.com/quota'",
        ),
        (
            {**GATES, "nodeSelector": {"a": "b"}},
            {**GATES, "nodeSelector": {"a": "c"}},
            'spec.nodeSelector: Invalid value: {"a":"c"}: only additions to spec.nodeSelector are allowed',
        ),
        ({"nodeSelector": {"a": "b"}}, {"nodeSelector": {"a": "c"}}, "changed: nodeSelector"),
        (
            {**GATES, **asking({"matchExpressions": [SSD]})},
            {**GATES, **asking({"matchExpressions": [ZONE]})},
            "nodeSelectorTerms[0]: Invalid value: only additions are allowed (no mutations or deletions)",
        ),
        (
            {**GATES, **asking({"matchExpressions": [SSD]})},
            {**GATES, **asking({"matchExpressions": [SSD]}, {"matchExpressions": [ZONE]})},
            "no additions/deletions to non-empty NodeSelectorTerms list are allowed",
        ),
    ],
)
def test_gates_do_not_come_and_the_nodes_do_not_become_more(
    found: Found, pod: Build, before: dict[str, Any], after: dict[str, Any], told: str
) -> None:
    lines = found(pod(**after), pod(**before))
    assert len(lines) == 1
    assert told in lines[0]
