"""Nodes on two network segments, n1 and n3 on one and n2 on the other; the router between them knows nothing of pods.

The tests build on each other, in this order: a deployment is too slow to make one for each.
"""

from __future__ import annotations

import itertools
from ipaddress import ip_address
from typing import Any

import pytest
import yaml
from podlab_testing.arp_client import ArpClient
from podlab_testing.deployed import ask, wait_until
from podlab_testing.own_clusters import MakeCluster, OwnCluster
from podlab_testing.own_labs import own_lab
from podlab_testing.pod_traffic import MEGABYTE, Passed, between

from podlab.lab.spec import LabSpec

NODES = ("n1", "n2", "n3")
MENDED_WITHIN_S = 10


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> OwnCluster:
    made = make_cluster(LabSpec(name=own_lab("n").name, masters=1, nodes=3, segments=2), {})
    made.deploy()
    return made


def way(cluster: OwnCluster, source: str, address: str) -> str:
    """The device that a node sends packets for this address through."""
    return cluster.on(source, f"ip -o route get {address}").split(" dev ")[1].split()[0]


def ways(cluster: OwnCluster, pods: dict[str, dict[str, Any]]) -> dict[str, set[str]]:
    """Device -> the pairs of nodes whose pods are reached through it."""
    found: dict[str, set[str]] = {}
    for source, target in itertools.permutations(NODES, 2):
        device = way(cluster, source, pods[target]["status"]["podIP"])
        found.setdefault(device, set()).add(f"{source}-{target}")
    return found


def all_is_reached(cluster: OwnCluster, name: str, pods: dict[str, dict[str, Any]]) -> None:
    """Every pod from every other, the Service by its name from every pod, and its node port at every node."""
    urls = " ".join([*(f"http://{pod['status']['podIP']}:8080/" for pod in pods.values()), *[f"http://{name}/"] * 6])
    for pod in pods.values():
        script = f"for at in {urls}; do timeout 5 wget -q -O - $at 2>&1 || echo no answer of $at; done"
        said = cluster.cli("exec", pod["metadata"]["name"], "--", "sh", "-c", script)
        assert "no answer" not in said, f"from {pod['metadata']['name']}: {said}"
    port = cluster.cli.get("service", name)["spec"]["ports"][0]["nodePort"]
    for node in NODES:
        for _ in range(6):
            assert ask(f"http://{cluster.addresses()[node]}:{port}/")


def packets_pass(cluster: OwnCluster, pods: dict[str, dict[str, Any]], mtu: int) -> None:
    for source, target in (("n1", "n2"), ("n2", "n3"), ("n3", "n1")):
        ends = [(node, str(pods[node]["status"]["podIP"])) for node in (source, target)]
        assert between(cluster.lab, ends[0], ends[1]) == Passed(MEGABYTE, mtu, mtu), f"{source} to {target}"


def longest_packets(cluster: OwnCluster, node: str) -> set[int]:
    """What the node's pods may send, in bytes, as either end of their links has it."""
    inside = "for each in /run/netns/*; do nsenter --net=$each ip -o link show dev eth0; done"
    links = cluster.on(node, f"ip -o link show master podlab0; {inside}").splitlines()
    assert links
    return {int(link.split(" mtu ")[1].split()[0]) for link in links}


def test_pods_on_both_segments_reach_each_other_and_services(cluster: OwnCluster) -> None:
    pods = cluster.pod_everywhere("web")
    assert ways(cluster, pods) == {
        "host0": {"n1-n3", "n3-n1"},
        "podlab-vxlan": {"n1-n2", "n2-n1", "n2-n3", "n3-n2"},
    }
    all_is_reached(cluster, "web", pods)


def test_a_load_balancers_address_is_answered_for_on_the_segment_that_it_is_of_alone(cluster: OwnCluster) -> None:
    cluster.pod_everywhere("web")
    spec = {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "balanced"}, "spec": spec}
    cluster.cli("apply", "-f", "-", stdin=yaml.safe_dump(service))

    def address() -> str:
        found = cluster.cli.get("service", "balanced")["status"]["loadBalancer"].get("ingress", [])
        return "".join(each["ip"] for each in found)

    given = str(wait_until(address, "the Service has an address", MENDED_WITHIN_S))
    first, second = cluster.lab.spec().networks
    assert ip_address(given) in second.network
    with ArpClient(second.bridge) as near, ArpClient(first.bridge) as far:
        wait_until(lambda: near.who_has(given), "a node answers", MENDED_WITHIN_S)
        assert near.who_has(given) == near.who_has(cluster.addresses()["n2"])
        assert far.who_has(given) == set()
    assert ask(f"http://{given}/")
    cluster.cli("delete", "service", "balanced")


