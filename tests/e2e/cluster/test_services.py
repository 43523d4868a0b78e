"""Services and the pod network as pods, nodes and clients outside see them, on real hosts."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import pytest
import yaml
from podlab_testing.deployed import Cli, MakeNamespace, Traffic, nodes_ready, wait_until
from podlab_testing.echo_pods import ECHO, OFFSET, PYTHON, echo_pod

from podlab.client.client import Client
from podlab.client.config import load_client_config
from podlab.lab.lab import Lab
from podlab.v1 import proxy_pb2, proxy_pb2_grpc

HOST_PORT = 18081


@dataclass(frozen=True)
class Net:
    """Pods web-1 on n1, web-2 on n2 and host-2 on n2's own network, behind Services of all sorts."""

    cli: Cli
    lab: Lab
    namespace: str
    nodes: dict[str, str]

    def ask(self, client: str, *arguments: str) -> list[str]:
        """What `client` (a pod, a node, or "outside") is answered."""
        if client == "outside":
            return _lines(
                subprocess.run([sys.executable, ECHO, *arguments], capture_output=True, text=True, check=True)
            )
        if client in self.nodes:
            return _lines(self.lab.run(client, ["python3", "-c", ECHO.read_text(), *arguments]))
        found = self.cli("exec", client, "-n", self.namespace, "--", PYTHON, "/echo/echo.py", *arguments)
        return found.splitlines()

    def service(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.cli.get("service", name, "-n", self.namespace)
        return found

    def at(self, name: str, port: int = 80) -> str:
        return f"http://{self.service(name)['spec']['clusterIP']}:{port}/"

    def node_port(self, name: str, index: int = 0) -> int:
        return int(self.service(name)["spec"]["ports"][index]["nodePort"])

    def pod_ip(self, name: str) -> str:
        return str(self.cli.get("pod", name, "-n", self.namespace)["status"]["podIP"])

    def apply(self, *manifests: dict[str, Any]) -> None:
        self.cli("apply", "-n", self.namespace, "-f", "-", stdin=yaml.safe_dump_all(manifests))

    def set_ready(self, name: str, ready: bool) -> None:
        self.cli("exec", name, "-n", self.namespace, "--", *(["rm", "-f"] if ready else ["touch"]), "/tmp/down")
        endpoints = f"metadata.name={name}"
        wanted = "true" if ready else "false"
        wait_until(
            lambda: (
                self.cli.items("pods", "-n", self.namespace, "--field-selector", endpoints)[0]["status"][
                    "containerStatuses"
                ][0]["ready"]
                == (wanted == "true")
            ),
            f"{name} ready: {wanted}",
            15,
        )

    def rules(self, node: str) -> str:
        return "".join(self.lab.run(node, [f"iptables-{backend}-save"]).stdout for backend in ("nft", "legacy"))


def _lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def _service(name: str, selector: dict[str, str], **spec: Any) -> dict[str, Any]:
    http = {"name": "http", "port": 80, "targetPort": "http"}
    body = {"selector": selector, "ports": [http]} | spec
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": body}


def _services() -> list[dict[str, Any]]:
    http, admin = (
        {"name": "http", "port": 80, "targetPort": "http"},
        {"name": "admin", "port": 81, "targetPort": "admin"},
    )
    dns = {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns"}
    web, first = {"app": "web"}, {"pod": "web-1"}
    return [
        _service("web", web, type="NodePort", ports=[http, admin, dns]),
        _service("sticky", web, sessionAffinity="ClientIP"),
        _service("local", first, type="NodePort", externalTrafficPolicy="Local"),
        _service("inside", first, internalTrafficPolicy="Local"),
        _service("empty", {"app": "nothing"}, type="NodePort"),
        _service("headless", web, clusterIP="None"),
        _service("hosts", {"app": "host"}, ports=[{"port": 80, "targetPort": 8080 + OFFSET}]),
        _service("early", {"pod": "web-2"}, publishNotReadyAddresses=True),
        _service("second", {"pod": "web-2"}),
    ]


@pytest.fixture(scope="module")
def net(lab: Lab, cli: Cli, addresses: dict[str, str], make_namespace: MakeNamespace) -> Iterator[Net]:
    wait_until(lambda: nodes_ready(cli), "all nodes Ready", 120)
    nodes = {node["metadata"]["name"]: addresses[node["metadata"]["name"]] for node in cli.items("nodes")}
    found = Net(cli, lab, make_namespace(), nodes)
    try:
        _deploy(found)
        yield found
    finally:
        cli.rest.delete_namespace(found.namespace)


def _deploy(net: Net) -> None:
    net.cli("create", "configmap", "echo", f"--from-file={ECHO}", "-n", net.namespace)
    pods = [echo_pod(f"web-{number}", f"n{number}", "web", host_port=HOST_PORT) for number in (1, 2)]
    pods.append(echo_pod("host-2", "n2", "host", hostNetwork=True))
    net.apply(*pods, *_services())
    wait_until(lambda: _all_ready(net), "the pods are ready", 60)
    url = net.at("second")
    wait_until(lambda: net.ask("n1", "get", url, "1") != ["refused"], "the last Service has its endpoint", 10)


def _all_ready(net: Net) -> bool:
    pods = net.cli.items("pods", "-n", net.namespace)
    return all(each["ready"] for pod in pods for each in pod["status"].get("containerStatuses", [{"ready": False}]))


def pods_in(answers: list[str]) -> set[str]:
    return {answer.split()[0] for answer in answers}


def sources_in(answers: list[str]) -> set[str]:
    return {answer.split()[2] for answer in answers}


@pytest.mark.parametrize("client", ["web-1", "web-2", "n1", "n2", "host-2"])
def test_a_cluster_ip_leads_pods_and_nodes_to_every_endpoint_with_the_pods_own_address(net: Net, client: str) -> None:
    answers = net.ask(client, "get", net.at("web"), "25")
    assert pods_in(answers) == {"web-1", "web-2"}, Counter(answers)
    if client.startswith("web"):
        other = "web-2" if client == "web-1" else "web-1"
        to_other = [answer for answer in answers if answer.startswith(other)]
        assert sources_in(to_other) == {net.pod_ip(client)}, "pods see each other's own addresses"
    elif client == "n1":
        to_other = [answer for answer in answers if answer.startswith("web-2")]
        assert sources_in(to_other) == {net.nodes["n1"]}, "and the nodes'"


def test_named_ports_and_protocols_of_one_service_are_told_apart(net: Net) -> None:
    assert {answer.split()[3] for answer in net.ask("n1", "get", net.at("web", 81), "3")} == {"9090"}
    address = net.service("web")["spec"]["clusterIP"]
    assert pods_in(net.ask("web-1", "udp", address, "53", "1")) <= {"web-1", "web-2"}


def test_a_node_port_answers_on_every_node_and_from_everywhere(net: Net) -> None:
    port = net.node_port("web")
    for client in ("outside", "web-1", "n2"):
        for address in net.nodes.values():
            assert pods_in(net.ask(client, "get", f"http://{address}:{port}/", "15")) == {"web-1", "web-2"}
    assert pods_in(net.ask("n1", "get", f"http://127.0.0.1:{port}/", "15")) == {"web-1", "web-2"}


def test_nodes_answer_for_the_address_that_somebodys_load_balancer_tells(net: Net) -> None:
    nobodys = str(IPv4Network(f"{net.nodes['n1']}/24", strict=False)[200])
    net.apply(_service("balanced", {"app": "web"}, type="LoadBalancer", loadBalancerClass="example.com/other"))
    net.cli.rest.write_status("service", net.namespace, "balanced", {"loadBalancer": {"ingress": [{"ip": nobodys}]}})
    wait_until(lambda: all(nobodys in net.rules(node) for node in net.nodes), "the rules of the address are there", 10)
    for client in ("web-1", *net.nodes):
        assert pods_in(net.ask(client, "get", f"http://{nobodys}/", "15")) == {"web-1", "web-2"}
    net.cli("delete", "service", "balanced", "-n", net.namespace)


def test_affinity_to_the_clients_address_sticks(net: Net) -> None:
    for client in ("web-1", "web-2", "n1", "n2"):
        assert len(pods_in(net.ask(client, "get", net.at("sticky"), "20"))) == 1


def test_external_policy_local_keeps_the_clients_address_and_drops_on_other_nodes(net: Net) -> None:
    here, there = (f"http://{net.nodes[node]}:{net.node_port('local')}/" for node in ("n1", "n2"))
    direct = f"http://{net.nodes['n2']}:{net.node_port('web')}/"
    assert net.ask("outside", "get", here, "2") == [f"web-1 n1 {_own_address(net)} 8080"] * 2
    seen = sources_in(net.ask("outside", "get", direct, "12"))
    assert net.nodes["n2"] in seen, "the other policy shows the node that the client came by"
    assert _own_address(net) not in seen
    assert net.ask("outside", "get", there, "1") == ["timed out"]
    assert pods_in(net.ask("web-2", "get", there, "1")) == {"web-1"}, "the policy is for clients outside"
    assert pods_in(net.ask("n2", "get", there, "1")) == {"web-1"}


def _own_address(net: Net) -> str:
    return str(net.lab.spec().networks[0].gateway)


def test_internal_policy_local_stays_on_the_node_or_is_dropped(net: Net) -> None:
    assert pods_in(net.ask("web-1", "get", net.at("inside"), "3")) == {"web-1"}
    assert net.ask("web-2", "get", net.at("inside"), "1") == ["timed out"]


def test_a_service_without_endpoints_refuses_at_once(net: Net) -> None:
    for client in ("web-1", "n2"):
        assert net.ask(client, "get", net.at("empty"), "20") == ["refused"] * 20
    for address in net.nodes.values():
        assert net.ask("outside", "get", f"http://{address}:{net.node_port('empty')}/", "1") == ["refused"]


def test_hand_made_endpoints_host_network_host_ports_and_headless_services(net: Net) -> None:
    net.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "manual"}, "spec": {"ports": [{"port": 80}]}},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "manual-1", "labels": {"kubernetes.io/service-name": "manual"}},
            "addressType": "IPv4",
            "ports": [{"port": 9090}],
            "endpoints": [{"addresses": [net.pod_ip("web-2")]}],
        },
    )
    url = net.at("manual")
    wait_until(lambda: net.ask("web-1", "get", url, "1") != ["refused"], "the hand-made endpoint serves", 10)
    assert net.ask("web-1", "get", url, "1")[0].split()[::3] == ["web-2", "9090"]
    for client in ("web-1", "n1", "host-2"):
        assert pods_in(net.ask(client, "get", net.at("hosts"), "1")) == {"host-2"}
    for name, address in net.nodes.items():
        assert net.ask("outside", "get", f"http://{address}:{HOST_PORT}/", "1")[0].split()[1] == name
    assert net.service("headless")["spec"]["clusterIP"] == "None"
    assert f"{net.namespace}/headless" not in net.rules("n1")


