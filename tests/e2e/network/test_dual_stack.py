"""A cluster of IPv4 and IPv6 on two nodes, which both serve Ingresses.

The tests build on one deployment, which is too slow to make for each; at the end a node serves no Ingresses any more.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
import yaml
from podlab_testing.deployed import ask, container, wait_until
from podlab_testing.own_clusters import MakeCluster, OwnCluster
from podlab_testing.own_labs import own_lab
from podlab_testing.source_code import PROJECT

from podlab.lab import inventory
from podlab.lab.inventory import DUAL_STACK
from podlab.lab.spec import LabSpec

NODES = ("n1", "n2")
FAMILIES = ("IPv4", "IPv6")
PODS, SERVICES = (
    dict(zip(FAMILIES, DUAL_STACK[name].split(","), strict=True)) for name in ("podlab_pod_cidr", "podlab_service_cidr")
)
IN_FORCE_WITHIN_S = 20
INGRESS_HOST = "shop.example"
GRACE_S = 8
SHORT_GRACE = ("-e", f"master_node_monitor_grace_s={GRACE_S}")

WHAT_SERVES_INGRESSES = (
    "systemctl list-units --all --plain --no-legend '*ingress*' '*haproxy*'",
    "ls -d /etc/podlab/ingress* /etc/podlab/pki/ingress* /run/*haproxy* /run/podlab-ingress 2>/dev/null",
    "ls -d /etc/haproxy /var/lib/haproxy /etc/systemd/system/*haproxy* /etc/systemd/system/*ingress* 2>/dev/null",
    "ls -d /etc/systemd/system/*/*haproxy* /etc/systemd/system/*/*ingress* 2>/dev/null",
    "pgrep --list-name 'haproxy|podlab-ingress'",
    "command -v haproxy",
    "getent passwd podlab-ingress haproxy",
    "getent group podlab-ingress haproxy",
)
"""Commands that say nothing on a host where nothing is left of it."""


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> OwnCluster:
    made = make_cluster(LabSpec(name=own_lab("n").name, masters=1, nodes=2, dual_stack=True), {"ingress": [*NODES]})
    made.deploy(*SHORT_GRACE)
    manifests = [
        *(_pod(node) for node in NODES),
        _service("both", type="NodePort", ipFamilyPolicy="PreferDualStack"),
        _service("six", ipFamilies=["IPv6"]),
        _service("head", clusterIP="None", ipFamilyPolicy="RequireDualStack"),
    ]
    made.cli("apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))
    wait_until(lambda: all(_ready(made, node) for node in NODES), "the pods are ready", 90)
    ips = cluster_ips(made, "both")
    wait_until(
        lambda: all("web-" in answer(made, f"web-{node}", at) for node in NODES for at in ips),
        "the Service answers",
        30,
    )
    return made


def _pod(node: str) -> dict[str, Any]:
    fields = {"IPS": "status.podIPs", "HOST_IPS": "status.hostIPs"}
    env = [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()]
    made = container()
    spec = {"nodeName": node, "containers": [made | {"env": made["env"] + env}], "terminationGracePeriodSeconds": 5}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"web-{node}", "labels": {"app": "web"}},
        "spec": spec,
    }


def _service(name: str, **spec: Any) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    spec = {"selector": {"app": "web"}, "ports": ports, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def _ready(cluster: OwnCluster, node: str) -> bool:
    statuses = cluster.cli.get("pod", f"web-{node}")["status"].get("containerStatuses", [])
    return bool(statuses and statuses[0]["ready"])


def in_pod(cluster: OwnCluster, pod: str, script: str) -> str:
    return cluster.cli("exec", pod, "--", "sh", "-c", script)


def answer(cluster: OwnCluster, pod: str, host: str, port: int = 80) -> str:
    """What a pod is answered there; how wget fails, when it does."""
    at = f"[{host}]" if ":" in host else host
    return in_pod(cluster, pod, f"timeout 5 wget -q -O - http://{at}:{port}/ 2>&1 || echo no answer")


def addresses(cluster: OwnCluster, pod: str) -> dict[str, str]:
    """By family."""
    found = [each["ip"] for each in cluster.cli.get("pod", pod)["status"]["podIPs"]]
    return dict(zip(FAMILIES, found, strict=True))


def cluster_ips(cluster: OwnCluster, service: str) -> list[str]:
    found: list[str] = cluster.cli.get("service", service)["spec"]["clusterIPs"]
    return found


def test_pods_and_nodes_have_an_address_of_each_family(cluster: OwnCluster) -> None:
    for name in NODES:
        node, pod = cluster.cli.get("node", name), cluster.cli.get("pod", f"web-{name}")
        own = addresses(cluster, f"web-{name}")
        cidrs = dict(zip(FAMILIES, node["spec"]["podCIDRs"], strict=True))
        for family in FAMILIES:
            assert ip_address(own[family]) in ip_network(cidrs[family])
            assert ip_network(cidrs[family]).subnet_of(ip_network(PODS[family]))  # type: ignore[arg-type]
        internal = [each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP"]
        assert [ip_address(each).version for each in internal] == [4, 6]
        assert [each["ip"] for each in pod["status"]["hostIPs"]] == internal
        told = in_pod(cluster, f"web-{name}", "echo $IPS $HOST_IPS").split()
        assert told == [",".join(own.values()), ",".join(internal)]


@pytest.mark.parametrize("family", FAMILIES)
def test_pods_reach_each_other_over_each_family(cluster: OwnCluster, family: str) -> None:
    for source, target in (NODES, NODES[::-1]):
        said = answer(cluster, f"web-{source}", addresses(cluster, f"web-{target}")[family], 8080)
        assert f"from web-{target}" in said


def test_a_service_of_both_is_reached_over_each_from_pods_and_nodes(cluster: OwnCluster) -> None:
    found = cluster_ips(cluster, "both")
    assert all(ip_address(each) in ip_network(SERVICES[family]) for each, family in zip(found, FAMILIES, strict=True))
    for at in found:
        for node in NODES:
            seen = {answer(cluster, f"web-{node}", at).split(" on ")[0] for _ in range(8)}
            assert seen <= {"hello from web-n1", "hello from web-n2"}
            assert seen
            url = f"http://[{at}]/" if ":" in at else f"http://{at}/"
            code = f"import urllib.request as r; print(r.urlopen('{url}', timeout=5).read().decode())"
            assert "hello from web-" in cluster.on(node, f'python3 -c "{code}"')
    slices = cluster.cli.items("endpointslices", "-l", "kubernetes.io/service-name=both")
    assert sorted(each["addressType"] for each in slices) == ["IPv4", "IPv6"]


def test_a_node_port_is_open_over_ipv6(cluster: OwnCluster) -> None:
    port = cluster.cli.get("service", "both")["spec"]["ports"][0]["nodePort"]
    for host in cluster.lab.spec().hosts:
        if host.group == "nodes":
            assert "hello from web-" in ask(f"http://[{host.address_ipv6}]:{port}/")


def test_a_load_balancer_has_an_address_of_each_family(cluster: OwnCluster) -> None:
    made = _service("balanced", type="LoadBalancer", ipFamilyPolicy="RequireDualStack")
    cluster.cli("apply", "-f", "-", stdin=yaml.safe_dump(made))

    def given() -> list[str]:
        found = cluster.cli.get("service", "balanced")["status"]["loadBalancer"].get("ingress", [])
        return [each["ip"] for each in found]

    wait_until(lambda: len(given()) == len(FAMILIES), "an address of each family", IN_FORCE_WITHIN_S)
    assert [f"IPv{ip_address(each).version}" for each in given()] == [*FAMILIES]
    for at in given():
        answered = partial(answer_outside, f"http://[{at}]/" if ":" in at else f"http://{at}/")
        assert "hello from web-" in str(wait_until(answered, f"{at} answers", IN_FORCE_WITHIN_S))


def answer_outside(url: str) -> str:
    """What this machine, a neighbour of the nodes, is answered; empty for nobody's answer."""
    try:
        return ask(url)
    except OSError:
        return ""


