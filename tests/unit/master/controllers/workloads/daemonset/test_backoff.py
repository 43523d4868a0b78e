"""Daemons that end again and again."""

from __future__ import annotations

from master.controllers.workloads.daemonset.backoff import LIMIT_S, FailedPodsBackoff


def test_the_wait_doubles_up_to_a_limit_and_is_forgotten() -> None:
    now = [0.0]
    backoff = FailedPodsBackoff(lambda: now[0])
    waits = []
    for _ in range(14):
        assert backoff.wait_s("uid", "n1") == 0
        waits.append(backoff.wait_s("uid", "n1"))
        now[0] += waits[-1]
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == LIMIT_S
    assert backoff.wait_s("uid", "n2") == 0
    assert backoff.wait_s("other", "n1") == 0
    now[0] += 2 * LIMIT_S + 1
    assert backoff.wait_s("uid", "n1") == 0
    assert backoff.wait_s("uid", "n1") == 1
    backoff.forget("uid")
    assert backoff.wait_s("uid", "n1") == 0
