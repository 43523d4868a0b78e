"""The checker of histories finds what no order explains, and nothing else."""

from __future__ import annotations

import itertools
import random

import pytest
from podlab_testing.linearizability import NEVER, Operation, Read, Swap, Write, violation


def read(found: str | None, called: float, returned: float = NEVER) -> Read:
    return Read(client="r", called=called, returned=returned, found=found)


def write(value: str | None, called: float, returned: float = NEVER) -> Write:
    return Write(client="w", called=called, returned=returned, value=value)


def swap(expected: str, value: str, done: bool | None, called: float, returned: float = NEVER) -> Swap:
    return Swap(client="s", called=called, returned=returned, expected=expected, value=value, done=done)


@pytest.mark.parametrize(
    "history",
    [
        [],
        [read(None, 0, 1), write("a", 2, 3), read("a", 4, 5), write(None, 6, 7), read(None, 8, 9)],
        [write("a", 0, 9), read(None, 1, 2), read("a", 3, 4)],  # the write is somewhere between
        [write("a", 0, 5), write("b", 1, 6), read("b", 7, 8), read("b", 9, 10)],
        [write("a", 0), read(None, 1, 2), read("a", 3, 4)],  # nobody knows, and it was done
        [write("a", 0), read(None, 1, 2), read(None, 3, 4)],  # or not, so far
        [write("a", 0, 1), swap("a", "b", True, 2, 3), swap("a", "c", False, 4, 5), read("b", 6, 7)],
        [write("a", 0, 1), swap("a", "b", None, 2), read("a", 3, 4), read("b", 5, 6)],
    ],
)
def test_what_some_order_explains_is_right(history: list[Operation]) -> None:
    assert violation(history) is None


@pytest.mark.parametrize(
    ("history", "stuck"),
    [
        ([write("a", 0, 1), read(None, 2, 3)], [read(None, 2, 3)]),  # an acknowledged write is lost
        ([write("a", 0, 1), write("b", 2, 3), read("a", 4, 5)], [read("a", 4, 5)]),  # a stale read
        ([write("a", 0, 9), read("a", 1, 2), read(None, 3, 4)], [read(None, 3, 4)]),  # back in time
        ([read("a", 0, 1), write("a", 2, 3)], [read("a", 0, 1)]),  # before it was written
        ([write("a", 0, 1), swap("a", "b", True, 2, 5), swap("a", "c", True, 3, 6)], None),  # two winners
        ([write("a", 0, 1), swap("a", "b", False, 2, 3)], [swap("a", "b", False, 2, 3)]),  # a loser without a winner
    ],
)
def test_what_no_order_explains_is_found(history: list[Operation], stuck: list[Operation] | None) -> None:
    found = violation(history)
    assert found is not None
    assert stuck is None or list(found.stuck) == stuck
    assert str(found).startswith("after ")


def by_trying_all(history: list[Operation]) -> bool:
    """Every order of every set of operations that holds all that ended."""
    must = {each for each in history if each.returned != NEVER}
    for size in range(len(must), len(history) + 1):
        for order in itertools.permutations(history, size):
            if must <= set(order) and in_time(order) and fits(order):
                return True
    return False


def in_time(order: tuple[Operation, ...]) -> bool:
    return all(not (later.returned < earlier.called) for earlier, later in itertools.combinations(order, 2))


def fits(order: tuple[Operation, ...]) -> bool:
    value: str | None = None
    for each in order:
        after = each.after(value)
        if not after:
            return False
        (value,) = after
    return True


def test_it_agrees_with_trying_all_orders() -> None:
    chance, verdicts = random.Random(7), []
    for _ in range(300):
        history: list[Operation] = []
        for _ in range(chance.randint(1, 5)):
            called = chance.uniform(0, 5)
            returned = NEVER if chance.random() < 0.15 else called + chance.uniform(0.1, 3)
            value, other = chance.choice("abc"), chance.choice("abc")
            kind = chance.randrange(3)
            if kind == 0:
                history.append(read(chance.choice([None, value]), called, returned))
            elif kind == 1:
                history.append(write(value, called, returned))
            else:
                done = None if returned == NEVER else chance.random() < 0.5
                history.append(swap(other, value, done, called, returned))
        verdicts.append(violation(history) is None)
        assert verdicts[-1] == by_trying_all(history), history
    assert 50 < sum(verdicts) < 250