def test_a_megabyte_and_the_longest_packets_pass(cluster: OwnCluster) -> None:
    packets_pass(cluster, cluster.pod_everywhere("web"), 1450)


def test_what_is_taken_away_is_put_back(cluster: OwnCluster) -> None:
    pods = cluster.pod_everywhere("web")
    other, near = (str(pods[node]["status"]["podIP"]) for node in ("n2", "n3"))
    cluster.on("n1", "ip link del podlab-vxlan; ip route flush proto 112")
    wait_until(
        lambda: (
            (way(cluster, "n1", other), way(cluster, "n1", near)) == ("podlab-vxlan", "host0")
            and "10.244" in cluster.on("n1", "ip route get 10.244.255.1 >/dev/null; ip route show proto 112")
        ),
        "n1's ways are back",
        MENDED_WITHIN_S,
    )
    all_is_reached(cluster, "web", pods)


def test_vxlan_can_be_forced_on_one_segment(cluster: OwnCluster) -> None:
    cluster.deploy("-e", "podlab_network_overlay=always")
    pods = cluster.pod_everywhere("forced")
    assert list(ways(cluster, pods)) == ["podlab-vxlan"]
    all_is_reached(cluster, "forced", pods)
    packets_pass(cluster, pods, 1450)


def test_without_vxlan_only_the_own_segment_is_reached_and_the_node_says_so(cluster: OwnCluster) -> None:
    cluster.deploy("-e", "podlab_network_overlay=never")
    pods = cluster.pod_everywhere("plain")
    assert "podlab-vxlan" not in ways(cluster, pods)
    near, far = (str(pods[node]["status"]["podIP"]) for node in ("n3", "n2"))
    script = f"timeout 3 wget -q -O - http://{near}:8080/ && ! timeout 3 wget -q -O - http://{far}:8080/"
    cluster.cli("exec", pods["n1"]["metadata"]["name"], "--", "sh", "-c", script)
    journal = cluster.on("n1", "journalctl -u podlab-kubelet --no-pager -o cat | tail -200")
    assert "is on another network segment, and podlab_network_overlay is never" in journal


def test_pods_that_run_get_the_length_of_packets_that_is_right_now(cluster: OwnCluster) -> None:
    """`never` has left nothing to make room for. Pods of one bridge with several MTUs could not reach each other."""
    for node in NODES:
        wait_until(lambda node=node: longest_packets(cluster, node) == {1500}, f"all pods of {node} have 1500", 10)
    cluster.deploy("-e", "podlab_network_overlay=auto")
    for node in NODES:
        wait_until(lambda node=node: longest_packets(cluster, node) == {1450}, f"all pods of {node} have 1450", 10)
    packets_pass(cluster, cluster.pod_everywhere("web"), 1450)


def test_a_node_that_goes_is_forgotten_and_reset_leaves_nothing(cluster: OwnCluster) -> None:
    wait_until(lambda: "podlab-vxlan" in cluster.on("n1", "ip -br link"), "n1's device is there again", MENDED_WITHIN_S)
    address = cluster.addresses()["n2"]
    wait_until(lambda: address in cluster.on("n1", "bridge fdb show dev podlab-vxlan"), "n2 is known", MENDED_WITHIN_S)
    cluster.cli("delete", "node", "n2")
    wait_until(
        lambda: address not in cluster.on("n1", "bridge fdb show dev podlab-vxlan; ip neigh; ip route"),
        "n1 knows n2 no more",
        MENDED_WITHIN_S,
    )
    outcome = cluster.play("reset.yml", "--limit", "n2")
    assert outcome.code == 0, outcome.text[-4000:]
    assert "podlab" not in cluster.on("n2", "ip -br link")
    assert cluster.on("n2", "ip route show proto 112") == ""
