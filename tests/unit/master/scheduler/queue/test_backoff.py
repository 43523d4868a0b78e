"""How long pods that failed wait."""

import pytest

from master.scheduler.queue.backoff import KUBERNETES_BACKOFF, Backoff


@pytest.mark.parametrize(("failures", "delay_s"), [(0, 1.0), (1, 2.0), (3, 8.0), (4, 10.0), (100_000, 10.0)])
def test_it_doubles_up_to_the_limit(failures: int, delay_s: float) -> None:
    assert KUBERNETES_BACKOFF.delay_s(failures) == delay_s


def test_a_limit_of_the_base_is_always_the_base() -> None:
    assert {Backoff(3.0, 3.0).delay_s(failures) for failures in range(5)} == {3.0}
