"""`podlab trace` and `podlab doctor network` on real hosts: what is right, what is refused, what others have broken."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
import yaml
from podlab_testing.deployed import Cli, MakeNamespace, nodes_ready, wait_until
from podlab_testing.echo_pods import ECHO, echo_pod

from podlab.lab.lab import Lab
from podlab.lab.spec import machine_name

IMAGE = "podlab.local/hello:1.0"
OVERALL_S = 60
"""How long `podlab doctor network` takes at most."""


@pytest.fixture(scope="module")
def namespace(cli: Cli, make_namespace: MakeNamespace) -> Iterator[str]:
    """Pods web-1 on n1 and web-2 on n2 behind Service web, one on n2 that answers datagrams behind Service udp, and
    Service empty with nobody behind it.
    """
    wait_until(lambda: nodes_ready(cli), "all nodes Ready", 120)
    name = make_namespace()
    cli("create", "configmap", "echo", f"--from-file={ECHO}", "-n", name)
    datagrams = [{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns"}]
    services = [_service("web"), _service("empty"), _service("udp", ports=datagrams)]
    pods = [*(_pod(f"web-{number}", f"n{number}") for number in (1, 2)), echo_pod("udp-2", "n2", "udp")]
    cli("apply", "-n", name, "-f", "-", stdin=yaml.safe_dump_all([*pods, *services]))
    wait_until(
        lambda: len([pod for pod in cli.items("pods", "-n", name) if _ready(pod)]) == 3, "the pods are ready", 60
    )
    wait_until(lambda: len(_landings(_traced(cli, name, "web"))) == 2, "the Service has both endpoints", 20)
    yield name
    cli.rest.delete_namespace(name)


def _pod(name: str, node: str) -> dict[str, Any]:
    container = {"name": "hello", "image": IMAGE, "ports": [{"name": "http", "containerPort": 8080}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {"nodeName": node, "containers": [container]},
    }


def _service(name: str, **spec: Any) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    body = {"selector": {"app": name}, "ports": ports} | spec
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": body}


def _ready(pod: dict[str, Any]) -> bool:
    return all(each["ready"] for each in pod["status"].get("containerStatuses", [{"ready": False}]))


def _traced(cli: Cli, namespace: str, service: str, *more: str) -> dict[str, Any]:
    done = cli.run("trace", "service", service, "--from", "web-1", "-n", namespace, "-o", "json", *more)
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _clean(cli: Cli, namespace: str, service: str, *more: str) -> dict[str, Any]:
    """A trace that finds nothing missing or different: what tests beside this one change is in force a moment later."""

    def looked() -> dict[str, Any]:
        traced = _traced(cli, namespace, service, *more)
        return {} if _findings(traced) else traced

    return wait_until(looked, "the trace finds the rules as they should be", 20)


def _landings(traced: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = traced["legs"][0]["trace"].get("landings", [])
    return found


def _findings(traced: dict[str, Any]) -> list[dict[str, Any]]:
    return [finding for leg in traced["legs"] for finding in leg["trace"].get("findings", [])]


def test_a_service_is_followed_to_both_endpoints_on_both_nodes(cli: Cli, namespace: str) -> None:
    traced = _clean(cli, namespace, "web")
    assert sorted(each["pod"] for each in _landings(traced)) == ["web-1", "web-2"]
    assert [leg["node"] for leg in traced["legs"]] == ["n1", "n2"]

    def told() -> bool:
        text = cli.run("trace", "service", "web", "--from", "web-1", "-n", namespace).stdout
        return "50 %" in text and text.endswith("Nothing is missing, foreign or different on this way.\n")

    wait_until(told, "a person is told the same", 20)


def test_a_refusal_is_explained_and_is_an_exit_code(cli: Cli, namespace: str) -> None:
    done = cli.run("trace", "service", "empty", "--from", "web-1", "-n", namespace)
    assert done.returncode == 1
    assert f"{namespace}/empty:http has no endpoints" in done.stdout


def test_a_datagram_is_followed_sent_and_answered(cli: Cli, namespace: str) -> None:
    def answered() -> dict[str, Any]:
        traced = _clean(cli, namespace, "udp", "--send")
        return traced if traced["sent"]["outcome"] == "answered" else {}

    traced = wait_until(answered, "the pod listens and answers", 20)
    assert traced["legs"][0]["packet"].startswith("UDP packet from pod ")
    assert [(each["pod"], each["verdict"]) for each in _landings(traced)] == [("udp-2", "arrives")]
    words = ["trace", "pod", "web-1", "udp-2", "--protocol", "udp", "--port", "5353", "--send", "-n", namespace]
    assert "ANSWERED" in cli(*words)


def test_a_family_that_the_cluster_lacks_is_said_to_be_missing(cli: Cli, namespace: str) -> None:
    address = cli.get("service", "web", "-n", namespace)["spec"]["clusterIP"]
    done = cli.run("trace", "service", "web", "--from", "web-1", "--family", "IPv6", "-n", namespace)
    assert (done.returncode, f"Service {namespace}/web has no IPv6 address, but {address}" in done.stderr) == (1, True)


def test_a_policy_that_isolates_the_receiver_is_named(cli: Cli, namespace: str) -> None:
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "closed"},
        "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]},
    }
    cli("apply", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(policy))
    try:

        def said() -> bool:
            done = cli.run("trace", "pod", "web-1", "web-2", "-n", namespace)
            return done.returncode == 1 and f"{namespace}/closed isolates the pod" in done.stdout

        wait_until(said, "the trace says that the policy stops it", 10)
        real = cli.run("trace", "pod", "web-1", "web-2", "--send", "-n", namespace)
        assert (real.returncode, "NO ANSWER" in real.stdout) == (1, True)
    finally:
        cli("delete", "networkpolicy", "closed", "-n", namespace)


def test_a_real_packet_is_counted_by_the_rules_that_were_foretold(cli: Cli, namespace: str) -> None:
    traced = _traced(cli, namespace, "web", "--send")
    assert traced["sent"]["outcome"] == "answered"
    assert "ANSWERED" in cli("trace", "pod", "web-1", "web-2", "--send", "-n", namespace)
    refused = cli.run("trace", "service", "empty", "--from", "web-1", "--send", "-n", namespace)
    assert (refused.returncode, "REFUSED" in refused.stdout) == (1, True)


@pytest.mark.alone
def test_a_rule_that_somebody_removes_is_named_until_it_is_written_again(cli: Cli, lab: Lab, namespace: str) -> None:
    jump = ["-m", "comment", "--comment", "podlab services", "-j", "PODLAB-SVC"]

    def named() -> bool:
        lab.run("n1", ["iptables", "-t", "nat", "-D", "PREROUTING", *jump])
        found = _findings(_traced(cli, namespace, "web"))
        return any(each["kind"] == "missing" and "PREROUTING" in each["where"] for each in found)

    wait_until(named, "the missing jump is named before the proxy mends it", 60)
    wait_until(lambda: _findings(_traced(cli, namespace, "web")) == [], "it is mended", 20)


@pytest.mark.alone
def test_another_programs_rule_that_drops_the_packet_is_named(cli: Cli, lab: Lab, namespace: str) -> None:
    rule = ["-p", "tcp", "--dport", "8080", "-j", "DROP"]
    lab.run("n1", ["iptables", "-I", "FORWARD", "1", *rule])
    try:
        done = cli.run("trace", "service", "web", "--from", "web-1", "-n", namespace)
        assert (done.returncode, "another program's rule: dropped" in done.stdout) == (1, True)
        assert "foreign" in done.stdout
    finally:
        lab.run("n1", ["iptables", "-D", "FORWARD", *rule])


@pytest.mark.alone
def test_the_rules_of_the_other_backend_are_followed_as_well(cli: Cli, lab: Lab, namespace: str) -> None:
    _use(lab, "cp -p proxy.yaml /root/proxy.yaml && sed -i 's/^backend:.*/backend: nftables/' proxy.yaml")
    try:
        wait_until(lambda: _traced(cli, namespace, "web")["legs"][0]["trace"]["backend"] == "nftables", "nftables", 30)
        traced = _traced(cli, namespace, "web", "--send")
        assert sorted(each["pod"] for each in _landings(traced)) == ["web-1", "web-2"]
        assert _findings(traced) == []
        assert traced["sent"]["outcome"] == "answered"

        def named() -> bool:
            lab.run("n1", ["nft", "flush", "map", "ip", "podlab", "services"])
            return any(each["kind"] == "missing" for each in _findings(_traced(cli, namespace, "web")))

        wait_until(named, "the missing element is named before the proxy mends it", 60)
    finally:
        _use(lab, "cp -p /root/proxy.yaml proxy.yaml && rm /root/proxy.yaml")
    wait_until(lambda: _traced(cli, namespace, "web")["legs"][0]["trace"]["backend"] == "iptables", "iptables", 30)


def _use(lab: Lab, command: str) -> None:
    """Changes n1's settings of the proxy, and starts it again."""
    done = lab.run("n1", ["sh", "-c", f"cd /etc/podlab && {command} && systemctl restart podlab-proxy"])
    assert done.returncode == 0, done.stderr


