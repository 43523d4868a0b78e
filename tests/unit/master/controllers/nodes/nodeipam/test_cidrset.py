"""Networks for pods: blocks of the cluster's range."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.controllers.nodes.nodeipam.cidrset import CidrSet

CLUSTER = IPv4Network("10.244.0.0/16")
SMALL = IPv4Network("10.0.0.0/20")


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        pytest.param([], "10.244.0.0/24", id="the first"),
        pytest.param(["10.244.0.0/24", "10.244.1.0/24"], "10.244.2.0/24", id="the next"),
        pytest.param(["10.244.1.0/24"], "10.244.0.0/24", id="a released one"),
        pytest.param(["10.244.0.128/25"], "10.244.1.0/24", id="not one that overlaps a smaller block"),
        pytest.param(["10.244.0.0/22"], "10.244.4.0/24", id="not one inside a larger block"),
        pytest.param(["192.168.0.0/24"], "10.244.0.0/24", id="blocks of elsewhere do not matter"),
        pytest.param(["fd00::/64"], "10.244.0.0/24", id="nor do those of IPv6"),
        pytest.param(["10.244.0.7/24"], "10.244.1.0/24", id="not one given by an address in it"),
        pytest.param(["10.0.0.0/8"], None, id="none when all is taken"),
    ],
)
def test_a_node_gets_the_lowest_free_block(taken: list[str], free: str | None) -> None:
    assert _blocks(CLUSTER, taken).lowest_free() == free


@given(st.sets(st.integers(0, 15), max_size=16))
def test_every_block_is_given_once_and_none_is_left_over(taken: set[int]) -> None:
    used = [f"10.0.{number}.0/24" for number in taken]
    blocks, given_now = _blocks(SMALL, used), []
    while (block := blocks.lowest_free()) is not None:
        given_now.append(block)
        blocks.occupy(f"owner of {block}", [block])
    assert sorted([*used, *given_now]) == sorted(str(one) for one in SMALL.subnets(new_prefix=24))


@given(st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.integers(0, 17), st.just("lowest")))))
def test_whatever_owners_take_and_give_back_the_lowest_free_is_the_first_that_nobody_has(
    steps: list[tuple[int, int | str | None]],
) -> None:
    blocks, numbers = CidrSet(SMALL, 24), {}
    for owner, what in steps:
        if what is None:
            blocks.release(str(owner))
            numbers.pop(owner, None)
        else:
            network = _first_free(numbers.values()) if what == "lowest" else f"10.0.{what}.0/24"
            if network is not None:
                blocks.occupy(str(owner), [network])
                numbers[owner] = network
        assert blocks.lowest_free() == _first_free(numbers.values())


def test_who_holds_a_block_keeps_it_when_it_is_held_again() -> None:
    blocks = _blocks(CLUSTER, ["10.244.0.0/24"])
    blocks.occupy("0", ["10.244.0.0/24"])
    assert blocks.networks_of("0") == ("10.244.0.0/24",)
    assert blocks.lowest_free() == "10.244.1.0/24"


def test_blocks_of_ipv6_are_given_likewise_and_those_of_ipv4_are_none_of_them() -> None:
    blocks = CidrSet(IPv6Network("fd00:10:244::/56"), 64)
    blocks.occupy("n1", ["10.244.0.0/24", "fd00:10:244::/64"])
    assert blocks.lowest_free() == "fd00:10:244:1::/64"


def _blocks(cluster: IPv4Network, taken: list[str]) -> CidrSet:
    blocks = CidrSet(cluster, 24)
    for number, network in enumerate(taken):
        blocks.occupy(str(number), [network])
    return blocks


def _first_free(taken: Iterable[str]) -> str | None:
    used = set(taken)
    return next((str(one) for one in SMALL.subnets(new_prefix=24) if str(one) not in used), None)