def test_pods_that_are_not_ready_are_left_out_unless_the_service_wants_them(net: Net) -> None:
    second, early = net.at("second"), net.at("early")
    net.set_ready("web-2", False)
    try:
        wait_until(lambda: net.ask("n1", "get", second, "1") == ["refused"], "web-2 is out of its Service", 5, 0.05)
        assert pods_in(net.ask("n1", "get", early, "2")) == {"web-2"}
        assert pods_in(net.ask("n2", "get", net.at("web"), "10")) == {"web-1"}
    finally:
        net.set_ready("web-2", True)
    wait_until(lambda: net.ask("n1", "get", second, "1") != ["refused"], "web-2 is back", 5, 0.05)


def test_a_udp_client_that_goes_on_sending_is_moved_to_the_endpoint_that_is_left(net: Net) -> None:
    address = net.service("web")["spec"]["clusterIP"]
    (first,) = net.ask("n1", "udp", address, "53", "1")
    net.set_ready(first, False)
    other = ({"web-1", "web-2"} - {first}).pop()
    try:
        wait_until(lambda: net.ask("n1", "udp", address, "53", "1") == [other], "the same flow goes elsewhere", 5, 0.05)
    finally:
        net.set_ready(first, True)


def test_pods_reach_the_outside_as_their_node_and_the_api_server_by_its_service(net: Net) -> None:
    server = _Outside()
    with server as port:
        for pod, node in (("web-1", "n1"), ("web-2", "n2")):
            url = f"http://{_own_address(net)}:{port}/"
            assert sources_in(net.ask(pod, "get", url, "1")) == {net.nodes[node]}
    connect = "import ssl; print(ssl.get_server_certificate(('10.96.0.1', 443), timeout=5))"
    for pod in ("web-1", "web-2"):
        answer = net.cli("exec", pod, "-n", net.namespace, "--", PYTHON, "-c", connect)
        assert "BEGIN CERTIFICATE" in answer


