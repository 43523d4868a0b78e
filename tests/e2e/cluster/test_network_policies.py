"""NetworkPolicies on real hosts: all pairs of nine pods in three namespaces, policy by policy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from podlab_testing.deployed import Cli, nodes_ready, wait_until
from podlab_testing.policy_cases import PolicyCase, policy, policy_cases
from podlab_testing.policy_matrix import Matrix, deploy, readiness

from podlab.lab.lab import Lab

# Those whose policies differ on the lab's pods: what is about addresses outside is tried against a kernel alone.
CASES = [pytest.param(case, id=case.name) for case in policy_cases() if case.policies]
TABLE = "inet podlab-policy"
PUT_BACK_WITHIN_S = 60
ALL_CLOSED = policy(0, podSelector={}, policyTypes=["Ingress", "Egress"])
WEB_CLOSED = policy(0, podSelector={"matchLabels": {"app": "web"}}, policyTypes=["Ingress"])


@pytest.fixture(scope="module")
def deployed(lab: Lab, cli: Cli) -> Iterator[Matrix]:
    wait_until(lambda: nodes_ready(cli), "all nodes Ready", 120)
    made = deploy(cli, lab)
    yield made
    for name in made.names.values():
        cli.rest.delete_namespace(name)


@pytest.fixture
def matrix(deployed: Matrix) -> Iterator[Matrix]:
    yield deployed
    deployed.apply([])


@pytest.fixture(scope="module")
def ready_before(deployed: Matrix) -> dict[str, tuple[bool, str, int]]:
    return readiness(deployed)


def test_there_are_many_policies() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("case", CASES)
def test_all_pairs_are_as_the_policies_say(matrix: Matrix, ready_before: object, case: PolicyCase) -> None:
    matrix.apply(case.policies)
    matrix.agrees()


def test_probes_passed_all_the_while(deployed: Matrix, ready_before: dict[str, tuple[bool, str, int]]) -> None:
    assert readiness(deployed) == ready_before
    assert all(ready for ready, _, _ in ready_before.values())


def test_a_connection_is_cut_by_the_policy_that_forbids_it_and_another_is_not(matrix: Matrix) -> None:
    db, web, cache = (matrix.pods["shop", name].address for name in ("db", "web", "cache"))
    for target in (web, cache):
        assert matrix.ask({db: {"hold": [target, 80]}}) == {db: True}
        assert matrix.ask({db: {"speak": [target, 80]}}) == {db: True}
    matrix.apply([WEB_CLOSED])
    wait_until(lambda: matrix.ask({db: {"speak": [web, 80]}}) == {db: False}, "the connection to web is cut", 10)
    assert matrix.ask({db: {"speak": [cache, 80]}}) == {db: True}


def test_a_namespace_whose_labels_change_begins_and_ceases_to_be_a_peer(matrix: Matrix) -> None:
    peers: list[dict[str, Any]] = [{"namespaceSelector": {"matchLabels": {"open": "yes"}}}]
    matrix.apply([policy(0, podSelector={}, policyTypes=["Ingress"], ingress=[{"from": peers}])])
    web, probe = matrix.pods["shop", "web"].address, matrix.pods["ops", "web"].address
    request = {probe: {"reach": [[web, "tcp", 80]]}}
    wait_until(lambda: matrix.ask(request) == {probe: [False]}, "ops is no peer", 10)
    for labels, passes in (
        ({"team": "b", "tier": "infra", "open": "yes"}, True),
        ({"team": "b", "tier": "infra"}, False),
    ):
        name = matrix.names["ops"]
        matrix.cli.rest.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        wait_until(lambda passes=passes: matrix.ask(request) == {probe: [passes]}, f"{labels}: {passes}", 10)


def test_a_table_that_somebody_removed_is_put_back(matrix: Matrix) -> None:
    matrix.apply([ALL_CLOSED])
    matrix.agrees()
    node = matrix.pods["shop", "web"].node
    assert matrix.lab.run(node, ["nft", "delete", "table", *TABLE.split()]).returncode == 0
    wait_until(lambda: _has_table(matrix, node), f"the table is back on {node}", PUT_BACK_WITHIN_S)
    matrix.agrees()


def _has_table(matrix: Matrix, node: str) -> bool:
    return f"table {TABLE}" in matrix.lab.run(node, ["nft", "list", "tables"]).stdout


def test_without_policies_there_is_no_table(matrix: Matrix) -> None:
    matrix.apply([])
    nodes = {pod.node for pod in matrix.pods.values()} if not matrix.cli.items("networkpolicies", "-A") else set()
    for node in nodes:
        wait_until(lambda node=node: not _has_table(matrix, node), f"no table on {node}", 10)


def test_policies_that_cannot_be_are_refused_and_harm_no_others(matrix: Matrix) -> None:
    matrix.apply([WEB_CLOSED])
    matrix.agrees()
    bad = {
        "ports": [{"protocol": "TCP", "port": 90, "endPort": 80}],
        "from": [{"ipBlock": {"cidr": "10.0.0.0/33"}}, {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}}],
    }
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [bad]}
    metadata = {"name": "bad", "namespace": matrix.names["shop"]}
    body = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
    done = matrix.cli.run("apply", "-f", "-", stdin=json.dumps(body))
    assert done.returncode != 0
    for told in (
        "spec.ingress[0].ports[0].endPort",
        "must be greater than or equal to `port`",
        "spec.ingress[0].from[0].ipBlock.cidr",
        "spec.ingress[0].from[1].ipBlock.except[0]",
        "must be a strict subset of `cidr`",
    ):
        assert told in done.stdout + done.stderr
    assert not matrix.cli.rest.exists("networkpolicy", "bad", "-n", matrix.names["shop"])
    matrix.agrees()


@pytest.mark.alone
def test_while_the_agent_is_down_and_as_it_starts_again_the_rules_hold(matrix: Matrix) -> None:
    matrix.apply([ALL_CLOSED])
    matrix.agrees()
    web = matrix.pods["shop", "web"]
    peers = [pod for key, pod in matrix.pods.items() if key[0] != "shop"]
    request = {pod.address: {"reach": [[web.address, "tcp", 80]] * 20} for pod in peers}
    assert matrix.lab.run(web.node, ["systemctl", "stop", "podlab-proxy"]).returncode == 0
    try:
        assert not any(any(found) for found in matrix.ask(request).values())
    finally:
        matrix.lab.run(web.node, ["systemctl", "start", "--no-block", "podlab-proxy"])
    for _ in range(5):  # some of them while it starts
        assert not any(any(found) for found in matrix.ask(request).values())
    matrix.apply([WEB_CLOSED])
    matrix.agrees()
