"""Delays between the runs of a container."""

from __future__ import annotations

from podlab_testing.kubelet_pods import MakeRun

from node.kubelet.pod import restart_backoff


def test_delays_begin_with_none_and_double_up_to_five_minutes(run: MakeRun) -> None:
    delays, previous = [], None
    for attempt in range(9):
        following = restart_backoff.following_s(previous)
        previous = run(attempt=attempt, code=1, backoff_s=following)
        delays.append(restart_backoff.delay_s(previous))
    assert delays == [0, 10, 20, 40, 80, 160, 300, 300, 300]


def test_a_long_run_starts_over(run: MakeRun) -> None:
    long = run(code=1, backoff_s=160, started_ns=0 + 1, finished_ns=601 * 10**9)
    assert restart_backoff.delay_s(long) == 0
    assert restart_backoff.following_s(long) == 10


def test_a_run_that_ended_with_its_node_is_not_held_against_the_container(run: MakeRun) -> None:
    assert restart_backoff.delay_s(run(code=255, backoff_s=40, reason=restart_backoff.LOST)) == 0


def test_the_delay_counts_from_the_end_of_the_run(run: MakeRun) -> None:
    assert restart_backoff.due(run(code=1, backoff_s=10)) == 30.0
