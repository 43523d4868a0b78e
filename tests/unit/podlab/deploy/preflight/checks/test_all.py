from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest
from podlab_testing.preflight_facts import FACTS

from podlab.deploy.preflight.checks.all import judge
from podlab.deploy.preflight.checks.paths import PathTrial, judged_paths
from podlab.deploy.preflight.checks.ports import closed_ports
from podlab.deploy.preflight.finding import Severity, error, warning
from podlab.deploy.preflight.hosts.facts import FileSystem, Host, LinkManagers, Listener, Runtime, Subnet, Unusable
from podlab.deploy.preflight.outcome import Connection, Outcome, Seen, dump, load
from podlab.deploy.preflight.report import as_json, as_text, has_errors

HOSTS = (Host(name="m1", groups=frozenset({"masters"})), Host(name="n1", groups=frozenset({"nodes"})))
FIT = {
    "m1": replace(FACTS, cgroup_controllers=frozenset({"cpu", "memory", "pids"})),
    "n1": replace(
        FACTS,
        place="another",
        hostname="n2",
        machine_id="b" * 32,
        cgroup_controllers=frozenset({"cpu", "memory", "pids"}),
    ),
}
UFW = """:INPUT DROP [0:0]
:ufw-user-input - [0:0]
-A INPUT -j ufw-user-input
-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT
"""
NFTABLES = """table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		tcp dport 22 accept
	}
}
"""
DOWN = Unusable("192.0.2.11 port 22 refuses connections", "start sshd")
SEEN = {host.name: Seen(connection=Connection(plugin="ssh", host=host.name), unusable=DOWN) for host in HOSTS}


def test_a_host_that_cannot_be_used_is_an_error_with_its_remedy() -> None:
    findings = judge(HOSTS, {"m1": DOWN, "n1": DOWN})
    assert [(found.host, found.check, found.cause, found.remedy) for found in findings] == [
        ("m1", "connection", DOWN.cause, DOWN.remedy),
        ("n1", "connection", DOWN.cause, DOWN.remedy),
    ]
    assert all(found.severity is Severity.ERROR for found in findings)


def test_only_errors_make_hosts_unfit() -> None:
    assert not has_errors([warning("n1", "disk", "full", "free some")])
    assert has_errors([warning("n1", "disk", "full", "free some"), error("n1", "os", "old", "upgrade")])


def test_the_text_names_host_cause_and_remedy_and_counts() -> None:
    found = [error("m1", "connection", DOWN.cause, DOWN.remedy)]
    text = as_text(Outcome(hosts=HOSTS, seen=SEEN, findings=found))
    assert "m1  m1               not usable" in text
    assert "error: m1: 192.0.2.11 port 22 refuses connections\n  remedy: start sshd" in text
    assert text.endswith("1 error, 0 warnings. Nothing has been changed on the hosts.")


def test_the_json_says_the_same_for_programs() -> None:
    text = as_json(Outcome(hosts=HOSTS, seen=SEEN, findings=[error("m1", "connection", "no answer", "start it")]))
    assert '"ok": false' in text
    assert '"severity": "error"' in text
    assert '"reached": false' in text


def test_an_outcome_survives_being_written_to_a_file() -> None:
    outcome = Outcome(hosts=HOSTS, seen=SEEN, findings=(warning("n1", "disk", "full", "free some"),))
    assert load(dump(outcome)) == outcome