class _Outside:
    """The echo server on the controller, on ports of its own."""

    def __enter__(self) -> int:
        self._process = subprocess.Popen([sys.executable, ECHO, "serve", str(OFFSET)])
        url = f"http://127.0.0.1:{8080 + OFFSET}/"
        command = [sys.executable, str(ECHO), "get", url, "1"]
        wait_until(lambda: "?" in subprocess.run(command, capture_output=True, text=True, check=True).stdout, "up", 10)
        return 8080 + OFFSET

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)


def test_ten_megabytes_through_a_service_across_nodes_arrive_as_they_were(net: Net) -> None:
    outside = f"http://{net.nodes['n1']}:{net.node_port('local')}/bytes"
    for client, url in (("web-1", net.at("second")), ("web-2", net.at("web")), ("n1", net.at("second"))):
        found, wanted = net.ask(client, "digest", f"{url}bytes")[0].split()
        assert found == wanted
    found, wanted = net.ask("outside", "digest", outside)[0].split()
    assert found == wanted


def test_rules_follow_a_service_that_changes_and_go_with_it(net: Net) -> None:
    net.apply(_service("brief", {"app": "web"}, type="NodePort"))
    brief = net.service("brief")
    old = brief["spec"]["ports"][0]["nodePort"]
    wait_until(lambda: _open(net, old), "the node port opens", 10, 0.05)
    taken = {port.get("nodePort") for each in net.cli.items("services", "-A") for port in each["spec"]["ports"]}
    new = next(port for port in range(32767, 30000, -1) if port not in taken)
    port = {"name": "http", "port": 80, "targetPort": "http", "nodePort": new}
    net.apply(_service("brief", {"app": "web"}, type="NodePort", ports=[port]))
    wait_until(lambda: _open(net, new) and not _open(net, old), "the other node port opens instead", 10, 0.05)
    net.cli("delete", "service", "brief", "-n", net.namespace)
    wait_until(lambda: not _open(net, new), "the node port closes", 10, 0.05)
    for node in net.nodes:
        assert f"{net.namespace}/brief" not in net.rules(node)


