"""A placement explained."""

from datetime import UTC, datetime

from podlab.cli.why import report
from podlab.v1.scheduler_pb2 import ExplainResponse


def test_a_pod_without_a_node_shows_every_refusal() -> None:
    explained = ExplainResponse(
        namespace="default",
        name="big",
        decided_at={"seconds": 1_893_456_000},
        message="0/2 nodes are available: 2 Insufficient cpu.",
        attempts=3,
        duration_us=250,
        nodes=[
            {"node_name": "n1", "filters": [{"plugin": "NodeName", "passed": False, "reason": "wrong name"}]},
            {
                "node_name": "n2",
                "filters": [
                    {"plugin": "NodeName", "passed": True},
                    {"plugin": "NodeResourcesFit", "passed": False, "reason": "Insufficient cpu"},
                ],
            },
        ],
    )
    assert report(explained, datetime(2030, 1, 1, 0, 0, 30, tzinfo=UTC)) == [
        "pod default/big has no node (decided 30s ago in 0.2 ms, attempt 3)",
        "0/2 nodes are available: 2 Insufficient cpu.",
        "",
        "Filters",
        "  NODE   NodeName   NodeResourcesFit   REASON",
        "  n1     NO         -                  wrong name",
        "  n2     ok         NO                 Insufficient cpu",
    ]
