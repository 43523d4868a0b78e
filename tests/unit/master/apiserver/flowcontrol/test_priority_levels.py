from __future__ import annotations

import pytest

from master.apiserver.flowcontrol import priority_levels
from podlab.flowcontrol.v1.prioritylevelconfiguration_pb2 import PriorityLevelConfiguration
from podlab.kinds.defaults import priorities


def level(
    name: str = "mine",
    shares: int | None = None,
    *,
    queues: tuple[int, int, int] | None = None,
    exempt: bool = False,
) -> PriorityLevelConfiguration:
    """`queues` are how many there are, how many of them a flow uses, and how many requests each holds."""
    made = PriorityLevelConfiguration()
    made.metadata.name, made.spec.type = name, "Exempt" if exempt else "Limited"
    said = made.spec.exempt if exempt else made.spec.limited
    if shares is not None:
        said.nominalConcurrencyShares = shares
    if exempt:
        return made
    limited = made.spec.limited
    limited.limitResponse.type = "Reject" if queues is None else "Queue"
    if queues is not None:
        queuing = limited.limitResponse.queuing
        queuing.queues, queuing.handSize, queuing.queueLengthLimit = queues
    return made


def test_seats_are_those_of_kubernetes() -> None:
    found = priority_levels.configured((*priorities.MANDATORY_LEVELS, *priorities.SUGGESTED_LEVELS))
    assert {each.name: each.seats for each in found.values() if not each.exempt} == {
        "system": 74,
        "node-high": 98,
        "leader-election": 25,
        "workload-high": 98,
        "workload-low": 245,
        "global-default": 49,
        "catch-all": 13,
    }


@pytest.mark.parametrize(
    ("shares", "seats"), [((1, 1), (50, 50)), ((1, 2), (34, 67)), ((0, 5), (0, 100)), ((0, 0), (0, 0))]
)
def test_seats_are_divided_by_shares(shares: tuple[int, int], seats: tuple[int, int]) -> None:
    found = priority_levels.configured([level("a", shares[0]), level("b", shares[1])], 100)
    assert (found["a"].seats, found["b"].seats) == seats


def test_what_is_not_said_is_kubernetes_default() -> None:
    (found,) = priority_levels.configured([level(queues=(0, 0, 0))], 100).values()
    assert (found.seats, found.waiting_of_flow, found.waiting) == (100, 400, 3200)


def test_limits_are_as_said() -> None:
    (found,) = priority_levels.configured([level(queues=(4, 2, 5))], 10).values()
    assert (found.waiting_of_flow, found.waiting) == (10, 20)


def test_who_is_to_be_rejected_never_waits() -> None:
    (found,) = priority_levels.configured([level()], 10).values()
    assert (found.waiting_of_flow, found.waiting) == (0, 0)


def test_an_exempt_level_has_its_share_too() -> None:
    found = priority_levels.configured([level("a", 1, exempt=True), level("b", 1)], 100)
    assert (found["a"].exempt, found["a"].seats, found["b"].seats) == (True, 50, 50)
