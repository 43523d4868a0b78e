"""A placement explained, in the width of a terminal."""

from datetime import UTC, datetime
from typing import Any

import pytest

from podlab.cli.scheduling.table import report
from podlab.v1.scheduler_pb2 import Explanation

NOW = datetime(2030, 1, 1, 0, 0, 30, tzinfo=UTC)
FILTERS = ["NodeName", "TaintToleration", "NodeResourcesFit"]


def explained(**fields: object) -> Explanation:
    made = Explanation(
        namespace="default",
        name="web",
        scheduler_name="default-scheduler",
        attempts=3,
        duration_us=250,
        filters=FILTERS,
        **fields,  # type: ignore[arg-type]
    )
    made.decided_at.seconds = 1_893_456_000
    return made


def many(count: int) -> Explanation:
    """Of three nodes one has no room."""
    nodes: list[dict[str, Any]] = []
    for at in range(count):
        node: dict[str, Any] = {"node_name": f"worker-{at:04}"}
        if at % 3:
            node |= {"raw": [at], "normalized": [at % 101], "total": 2 * (at % 101)}
        else:
            node |= {"refused_by": 2, "reasons": ["Insufficient cpu"]}
        nodes.append(node)
    return explained(node_name="worker-0100", scores=[{"name": "NodeAffinity", "weight": 2}], nodes=nodes)


def test_a_pod_without_a_node_shows_every_refusal() -> None:
    told = explained(
        message="0/3 nodes are available: 1 wrong name, 2 Insufficient cpu.",
        nodes=[
            {"node_name": "n1", "refused_by": 0, "reasons": ["wrong name"]},
            {"node_name": "n2", "refused_by": 2, "reasons": ["Insufficient cpu"]},
            {"node_name": "n3", "refused_by": 2, "reasons": ["Insufficient cpu"]},
        ],
        preemption={
            "node_name": "n2",
            "candidates": [{"node_name": "n2", "victims": [{"namespace": "a", "name": "low", "priority": -5}]}],
        },
    )
    assert report(told, NOW, 100) == [
        "pod default/web has no node",
        "decided 30s ago in 0.2 ms by default-scheduler, attempt 3",
        "0/3 nodes are available: 1 wrong name, 2 Insufficient cpu.",
        "Room is made for it on n2: 1 less important pod has to go.",
        "",
        "3 of 3 nodes refuse it",
        "  NODES   BY                 REASON             NAMES",
        "  2       NodeResourcesFit   Insufficient cpu   n2, n3",
        "  1       NodeName           wrong name         n1",
        "",
        "Less important pods can make room on 1 node",
        "  NODE   MUST GO (PRIORITY)   BUDGETS BROKEN",
        "  n2 *   a/low (-5)           0",
        "",
        "Filters were asked in this order: NodeName, TaintToleration, NodeResourcesFit.",
    ]


def test_a_placed_pod_shows_the_scores_and_the_draw() -> None:
    told = explained(
        node_name="n2",
        tied=["n1", "n2"],
        scores=[{"name": "TaintToleration", "weight": 3}, {"name": "ImageLocality", "weight": 1}],
        nodes=[
            {"node_name": "n1", "raw": [1, 7], "normalized": [50, 7], "total": 157},
            {"node_name": "n2", "raw": [1, 7], "normalized": [50, 7], "total": 157},
        ],
    )
    assert report(told, NOW, 80)[3:11] == [
        "2 of 2 nodes fit. Scores: raw > 0 to 100 > points; plugins without a preference",
        "  are left out.",
        "  PLUGIN            WEIGHT   n2 *           n1",
        "  TaintToleration   3        1 > 50 > 150   1 > 50 > 150",
        "  ImageLocality     1        7 > 7 > 7      7 > 7 > 7",
        "  TOTAL                      157            157",
        "2 nodes have the most points (n1, n2): the pod's uid decides among them.",
        "",
    ]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_many_nodes_stay_within_the_width(width: int) -> None:
    lines = report(many(500), NOW, width)
    assert max(map(len, lines)) <= width
    assert len(lines) < 20
    assert any(line.startswith("  and ") and line.endswith("-o html or -o json shows all") for line in lines)
    assert any("167     NodeResourcesFit   Insufficient cpu   worker-0000, " in line for line in lines)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"recomputed": True, "node_name": "n1"}, "as if it had no node: this is not what was decided then"),
        ({"gates": ["a/b"], "node_name": "n1"}, "is held back by scheduling gates: a/b"),
        ({"gates": ["a/b"], "node_name": "n1"}, "Without them it would go to n1."),
    ],
)
def test_what_is_unusual_is_said(fields: dict[str, object], told: str) -> None:
    assert told in "\n".join(report(explained(**fields), NOW, 100))


def test_a_pod_that_was_only_tried_is_told_so() -> None:
    lines = report(explained(node_name="n1"), NOW, 100, exists=False)
    assert lines[:2] == [
        "pod default/web would go to n1",
        "judged now in 0.2 ms by default-scheduler; nothing was made",
    ]


def test_names_go_below_a_reason_that_leaves_no_room_for_them() -> None:
    reason = "node(s) had untolerated taint(s)"
    told = explained(nodes=[{"node_name": f"master-{each}", "refused_by": 1, "reasons": [reason]} for each in range(9)])
    assert report(told, NOW, 80)[4:7] == [
        "  NODES   BY                REASON",
        f"  9       TaintToleration   {reason}",
        "          master-0, master-1, master-2, master-3, master-4, master-5, ...",
    ]


def test_what_room_would_be_made_for_a_pod_that_was_only_tried() -> None:
    victims = [{"namespace": "a", "name": name} for name in ("x", "y")]
    preemption = {"node_name": "n2", "candidates": [{"node_name": "n2", "victims": victims}]}
    told = report(explained(preemption=preemption), NOW, 100, exists=False)
    assert "Room would be made for it on n2: 2 less important pods have to go." in told
