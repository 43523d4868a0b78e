from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from master.apiserver.flowcontrol.queues import Dispatch, QueueSet, Ticket


def following(queues: QueueSet[Ticket]) -> Ticket | None:
    """Who runs after another has ended."""
    queues.leave()
    return queues.next()


def test_who_finds_a_free_seat_runs() -> None:
    queues: QueueSet[str] = QueueSet(2, 5, 10)
    assert [queues.arrive("a", name)[0] for name in ("1", "2", "3")] == [Dispatch.RUN, Dispatch.RUN, Dispatch.WAIT]


def test_flows_take_turns_however_long_they_are() -> None:
    queues: QueueSet[str] = QueueSet(1, 10, 100)
    queues.arrive("greedy", "g0")
    for number in range(1, 6):
        queues.arrive("greedy", f"g{number}")
    queues.arrive("modest", "m1")
    assert [following(queues) for _ in range(4)] == ["g1", "m1", "g2", "g3"]


def test_a_flow_that_has_enough_waiting_is_refused() -> None:
    queues: QueueSet[str] = QueueSet(1, 2, 100)
    verdicts = [queues.arrive("a", str(number))[0] for number in range(4)]
    assert verdicts == [Dispatch.RUN, Dispatch.WAIT, Dispatch.WAIT, Dispatch.REFUSE]
    assert queues.arrive("b", "b1")[0] is Dispatch.WAIT


def test_when_all_is_full_the_longest_flow_gives_way() -> None:
    queues: QueueSet[str] = QueueSet(1, 10, 3)
    for number in range(4):
        queues.arrive("greedy", f"g{number}")
    assert queues.arrive("modest", "m1") == (Dispatch.WAIT, "g3")
    assert queues.arrive("greedy", "g4") == (Dispatch.REFUSE, None)
    assert queues.waiting == 3


def test_who_gives_up_waits_no_longer() -> None:
    queues: QueueSet[str] = QueueSet(1, 10, 10)
    for name in ("1", "2", "3"):
        queues.arrive("a", name)
    queues.give_up("a", "2")
    queues.give_up("a", "2")
    queues.give_up("b", "1")
    assert [following(queues), following(queues), queues.taken] == ["3", None, 0]


@given(st.lists(st.tuples(st.sampled_from(["arrive", "leave", "give up"]), st.integers(0, 3), st.integers(0, 30))))
def test_no_seat_is_ever_lost_or_taken_twice(steps: list[tuple[str, int, int]]) -> None:
    queues: QueueSet[int] = QueueSet(2, 4, 8)
    running, waiting = 0, {}
    for number, (what, flow, which) in enumerate(steps):
        if what == "arrive":
            verdict, displaced = queues.arrive(str(flow), number)
            waiting.pop(displaced, None)
            running += verdict is Dispatch.RUN
            if verdict is Dispatch.WAIT:
                waiting[number] = str(flow)
        elif what == "leave" and running:
            nearest = following(queues)
            if nearest is None:
                running -= 1
            else:
                del waiting[nearest]
        elif what == "give up" and waiting:
            ticket = sorted(waiting)[which % len(waiting)]
            queues.give_up(waiting.pop(ticket), ticket)
        assert queues.taken == running <= 2
        assert queues.waiting == len(waiting) <= 8
        assert not waiting or running == 2  # nobody waits beside a free seat