def test_names_have_addresses_of_both_and_a_service_of_ipv6_only_that(cluster: OwnCluster) -> None:
    (six,) = cluster_ips(cluster, "six")
    assert ip_address(six) in ip_network(SERVICES["IPv6"])
    for node in NODES:
        assert "hello from web-" in answer(cluster, f"web-{node}", six)
    said = in_pod(cluster, "web-n1", "nslookup -type=aaaa six.default.svc.cluster.local; nslookup -type=aaaa both; "
                  "nslookup -type=aaaa head.default.svc.cluster.local")  # fmt: skip
    assert six in said
    own = [addresses(cluster, f"web-{node}")["IPv6"] for node in NODES]
    assert all(each in said for each in own), said


def test_a_policy_closes_pods_over_both_families(cluster: OwnCluster) -> None:
    own = addresses(cluster, "web-n2")
    closed = {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "closed"},
        "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]},
    }  # fmt: skip
    cluster.cli("apply", "-f", "-", stdin=yaml.safe_dump(closed))
    for at in own.values():
        wait_until(
            lambda at=at: "no answer" in answer(cluster, "web-n1", at, 8080), f"{at} is closed", IN_FORCE_WITHIN_S
        )  # type: ignore[misc]
    assert _ready(cluster, "n2")
    cluster.cli("delete", "networkpolicy", "closed")
    for at in own.values():
        wait_until(lambda at=at: "hello" in answer(cluster, "web-n1", at, 8080), f"{at} is open", IN_FORCE_WITHIN_S)  # type: ignore[misc]


