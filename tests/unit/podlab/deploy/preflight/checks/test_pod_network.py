"""All nodes are of one pod network."""

from typing import Any

import pytest

from podlab.deploy.preflight.checks.pod_network import check_pod_network
from podlab.deploy.preflight.hosts.facts import Host


def node(name: str, **variables: Any) -> Host:
    return Host(name=name, groups=frozenset({"nodes"}), variables=variables)


def test_without_variables_and_with_the_same_ones_all_is_well() -> None:
    same = {"podlab_network": "podlab", "podlab_network_overlay": "always", "podlab_network_mtu": 1400}
    assert list(check_pod_network([node("n1"), node("n2", podlab_network_overlay="auto")])) == []
    assert list(check_pod_network([node("n1", **same), node("n2", **same)])) == []


def test_nodes_that_disagree_are_told() -> None:
    (found,) = check_pod_network([node("n1", podlab_network_overlay="never"), node("n2")])
    assert found.cause == "podlab_network_overlay is not the same for all nodes: never, auto"


def test_a_master_may_say_anything() -> None:
    assert list(check_pod_network([Host(name="m1", variables={"podlab_network_mtu": 9}), node("n1")])) == []


@pytest.mark.parametrize("mtu", [1, 1279, 65536])
def test_a_length_that_no_packet_can_have_is_told(mtu: int) -> None:
    (found,) = check_pod_network([node("n1", podlab_network_mtu=mtu)])
    assert found.cause == f"podlab_network_mtu is {mtu}, neither 0 nor from 1280 to 65535"
