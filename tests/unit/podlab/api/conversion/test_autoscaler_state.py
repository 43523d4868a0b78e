from typing import Any

import pytest

from podlab.api.conversion import autoscaler_state
from podlab.autoscaling.v2.metrics_pb2 import MetricSpec, MetricStatus

QUANTITY = {"string": "10"}
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}


def metric(source: str, kind: str, target: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": kind, source: {"target": target, **more}}


@pytest.mark.parametrize(
    ("metrics", "found", "shown"),
    [
        ([], [], "<none>"),
        ([CPU], [], "cpu: <unknown>/80%"),
        (
            [CPU],
            [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 0}}}],
            "cpu: 0%/80%",
        ),
        ([metric("pods", "Pods", {"averageValue": QUANTITY})], [], "<unknown>/10"),
        (
            [metric("external", "External", {"averageValue": QUANTITY})],
            [{"type": "External", "external": {"current": {"averageValue": {"string": "7"}}}}],
            "7/10 (avg)",
        ),
        (
            [metric("object", "Object", {"value": QUANTITY})],
            [{"type": "Object", "object": {"current": {"value": {"string": "12"}}}}],
            "12/10",
        ),
        (
            [metric("containerResource", "ContainerResource", {"averageValue": QUANTITY}, name="memory")],
            [],
            "memory: <unknown>/10",
        ),
        ([CPU, CPU, CPU], [], "cpu: <unknown>/80%, cpu: <unknown>/80% + 1 more..."),
        ([{"type": "Moon"}], [], "<unknown type>"),
    ],
)
def test_targets_tell_what_was_found_and_what_is_aimed_at(metrics: list[Any], found: list[Any], shown: str) -> None:
    specs, statuses = [MetricSpec(**one) for one in metrics], [MetricStatus(**one) for one in found]
    assert autoscaler_state.targets(specs, statuses) == shown
