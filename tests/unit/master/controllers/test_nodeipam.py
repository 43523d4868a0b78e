"""Networks for pods."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.controllers.nodeipam import lowest_free

CLUSTER = IPv4Network("10.244.0.0/16")


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        pytest.param([], "10.244.0.0/24", id="the first"),
        pytest.param(["10.244.0.0/24", "10.244.1.0/24"], "10.244.2.0/24", id="the next"),
        pytest.param(["10.244.1.0/24"], "10.244.0.0/24", id="a released one"),
        pytest.param(["10.244.0.128/25"], "10.244.1.0/24", id="not one that overlaps a smaller block"),
        pytest.param(["10.244.0.0/22"], "10.244.4.0/24", id="not one inside a larger block"),
        pytest.param(["192.168.0.0/24"], "10.244.0.0/24", id="blocks of elsewhere do not matter"),
        pytest.param(["10.0.0.0/8"], None, id="none when all is taken"),
    ],
)
def test_a_node_gets_the_lowest_free_block(taken: list[str], free: str | None) -> None:
    assert lowest_free(CLUSTER, 24, taken) == free


@given(st.sets(st.integers(0, 15), max_size=16))
def test_every_block_is_given_once_and_none_is_left_over(taken: set[int]) -> None:
    cluster = IPv4Network("10.0.0.0/20")
    used = [f"10.0.{number}.0/24" for number in taken]
    given_now = []
    while (block := lowest_free(cluster, 24, [*used, *given_now])) is not None:
        given_now.append(block)
    assert sorted([*used, *given_now]) == sorted(str(one) for one in cluster.subnets(new_prefix=24))
