"""Two loops that write the same field would undo each other's work for ever."""

from __future__ import annotations

from itertools import combinations

import pytest
from podlab_testing import control_loops
from podlab_testing.control_loops import LOOPS, SHARED, ControlLoop, covers


def both_write(one: ControlLoop, other: ControlLoop) -> set[str]:
    """Fields; anybody may create objects under names of their own, and what is gone stays gone."""
    ours, theirs = ([field for field in loop.writes if "." in field] for loop in (one, other))
    pairs = ((a, b) for a in ours for b in theirs)
    return {b if covers(a, b) else a for a, b in pairs if covers(a, b) or covers(b, a)}


@pytest.mark.parametrize(("one", "other"), [*combinations(LOOPS, 2)], ids=lambda loop: loop.name)
def test_no_two_loops_write_the_same_field(one: ControlLoop, other: ControlLoop) -> None:
    assert both_write(one, other) <= SHARED.keys()


def test_every_loop_is_known() -> None:
    assert control_loops.subscriptions().keys() == {one.name for one in LOOPS}


def test_the_page_says_who_watches_and_writes_what() -> None:
    assert control_loops.told() == control_loops.table(), "run: make control-loops"
