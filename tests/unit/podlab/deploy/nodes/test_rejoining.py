"""Which hosts are other machines than their nodes were, and what is said of a node that lives elsewhere."""

import pytest

from podlab.deploy.nodes import rejoining
from podlab.deploy.nodes.rejoining import Machine
from podlab.deploy.nodes.standing import Standing


def machine(machine_id: str = "a", kubelet: bool = True, address: str = "10.0.0.21") -> Machine:
    return Machine(machine_id=machine_id, address=address, kubelet=kubelet)


def standing(ready: str = "True", address: str = "10.0.0.21") -> Standing:
    return Standing(ready=ready, since="2026-01-01T00:00:00Z", address=address, renewed="", lease_s=40)


@pytest.mark.parametrize(
    ("host", "known", "why"),
    [
        (machine(), {}, ""),
        (machine(kubelet=False), {"n2": "b"}, ""),
        (machine(), {"n1": "a"}, ""),
        (machine(kubelet=False), {"n1": "a"}, "it has nothing of node n1 any more"),
        (machine("b"), {"n1": "a"}, "it is another machine (b) than node n1 was"),
        (machine("", kubelet=False), {"n1": "a"}, "it is another machine (without an id) than node n1 was"),
        (machine(), {"n1": ""}, ""),
        (machine(kubelet=False), {"n1": ""}, "it has nothing of node n1 any more"),
    ],
)
def test_a_host_is_new_by_its_machine_id_or_when_it_has_nothing_of_its_node(
    host: Machine, known: dict[str, str], why: str
) -> None:
    assert rejoining.new_machines({"n1": host}, known) == ({"n1": why} if why else {})


@pytest.mark.parametrize(
    ("host", "node", "elsewhere"),
    [
        (machine("b", address="10.0.0.99"), standing(), True),
        (machine("b", address="10.0.0.99"), standing("False"), True),
        (machine("b", address="10.0.0.99"), standing("Unknown"), False),
        (machine("b"), standing(), False),
        (machine("a", address="10.0.0.99"), standing(), False),
    ],
)
def test_a_node_may_live_on_another_machine_at_another_address_alone(
    host: Machine, node: Standing, elsewhere: bool
) -> None:
    assert rejoining.may_be_elsewhere(host, "a", node) == elsewhere


def test_a_kubelet_is_silent_when_it_has_missed_a_heartbeat() -> None:
    assert 10 < rejoining.watched_s(standing()) < 20


def test_a_node_that_lives_on_another_machine_is_told_with_both_addresses_and_the_remedies() -> None:
    told = rejoining.refusal("n1", machine("b", address="10.0.0.99"), standing())
    assert told.startswith("n1 is a node at 10.0.0.21, whose kubelet is heard")
    assert "10.0.0.99" in told
    assert "remove-node.yml -e node=n1" in told
