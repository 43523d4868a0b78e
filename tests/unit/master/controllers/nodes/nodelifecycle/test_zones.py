"""How fast nodes are evicted from."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.controllers.nodes.nodelifecycle.zones import EvictionRateLimiter, ZoneDisruption, all_out, states
from master.controllers.settings import EvictionSettings

Builder = Callable[..., Any]
SETTINGS = EvictionSettings()
NONE, PARTIAL, FULL = ZoneDisruption.NONE, ZoneDisruption.PARTIAL, ZoneDisruption.FULL


def zone(node: Builder, name: str, ready: int, out: int) -> list[Any]:
    made = []
    for number in range(ready + out):
        each = node(f"{name}-{number}", ready="True" if number < ready else "Unknown")
        each.metadata.labels["topology.kubernetes.io/zone"] = name
        made.append(each)
    return made


@pytest.mark.parametrize(
    ("ready", "out", "disruption", "rate"),
    [
        (3, 0, NONE, 0.1),
        (1, 1, NONE, 0.1),
        (1, 2, NONE, 0.1),
        (2, 3, PARTIAL, 0.0),
        (4, 3, NONE, 0.1),
        (40, 60, PARTIAL, 0.01),
        (60, 40, NONE, 0.1),
        (0, 1, FULL, 0.1),
    ],
)
def test_the_more_of_a_zone_is_out_the_slower_it_is_evicted_from(
    node: Builder, ready: int, out: int, disruption: ZoneDisruption, rate: float
) -> None:
    (state,) = states(zone(node, "a", ready, out), SETTINGS).values()
    assert (state.disruption, state.rate) == (disruption, rate)


def test_a_zone_that_is_out_is_evicted_from_unless_all_are(node: Builder) -> None:
    known = states([*zone(node, "a", 0, 3), *zone(node, "b", 1, 0)], SETTINGS)
    assert known["", "a"].rate == 0.1
    assert not all_out(known)
    assert all_out(states([*zone(node, "a", 0, 3), *zone(node, "b", 0, 1)], SETTINGS))
    assert not all_out({})


def test_the_first_node_goes_at_once_and_the_next_in_its_turn_each_zone_for_itself() -> None:
    pace, a, b = EvictionRateLimiter(), ("", "a"), ("", "b")
    assert pace.wait_s(a, 0.1, 5.0) == 0
    pace.start(a, 5.0)
    assert (pace.wait_s(a, 0.1, 8.0), pace.wait_s(b, 0.1, 8.0)) == (7.0, 0)
    assert pace.wait_s(a, 0.1, 15.0) == 0
    assert pace.wait_s(b, 0.0, 99.0) == float("inf")
    pace.cancel(a)
    assert pace.wait_s(a, 0.1, 6.0) == 0


@given(
    asked=st.lists(st.floats(min_value=0, max_value=300), min_size=1, max_size=60),
    rate=st.floats(min_value=0.01, max_value=2),
)
def test_never_more_evictions_begin_than_the_rate_allows(asked: list[float], rate: float) -> None:
    pace, began, only = EvictionRateLimiter(), [], ("", "")
    for now in sorted(asked):
        if pace.wait_s(only, rate, now) == 0:
            pace.start(only, now)
            began.append(now)
    gaps = [later - earlier for earlier, later in pairwise(began)]
    assert all(gap >= 1 / rate - 1e-6 for gap in gaps)
