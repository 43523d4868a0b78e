"""Which losses are the machine's doing."""

from __future__ import annotations

import pytest
from podlab_testing.losses import Loss, Told, not_by_the_machine

LOST = Loss(100.0, 105.0, "timed out")


@pytest.mark.parametrize(
    ("control", "is_fault"),
    [
        ((), True),
        ((Loss(90.0, 95.0, ""),), True),
        ((Loss(106.5, 106.6, ""),), True),
        ((Loss(90.0, 95.0, ""), Loss(106.5, 106.6, "")), True),
        ((Loss(98.0, 99.5, ""),), False),
        ((Loss(102.0, 102.1, ""),), False),
        ((Loss(90.0, 120.0, ""),), False),
        ((Loss(105.5, 110.0, ""),), False),
    ],
)
def test_a_loss_is_a_fault_unless_the_control_lost_something_at_that_time(
    control: tuple[Loss, ...], is_fault: bool
) -> None:
    assert not_by_the_machine([LOST], control) == ([LOST] if is_fault else [])


def test_where_nothing_is_lost_nothing_is_a_fault() -> None:
    assert not_by_the_machine([], [LOST]) == []


def test_what_the_requesters_print_is_read() -> None:
    found = Told.read("598\n100.000 105.000 10.96.0.5: TimeoutError('timed out')\n")
    assert found == Told(598, (Loss(100.0, 105.0, "10.96.0.5: TimeoutError('timed out')"),))
    assert Told.read("598\n\n") == Told(598, ()), "nothing was lost"
    assert str(found.lost[0]).endswith("10.96.0.5: TimeoutError('timed out'), after 5.0 s")
