"""Policies on pods that have addresses of both families."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from itertools import product

import pytest
from podlab_testing.policy_cases import PODS, PolicyCase, cluster, policy, policy_cases

from node.networkpolicy.script import render, replacement
from node.networkpolicy.table import Packet, PolicyTable, passes

CASES = [pytest.param(case, id=case.name) for case in policy_cases()]


def second(address: str) -> str:
    return "fd00:10::" + address.rpartition(".")[0].replace(".", ":") + ":" + address.rpartition(".")[2]


def table(case_policies: tuple[object, ...]) -> PolicyTable:
    """Of node n1, where each pod has a second address."""
    made = cluster("n1", case_policies)  # type: ignore[arg-type]
    for pod in PODS.values():
        made.set_pod(pod.namespace, pod.name, replace(pod, address=second(pod.address)), "IPv6")
    return made.table()


@pytest.mark.parametrize("case", CASES)
def test_pods_reach_each_other_over_one_family_as_over_the_other(case: PolicyCase) -> None:
    if "ipBlock" in str(case.policies):
        return  # which names addresses
    found = table(case.policies)
    for (source, destination), protocol, port in product(
        product(PODS.values(), repeat=2), ("tcp", "udp"), (53, 80, 443, 5432, 8080)
    ):
        over_ipv4 = Packet(source.address, destination.address, protocol, port)
        over_ipv6 = Packet(second(source.address), second(destination.address), protocol, port)
        assert passes(found, over_ipv4) == passes(found, over_ipv6)


@pytest.mark.skipif(os.geteuid() != 0, reason="the kernel's own check needs root")
@pytest.mark.parametrize("case", CASES)
def test_the_kernel_takes_the_rules_of_both(case: PolicyCase) -> None:
    script = replacement(render(table(case.policies)))
    done = subprocess.run(
        ["unshare", "--net", "nft", "-c", "-f", "-"], input=script, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stderr}\n{script}"


def test_a_block_of_one_family_lets_nothing_of_the_other_in() -> None:
    web = next(pod for pod in PODS.values() if pod.node == "n1")
    everything = policy(0, web.namespace, podSelector={}, policyTypes=["Ingress"],
                        ingress=[{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}])  # fmt: skip
    found = table((everything,))
    assert passes(found, Packet("192.0.2.9", web.address))
    assert not passes(found, Packet("2001:db8::9", second(web.address)))
    assert any(rule.startswith("meta nfproto ipv4 ") for rules in render(found).chains.values() for rule in rules)
