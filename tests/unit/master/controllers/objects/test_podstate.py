"""When a pod counts, and from when on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from master.controllers.objects.podstate import available_in_s, is_active, next_availability_s

NOW = 1_000_000
Builder = Callable[..., Any]


@pytest.mark.parametrize(
    ("state", "active"),
    [({}, True), ({"phase": "Pending"}, True), ({"phase": "Failed"}, False), ({"phase": "Succeeded"}, False)],
)
def test_what_ended_or_goes_counts_no_more(pod: Builder, state: dict[str, Any], active: bool) -> None:
    assert is_active(pod(**state)) is active
    assert not is_active(pod(**state, going=True))


@pytest.mark.parametrize(
    ("state", "min_ready_s", "wait_s"),
    [
        ({"ready": False}, 0, None),
        ({"ready": None}, 0, None),
        ({"ready_at": NOW}, 0, 0),
        ({"ready_at": NOW - 10}, 30, 20),
        ({"ready_at": NOW - 40}, 30, 0),
        ({"ready_at": 0}, 30, 30),
    ],
)
def test_a_pod_is_available_once_it_was_ready_for_long_enough(
    pod: Builder, state: dict[str, Any], min_ready_s: int, wait_s: float | None
) -> None:
    assert available_in_s(pod(**state), min_ready_s, NOW) == wait_s


def test_the_next_to_become_available_is_waited_for(pod: Builder) -> None:
    pods = [pod(ready_at=NOW - 10), pod(ready_at=NOW - 5), pod(ready=False), pod(ready_at=NOW - 25, going=True)]
    assert next_availability_s(pods, 30, NOW) == 20
    assert next_availability_s(pods, 5, NOW) is None
