"""Answers of the API server about a pod's way, which is 100 ms long."""

from __future__ import annotations

from podlab.v1.timeline_pb2 import ComponentSpans, PodTimelineResponse

MS = 1_000_000
START_NS = 1_700_000_000_000 * MS

Told = tuple[str, str, float, float, str]
"""Key, name, from and to which millisecond, detail."""


def component(name: str, *told: Told, node: str = "", skew_ms: float = 0.0, error_ms: float = 1.0) -> ComponentSpans:
    """What a component tells whose clock is ahead by that."""
    made = ComponentSpans(
        component=name, node=node, skew_ns=int(skew_ms * MS), skew_error_ns=int(error_ms * MS), since_ns=1
    )
    for key, span, began_ms, ended_ms, detail in told:
        began_ns, ended_ns = (START_NS + int((each + skew_ms) * MS) for each in (began_ms, ended_ms))
        made.spans.add(key=key, name=span, began_ns=began_ns, ended_ns=ended_ns, detail=detail)
    return made


def timeline() -> PodTimelineResponse:
    """Of pod `pod` of ReplicaSet web-1 on n1. The clock of n2 is half a second ahead, and its DNS agent is away."""
    made = PodTimelineResponse(uid="pod")
    made.owners.add(uid="rs", kind="ReplicaSet", name="web-1")
    made.components.extend(
        [
            component("apiserver", ("pod", "stored", 1, 5, "CREATE"), ("pod", "stored", 200, 201, "UPDATE")),
            component("controllers", ("pod", "created", 0, 6, "by ReplicaSet web-1"), ("rs", "seen", -10, -10, "")),
            component("scheduler", ("pod", "seen", 7, 7, ""), ("pod", "bound", 8, 12, "n1")),
            component(
                "kubelet",
                ("pod", "sandbox", 14, 54, ""),
                ("pod", "network", 20, 50, "podlab"),
                ("pod", "ready told", 60, 62, ""),
                node="n1",
            ),
            component("proxy", ("default/web:10.0.0.1", "rules", 70, 80, "web"), node="n1"),
            component("proxy", ("default/web:10.0.0.1", "rules", 75, 90, "web"), node="n2", skew_ms=500),
            ComponentSpans(component="dns", node="n2", error="no answer"),
        ]
    )
    return made