def _broken(cli: Cli) -> list[dict[str, Any]]:
    done = cli.run("doctor", "network", "-o", "json", "--timeout", "2")
    assert done.returncode in (0, 1), done.stderr
    found: list[dict[str, Any]] = [each for each in json.loads(done.stdout)["legs"] if each["outcome"] != "answered"]
    assert bool(found) == bool(done.returncode)
    return found


@pytest.mark.alone
def test_a_whole_network_is_whole_and_nothing_is_left_of_the_check(cli: Cli, lab: Lab) -> None:
    before = {node: _traces(lab, node) for node in ("n1", "n2")}
    assert _broken(cli) == []
    after = {node: _traces(lab, node) for node in ("n1", "n2")}
    assert after == before, "links and addresses are given back before the command ends"


def _traces(lab: Lab, node: str) -> str:
    """Links of pods, and whose addresses are given out."""
    return lab.run(node, ["sh", "-c", "ls /sys/class/net | sort; ls /var/lib/cni/networks/podlab | sort"]).stdout


@pytest.mark.alone
def test_a_route_that_leads_nowhere_is_the_broken_leg(cli: Cli, lab: Lab) -> None:
    there = cli.get("node", "n2")["spec"]["podCIDR"]
    # More special routes than the node's own, which are left alone and so lead astray.
    halves = [str(half) for half in ip_network(there).subnets()]
    for half in halves:
        lab.run("n1", ["ip", "route", "add", "blackhole", half])
    try:
        broken = _broken(cli)
        assert {(each["kind"], each["from"], each["to"]) for each in broken} >= {("pod to pod", "n1", "n2")}
        assert any("n1" in each["cause"] for each in broken)
    finally:
        for half in halves:
            lab.run("n1", ["ip", "route", "del", "blackhole", half])
    assert _broken(cli) == []


