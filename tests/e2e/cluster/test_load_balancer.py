"""Load balancers' addresses as machines outside the cluster use them, and who answers when a node goes."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network
from typing import Any

import pytest
from podlab_testing.arp_client import ArpClient
from podlab_testing.deployed import Cli, MakeNamespace, nodes_ready, wait_until
from podlab_testing.echo_pods import EchoPods, echo_pods

from podlab.api.loadbalancers import EXCLUDED_NODE
from podlab.lab.lab import Lab

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="ARP on the lab's bridge needs root")

MOVED_WITHIN_S = 5.0
WEB, FIRST, SECOND = {"app": "web"}, {"pod": "web-1"}, {"pod": "web-2"}


class Balanced(EchoPods):
    """Services of type LoadBalancer before the pods."""

    def make(self, name: str, selector: dict[str, str], **spec: Any) -> str:
        """A Service, and the address that it gets, once a node answers for it."""
        self.put(name, selector, type="LoadBalancer", **spec)
        address = wait_until(lambda: self.address(name), f"{name} has an address", 10)
        wait_until(lambda: self.holders(address), f"a node answers for {address}", 10)
        return address

    def address(self, name: str) -> str:
        return "".join(point["ip"] for point in self.service(name)["status"]["loadBalancer"].get("ingress", []))

    def holders(self, address: str) -> set[str]:
        """The nodes that answer neighbours who ask for the address, by their MACs."""
        with ArpClient(self.lab.spec().networks[0].bridge) as client:
            macs = {mac: name for name, own in self.nodes.items() for mac in client.who_has(own)}
            return {macs.get(mac, mac.hex(":")) for mac in client.who_has(address)}

    def holder(self, address: str) -> str:
        """Once one alone answers."""
        return wait_until(lambda: _only(self.holders(address)), f"one node answers for {address}", 10)


def _only(found: set[str]) -> str:
    return next(iter(found)) if len(found) == 1 else ""


@pytest.fixture(scope="module")
def balanced(lab: Lab, cli: Cli, addresses: dict[str, str], make_namespace: MakeNamespace) -> Iterator[Balanced]:
    with echo_pods(cli, lab, addresses, make_namespace) as found:
        yield Balanced(**vars(found))


def test_a_service_gets_an_address_that_everybody_reaches(balanced: Balanced) -> None:
    address = balanced.make("plain", WEB)
    assert address in balanced.cli("get", "service", "plain", "-n", balanced.namespace)
    for client in ("outside", "web-1", *balanced.nodes):
        assert balanced.pods(address, client) == {"web-1", "web-2"}, client
    told = wait_until(lambda: _events(balanced, "plain").get("nodeAssigned"), "an Event says who answers", 10)
    assert f'announcing {address} from node "{balanced.holder(address)}" with protocol "layer2"' in told
    port = balanced.service("plain")["spec"]["ports"][0]["nodePort"]
    assert balanced.ask("outside", "get", f"http://{balanced.nodes['n1']}:{port}/", "1") != ["refused"]


def _events(balanced: Balanced, name: str) -> dict[str, str]:
    found = balanced.cli.items("events", "-n", balanced.namespace, "--field-selector", f"involvedObject.name={name}")
    return {each["reason"]: each["message"] for each in found}


def test_an_address_comes_back_and_nobody_answers_for_it_any_more(balanced: Balanced) -> None:
    address = balanced.make("short", WEB)
    balanced.cli("delete", "service", "short", "-n", balanced.namespace)
    wait_until(lambda: not balanced.holders(address), "nobody answers any more", 5)
    address = balanced.make("next", WEB)
    balanced.put("next", WEB, type="ClusterIP")
    wait_until(lambda: not balanced.holders(address), "nobody answers any more", 5)
    wait_until(lambda: "finalizers" not in balanced.service("next")["metadata"], "it is released", 5)


def test_only_clients_of_the_source_ranges_are_let_in(balanced: Balanced) -> None:
    address = balanced.make("ranges", WEB, loadBalancerSourceRanges=["198.51.100.0/24"])
    assert balanced.ask("outside", "get", f"http://{address}/", "1") == ["timed out"]
    mine = f"{balanced.lab.spec().networks[0].gateway}/32"
    balanced.put("ranges", WEB, type="LoadBalancer", loadBalancerSourceRanges=[mine])
    wait_until(lambda: balanced.pods(address, count=1) <= {"web-1", "web-2"}, "it is let in", 10)


def test_policy_local_keeps_the_clients_address_and_only_nodes_with_endpoints_answer(balanced: Balanced) -> None:
    address = balanced.make("local", FIRST, externalTrafficPolicy="Local")
    assert balanced.holder(address) == "n1"
    own = str(balanced.lab.spec().networks[0].gateway)
    assert balanced.ask("outside", "get", f"http://{address}/", "2") == [f"web-1 n1 {own} 8080"] * 2
    port = balanced.service("local")["spec"]["healthCheckNodePort"]
    assert {name: _health(at, port) for name, at in balanced.nodes.items() if name in ("n1", "n2")} == {
        "n1": (200, 1),
        "n2": (503, 0),
    }
    balanced.put("local", SECOND, type="LoadBalancer", externalTrafficPolicy="Local")
    wait_until(lambda: balanced.holders(address) == {"n2"}, "the node with the endpoint answers", MOVED_WITHIN_S)
    wait_until(
        lambda: balanced.ask("outside", "get", f"http://{address}/", "1") == [f"web-2 n2 {own} 8080"],
        "clients have followed",
        MOVED_WITHIN_S,
    )


def _health(address: str, port: int) -> tuple[int, int]:
    """Status, and how many endpoints the node says it has."""
    try:
        with urllib.request.urlopen(f"http://{address}:{port}/healthz", timeout=5) as answer:
            return answer.status, json.loads(answer.read())["localEndpoints"]
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())["localEndpoints"]


def test_node_ports_are_not_given_where_they_are_not_asked_for(balanced: Balanced) -> None:
    address = balanced.make("bare", WEB, allocateLoadBalancerNodePorts=False)
    assert "nodePort" not in balanced.service("bare")["spec"]["ports"][0]
    assert balanced.pods(address) == {"web-1", "web-2"}


def test_an_external_ip_is_answered_for_by_nodes_and_announced_by_nobody(balanced: Balanced) -> None:
    address = str(IPv4Network(f"{balanced.nodes['n1']}/24", strict=False)[222])
    balanced.put("external", WEB, externalIPs=[address])
    for client in ("web-1", *balanced.nodes):
        wait_until(lambda client=client: balanced.pods(address, client) == {"web-1", "web-2"}, client, 10)  # type: ignore[misc]
    assert balanced.holders(address) == set()


def test_udp_reaches_pods_by_the_address(balanced: Balanced) -> None:
    ports = [{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns"}]
    address = balanced.make("udp", WEB, ports=ports)
    assert set(balanced.ask("outside", "udp", address, "53", "3")) <= {"web-1", "web-2"}


def test_a_pod_behind_a_load_balancer_reaches_itself_by_its_address(balanced: Balanced) -> None:
    address = balanced.make("hairpin", FIRST)
    assert balanced.pods(address, "web-1", 3) == {"web-1"}


def test_a_service_without_endpoints_refuses_at_once(balanced: Balanced) -> None:
    address = balanced.make("empty", {"app": "nothing"})
    began_s = time.monotonic()
    assert balanced.ask("outside", "get", f"http://{address}/", "1") == ["refused"]
    assert time.monotonic() - began_s < 2


@contextmanager
def moved(balanced: Balanced, address: str, what: str) -> Iterator[None]:
    """The node that answers is another one within the bound, once what is inside has been done."""
    before = balanced.holder(address)
    yield
    began_s = time.monotonic()
    wait_until(lambda: balanced.holders(address) - {before}, f"another node answers: {what}", MOVED_WITHIN_S, 0.0)
    print(f"{what}: {time.monotonic() - began_s:.1f} s")


@pytest.mark.alone
def test_an_address_moves_when_its_node_gives_it_up(balanced: Balanced) -> None:
    address, cli = balanced.make("giveup", WEB), balanced.cli
    holder = balanced.holder(address)
    with undone(lambda: label(cli, holder)), moved(balanced, address, "excluded"):
        label(cli, holder, EXCLUDED_NODE)
    holder = balanced.holder(address)
    with undone(lambda: cli("uncordon", holder)), moved(balanced, address, "cordoned"):
        cli("cordon", holder)
    holder = balanced.holder(address)
    kubelet = [f"systemctl {verb} podlab-kubelet".split() for verb in ("stop", "start")]
    with undone(lambda: balanced.lab.run(holder, kubelet[1])), moved(balanced, address, "kubelet stopped"):
        balanced.lab.run(holder, kubelet[0])
    wait_until(lambda: nodes_ready(cli), "all nodes Ready", 60)


def label(cli: Cli, node: str, *names: str) -> None:
    """These and no others of those that were put here before."""
    metadata = {"name": node, "labels": dict.fromkeys(names, "")}
    cli.rest.apply({"apiVersion": "v1", "kind": "Node", "metadata": metadata})


@contextmanager
def undone(undo: Callable[[], object]) -> Iterator[None]:
    """Whatever happens inside is undone."""
    try:
        yield
    finally:
        undo()


@pytest.mark.alone
def test_without_the_api_server_the_holder_goes_on_and_an_heir_is_found(balanced: Balanced) -> None:
    address = balanced.make("orphan", WEB)
    holder = balanced.holder(address)
    with undone(lambda: balanced.lab.run("m1", ["systemctl", "start", "podlab-apiserver"])):
        balanced.lab.run("m1", ["systemctl", "stop", "podlab-apiserver"])
        time.sleep(MOVED_WITHIN_S)
        assert balanced.holders(address) == {holder}
        with undone(lambda: balanced.lab.run(holder, ["systemctl", "start", "podlab-proxy"])):
            with moved(balanced, address, "proxy stopped while the API server is away"):
                balanced.lab.run(holder, ["systemctl", "stop", "podlab-proxy"])
            assert balanced.pods(address) == {"web-1", "web-2"}
    wait_until(lambda: nodes_ready(balanced.cli), "all nodes Ready", 60)


@pytest.mark.alone
def test_a_restarted_proxy_keeps_the_address(balanced: Balanced) -> None:
    address = balanced.make("restart", WEB)
    holder = balanced.holder(address)
    balanced.lab.run(holder, ["systemctl", "restart", "podlab-proxy"])
    seen: set[str] = set()
    until_s = time.monotonic() + 8
    while time.monotonic() < until_s:
        seen |= balanced.holders(address)
    assert seen == {holder}


@pytest.mark.alone
def test_an_address_moves_when_its_node_is_stopped_hard(balanced: Balanced) -> None:
    """Measured as a client outside sees it: the longest time without an answer. The pod is on the node that stays."""
    address = balanced.make("hard", WEB)
    holder = balanced.holder(address)
    stays = FIRST if holder == "n2" else SECOND
    balanced.put("hard", stays, type="LoadBalancer")
    wait_until(lambda: balanced.pods(address) == {stays["pod"]}, "the Service has one pod", 10)
    answered_s = time.monotonic()
    longest_s = 0.0
    with undone(lambda: balanced.lab.start([holder])):
        balanced.lab.stop([holder], hard=True)
        until_s = time.monotonic() + 3 * MOVED_WITHIN_S
        while time.monotonic() < until_s:
            with suppress(OSError):
                urllib.request.urlopen(f"http://{address}/", timeout=0.3).close()
                longest_s = max(longest_s, time.monotonic() - answered_s)
                answered_s = time.monotonic()
            time.sleep(0.05)
        assert balanced.holders(address) not in ({holder}, set())
    print(f"stopped hard: {longest_s:.1f} s without an answer")
    assert longest_s < MOVED_WITHIN_S
    wait_until(lambda: nodes_ready(balanced.cli), "all nodes Ready", 120)