def test_a_service_gains_and_loses_the_second_family(cluster: OwnCluster) -> None:
    (first,) = cluster_ips(cluster, "kubernetes")
    assert ip_address(first).version == 4
    made = _service("later")
    cluster.cli("apply", "-f", "-", stdin=yaml.safe_dump(made))
    (before,) = cluster_ips(cluster, "later")
    made["spec"]["ipFamilyPolicy"] = "RequireDualStack"
    cluster.cli("apply", "-f", "-", stdin=yaml.safe_dump(made))
    kept, second = cluster_ips(cluster, "later")
    assert kept == before
    wait_until(lambda: "hello" in answer(cluster, "web-n1", second), "the second address answers", IN_FORCE_WITHIN_S)
    made["spec"]["ipFamilyPolicy"] = "SingleStack"
    cluster.cli("apply", "-f", "-", stdin=yaml.safe_dump(made))
    assert cluster_ips(cluster, "later") == [before]
    wait_until(lambda: "no answer" in answer(cluster, "web-n1", second), "it is gone", IN_FORCE_WITHIN_S)


def node_addresses(cluster: OwnCluster, *nodes: str) -> list[str]:
    """In the order in which an Ingress's status has them."""
    hosts = {host.name: host for host in cluster.lab.spec().hosts}
    return [str(each) for name in nodes for each in (hosts[name].address, hosts[name].address_ipv6)]


def told(cluster: OwnCluster) -> list[str]:
    return [each["ip"] for each in cluster.cli.get("ingress", "shop")["status"]["loadBalancer"].get("ingress", [])]


def ask_ingress(address: str) -> str:
    """What the Ingress answers there: a pod, or why none does."""
    connection = http.client.HTTPConnection(address, 80, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": INGRESS_HOST})
        answer = connection.getresponse()
        return answer.read().decode().strip() if answer.status == 200 else str(answer.status)
    except OSError as error:
        return type(error).__name__
    finally:
        connection.close()


def served_by(cluster: OwnCluster, *nodes: str, within_s: float = IN_FORCE_WITHIN_S) -> None:
    """These nodes' addresses are in the status, and a pod answers at each."""
    expected = node_addresses(cluster, *nodes)
    wait_until(lambda: told(cluster) == expected, f"the status has {expected}", within_s)
    for address in expected:
        answers = partial(lambda at: ask_ingress(at).startswith("hello from"), address)
        wait_until(answers, f"{address} answers", IN_FORCE_WITHIN_S)


@contextmanager
def without_kubelet(cluster: OwnCluster, node: str) -> Iterator[None]:
    cluster.on(node, "systemctl stop podlab-kubelet")
    try:
        yield
    finally:
        cluster.on(node, "systemctl start podlab-kubelet")


@pytest.fixture(scope="module")
def shop(cluster: OwnCluster) -> OwnCluster:
    """The cluster, with an Ingress that leads to Service `both`."""
    backend = {"service": {"name": "both", "port": {"number": 80}}}
    rule = {"host": INGRESS_HOST, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "shop"}}
    cluster.cli("apply", "-f", "-", stdin=yaml.safe_dump(ingress | {"spec": {"rules": [rule]}}))
    return cluster


def test_an_ingress_is_served_by_both_nodes_over_both_families(shop: OwnCluster) -> None:
    served_by(shop, "n1", "n2")


def test_a_node_that_is_gone_leaves_the_status_and_the_other_serves(shop: OwnCluster) -> None:
    with without_kubelet(shop, "n2"):
        served_by(shop, "n1", within_s=GRACE_S + IN_FORCE_WITHIN_S)
    served_by(shop, "n1", "n2")


def test_a_node_that_leaves_the_group_keeps_nothing(shop: OwnCluster) -> None:
    path = inventory.inventory_dir(shop.lab.name, PROJECT) / "hosts.yml"
    content = yaml.safe_load(path.read_text())
    del content["all"]["children"]["ingress"]["hosts"]["n2"]
    path.write_text(inventory.HEADER + yaml.safe_dump(content, sort_keys=False))
    shop.deploy(*SHORT_GRACE)
    served_by(shop, "n1")
    assert shop.on("n2", "; ".join((*WHAT_SERVES_INGRESSES, "true"))) == ""
    for port in (80, 443, 8404):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((shop.addresses()["n2"], port), timeout=5)
    again = shop.play("site.yml", *SHORT_GRACE)
    assert again.code == 0, again.text[-4000:]
    assert again.changes == dict.fromkeys(again.changes, 0), again.changed