@pytest.mark.alone
def test_another_programs_rule_against_pods_is_the_broken_leg(cli: Cli, lab: Lab) -> None:
    rule = ["-d", str(cli.get("node", "n2")["spec"]["podCIDR"]), "-j", "DROP"]
    lab.run("n2", ["iptables", "-I", "FORWARD", "1", *rule])
    try:
        ways = [each for each in _broken(cli) if each["kind"] == "pod to pod" and each["to"] == "n2"]
        assert [each["from"] for each in ways] == ["n1"]
        assert ways[0]["cause"].startswith("another program's rule on n2: iptables filter FORWARD: ")
    finally:
        lab.run("n2", ["iptables", "-D", "FORWARD", *rule])
    assert _broken(cli) == []


@pytest.mark.alone
def test_a_link_that_takes_less_than_its_ends_is_the_broken_leg(cli: Cli, lab: Lab) -> None:
    link = f"vb-{machine_name(lab.name, 'n2')}"
    subprocess.run(["ip", "link", "set", link, "mtu", "1300"], check=True)
    try:
        broken = _broken(cli)
        assert {(each["kind"], each["from"], each["to"]) for each in broken} == {
            ("MTU", "n1", "n2"),
            ("MTU", "n2", "n1"),
        }
        assert all("a link between has a smaller MTU" in each["cause"] for each in broken)
    finally:
        subprocess.run(["ip", "link", "set", link, "mtu", "1500"], check=True)
    wait_until(lambda: _broken(cli) == [], "large packets pass again", 60)


@pytest.mark.alone
def test_a_kubelet_that_is_stopped_is_named_in_time_and_the_rest_is_checked(cli: Cli, lab: Lab) -> None:
    lab.run("n2", ["systemctl", "stop", "podlab-kubelet"])
    try:
        began_s = time.monotonic()
        (broken,) = _broken(cli)
        assert (broken["kind"], broken["from"]) == ("agent", "n2")
        assert "systemctl status podlab-kubelet" in broken["remedy"]
        assert time.monotonic() - began_s < OVERALL_S
    finally:
        lab.run("n2", ["systemctl", "start", "podlab-kubelet"])
    wait_until(lambda: nodes_ready(cli) and _broken(cli) == [], "the node is checked again", 60)


@pytest.mark.alone
def test_a_dns_server_that_is_stopped_is_the_broken_leg(cli: Cli, lab: Lab) -> None:
    units = "systemctl list-units --plain --no-legend 'podlab-resolver*' | cut -d' ' -f1"
    lab.run("n2", ["sh", "-c", f"systemctl stop $({units})"])
    try:
        broken = _broken(cli)
        assert {(each["kind"], each["from"]) for each in broken} == {("name", "n2")}
        assert "the DNS server of n2 does not answer" in broken[0]["cause"]
    finally:
        lab.run("n2", ["sh", "-c", "systemctl start podlab-resolver; systemctl start podlab-resolver-2 || true"])
    wait_until(lambda: _broken(cli) == [], "names are known again", 30)