def test_hosts_that_lack_nothing_give_no_finding() -> None:
    assert judge(HOSTS, FIT) == []


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        pytest.param({"listeners": (Listener(7450, "nginx", 31),)}, "port", "port 7450", id="ports"),
        pytest.param({"name_servers": (Listener(53, "dnsmasq", 31),)}, "port", "port 53", id="the port of DNS"),
        pytest.param({"clock_ahead_s": (5.0, 5.3)}, "clock", "5.0 s ahead", id="clock"),
        pytest.param({"resolvers": {"192.0.2.1": False}}, "dns", "no name server of it answers", id="DNS"),
        pytest.param({"default_route": False}, "route", "no default route", id="routes"),
        pytest.param(
            {"subnets": (Subnet(IPv4Network("10.244.3.0/24"), "eth1"),)},
            "networks",
            "its network 10.244.3.0/24 on eth1 overlaps podlab_pod_cidr",
            id="overlapping CIDRs",
        ),
        pytest.param(
            {"subnets": (Subnet(IPv4Network("10.96.0.0/12"), "tun0", "10.8.0.1"),)},
            "networks",
            "its route through 10.8.0.1 10.96.0.0/12 on tun0 overlaps podlab_service_cidr",
            id="overlapping routes",
        ),
        pytest.param(
            {"filesystems": (FileSystem(directories=("/var/lib/podlab",), free_bytes=1 << 20),)},
            "disk",
            "only 1 MiB are free for /var/lib/podlab",
            id="disk",
        ),
        pytest.param(
            {"filesystems": (FileSystem(directories=("/usr",), free_bytes=1 << 34, read_only=True),)},
            "disk",
            "the file system of /usr is read-only",
            id="read-only places",
        ),
        pytest.param({"memory_bytes": 1 << 28}, "memory", "it has 256 MiB", id="memory"),
        pytest.param({"missing_features": ("br_netfilter",)}, "kernel", "has no br_netfilter", id="kernel features"),
        pytest.param({"cgroup_controllers": frozenset({"cpu"})}, "cgroups", "for memory, pids", id="cgroups"),
        pytest.param({"machine_id": "a" * 32}, "machine-id", "m1 and n1 have the same machine id", id="machine ids"),
        pytest.param({"hostname": "n1"}, "hostname", "m1 and n1 have the same hostname", id="host names"),
        pytest.param({"place": "one"}, "address", "m1 and n1 are one and the same host", id="addresses"),
        pytest.param({"swap_bytes": 1 << 30}, "swap", "1024 MiB of swap are on", id="swap"),
        pytest.param(
            {"runtime": Runtime(active=True, containers={"k8s.io": 2})},
            "containerd",
            "2 containers of another Kubernetes",
            id="another container runtime",
        ),
        pytest.param({"other_kubelets": ("k3s",)}, "kubernetes", "k3s.service", id="another Kubernetes"),
        pytest.param({"python": (3, 9, 2)}, "python", "python3 is 3.9.2", id="Python"),
        pytest.param(
            {"link_managers": LinkManagers(networkd={"/etc/systemd/network/00-a.network": "[Match]\nName=*\n"})},
            "links",
            "systemd-networkd reads /etc/systemd/network/00-a.network before",
            id="links that others manage",
        ),
    ],
)
def test_what_would_fail_later_on_a_node_is_told_before(changes: dict[str, Any], check: str, words: str) -> None:
    """All that a deployment's preflight promises to find by looking at hosts; what they must try follows below."""
    (found,) = judge(HOSTS, {**FIT, "n1": replace(FIT["n1"], **changes)})
    assert (found.host, found.check) == ("n1", check)
    assert words in found.cause
    assert found.remedy


@pytest.mark.parametrize(
    ("rules", "closed_by"),
    [
        ({"iptables": "-A INPUT -p tcp -m tcp --dport 7450 -j DROP\n"}, "closed by iptables' rule"),
        ({"nftables": NFTABLES}, "closed by nftables' chain input of table inet filter, whose policy is drop"),
        ({"iptables": UFW}, "closed by the policy of iptables' chain INPUT, DROP"),
        ({}, "no rule of the hosts closes it: look between them, too"),
    ],
    ids=["iptables", "nftables", "ufw", "between hosts"],
)
def test_a_firewall_that_would_cut_hosts_off_is_told_before(rules: dict[str, str], closed_by: str) -> None:
    tried = {"host": "n1", "address": "192.0.2.11", "port": 7450, "fault": "timed out"}
    ports = list(closed_ports({"m1": [tried]}, {"n1": rules}))
    (found,) = judge(HOSTS, FIT, ports)
    assert (found.host, found.check) == ("n1", "way")
    assert closed_by in found.cause


def test_a_path_that_loses_long_packets_is_told_before() -> None:
    tried = PathTrial(
        host="n1", address="192.0.2.11", device="eth0", mtu=1500, on_link=True, reached=True, longest=1400, told=False
    )
    (found,) = judge(HOSTS, FIT, list(judged_paths(HOSTS, {"m1": [tried]})))
    assert (found.host, found.check) == ("n1", "mtu")