def _open(net: Net, port: int) -> bool:
    return all(
        net.ask("outside", "get", f"http://{address}:{port}/", "1") != ["refused"] for address in net.nodes.values()
    )


def test_a_trace_tells_what_a_packet_to_a_service_meets_on_a_node(net: Net) -> None:
    address = net.service("inside")["spec"]["clusterIP"]
    pod = net.pod_ip("web-2")

    def found() -> list[proxy_pb2.TraceResponse]:
        traced = [asyncio.run(_trace(net, node, pod, address)) for node in ("n1", "n2")]
        return [] if any(each.findings for each in traced) else traced

    # What tests beside this one change is in force a moment later.
    on_n1, on_n2 = wait_until(found, "the traces find the rules as they should be", 20)
    assert list(on_n1.endpoints) == [f"{net.pod_ip('web-1')}:8080"]
    assert not on_n1.masqueraded
    assert [each.chain for each in on_n1.steps][:2] == ["PREROUTING", "PODLAB-SVC"]
    assert on_n2.dropped
    assert "has no local endpoints" in on_n2.steps[-1].rule


async def _trace(net: Net, node: str, source: str, destination: str) -> proxy_pb2.TraceResponse:
    config = load_client_config(net.cli.cluster)
    request = proxy_pb2.TraceRequest(
        node_name=node, source_ip=source, destination_ip=destination, port=80, protocol="TCP"
    )
    async with Client(config.server, config.tls, user_agent="e2e") as client:
        return await proxy_pb2_grpc.ProxyStub(client.channel).Trace(request, timeout=10)


@pytest.mark.alone
def test_rules_that_others_remove_come_back_and_a_restart_of_the_proxy_is_not_noticed(net: Net) -> None:
    with Traffic([f"http://{net.nodes['n1']}:{net.node_port('web')}/"]) as traffic:
        net.lab.run("n1", ["systemctl", "restart", "podlab-proxy"])
        wait_until(lambda: len(traffic.answers) > 20, "answers during and after the restart", 20)
    assert not traffic.failures
    before = _podlab_rules(net)
    program = (
        "iptables-legacy" if "PODLAB-SVC" in net.lab.run("n1", ["iptables-legacy-save"]).stdout else "iptables-nft"
    )
    theirs = "-m comment --comment not-ours -j RETURN"
    jump = ["-m", "comment", "--comment", "podlab services", "-j", "PODLAB-SVC"]
    for command in (
        ["-t", "nat", "-A", "POSTROUTING", *theirs.split()],
        ["-t", "nat", "-F", "PODLAB-SVC"],
        ["-t", "nat", "-D", "PREROUTING", *jump],
        ["-F"],
    ):
        done = net.lab.run("n1", [program, "--wait", "10", *command])
        assert done.returncode == 0, done.stderr
    started = time.monotonic()
    wait_until(lambda: _podlab_rules(net) == before, "the rules are back", 20)
    print(f"rules back after {time.monotonic() - started:.1f} s")
    assert f"-A POSTROUTING {theirs}" in net.rules("n1")
    net.lab.run("n1", [program, "--wait", "10", "-t", "nat", "-D", "POSTROUTING", *theirs.split()])


def _podlab_rules(net: Net) -> list[str]:
    return sorted(line for line in net.rules("n1").splitlines() if line.startswith("-A") and "PODLAB" in line)
