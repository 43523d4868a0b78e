"""What is said of nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from master.controllers.nodes.nodelifecycle.decide import (
    EvictionMode,
    pods_to_mark,
    taints,
    with_unknown_conditions,
)
from master.controllers.objects.nodestate import readiness
from podlab.api.objects import condition

NOW = 1_000_000
Builder = Callable[..., Any]
P = "node.kubernetes.io/"


def keys(node: Any, evicting: EvictionMode = EvictionMode.START) -> set[str]:
    return {f"{one.key}:{one.effect}" for one in taints(node, evicting, NOW)}


@pytest.mark.parametrize(
    ("ready", "expected"),
    [
        pytest.param("True", set(), id="nothing to do"),
        pytest.param("False", {f"{P}not-ready:NoSchedule", f"{P}not-ready:NoExecute"}, id="not ready"),
        pytest.param("Unknown", {f"{P}unreachable:NoSchedule", f"{P}unreachable:NoExecute"}, id="unreachable"),
        pytest.param("", {f"{P}not-ready:NoSchedule"}, id="has not said anything yet"),
    ],
)
def test_taints_follow_readiness(node: Builder, ready: str, expected: set[str]) -> None:
    assert keys(node(ready=ready)) == expected


def test_pressure_and_cordons_keep_new_pods_away(node: Builder) -> None:
    pressed = node()
    pressed.status.conditions.add(type="MemoryPressure", status="True")
    pressed.status.conditions.add(type="DiskPressure", status="False")
    pressed.spec.unschedulable = True
    assert keys(pressed) == {f"{P}memory-pressure:NoSchedule", f"{P}unschedulable:NoSchedule"}


def test_taints_of_others_stay_and_ours_keep_their_time(node: Builder) -> None:
    silent = node(ready="Unknown")
    silent.spec.taints.add(key="gpu", value="yes", effect="NoSchedule")
    silent.spec.taints.add(key=f"{P}unreachable", effect="NoExecute").timeAdded.seconds = 5
    silent.spec.taints.add(key=f"{P}not-ready", effect="NoExecute").timeAdded.seconds = 5
    result = {(one.key, one.effect): one.timeAdded.seconds for one in taints(silent, EvictionMode.START, NOW)}
    assert result == {
        ("gpu", "NoSchedule"): 0,
        (f"{P}unreachable", "NoExecute"): 5,
        (f"{P}unreachable", "NoSchedule"): NOW,
    }


def test_when_much_is_out_no_new_evictions_begin_and_when_all_is_out_they_end(node: Builder) -> None:
    silent = node(ready="Unknown")
    assert keys(silent, EvictionMode.PAUSE) == {f"{P}unreachable:NoSchedule"}
    silent.spec.taints.add(key=f"{P}unreachable", effect="NoExecute")
    assert f"{P}unreachable:NoExecute" in keys(silent, EvictionMode.PAUSE)
    assert keys(silent, EvictionMode.STOP) == {f"{P}unreachable:NoSchedule"}


def test_nothing_is_known_of_a_silent_node(node: Builder) -> None:
    silent = node()
    silent.status.conditions.add(type="NetworkUnavailable", status="False", reason="RouteCreated")
    silent.status.CopyFrom(with_unknown_conditions(silent.status, NOW))
    assert readiness(silent) == "Unknown"
    told = {one.type: (one.status, one.reason) for one in silent.status.conditions}
    never = ("Unknown", "NodeStatusNeverUpdated")
    assert told == {
        "Ready": ("Unknown", "NodeStatusUnknown"),
        "NetworkUnavailable": ("False", "RouteCreated"),
        "MemoryPressure": never,
        "DiskPressure": never,
        "PIDPressure": never,
    }
    assert with_unknown_conditions(silent.status, NOW + 60) == silent.status


def test_pods_that_were_ready_before_their_node_stopped_being_so_are_marked(node: Builder, pod: Builder) -> None:
    out = node(ready="False")
    known = condition(out.status.conditions, "Ready")
    known.lastTransitionTime.seconds = NOW
    before, after = pod(ready_at=NOW - 1), pod(ready_at=NOW + 1)
    others = [pod(ready=False), pod(phase="Succeeded"), pod(ready=None)]
    assert pods_to_mark(out, [before, after, *others]) == [before]
    assert pods_to_mark(node(), [before]) == []
