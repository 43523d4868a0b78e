"""What is wrong with an inventory is named with its likely remedy, once, before any host is asked."""

from typing import Any

import pytest

from podlab.deploy.preflight.checks.inventory import check_groups, check_hosts, check_names, merged
from podlab.deploy.preflight.finding import error
from podlab.deploy.preflight.hosts.facts import Host

KNOWN = {"podlab_pod_cidr", "podlab_service_cidr", "podlab_cluster", "node_labels", "master_node_monitor_grace_s"}


def node(name: str = "n1", **variables: Any) -> Host:
    return Host(name=name, groups=frozenset({"nodes"}), variables={"ansible_host": "192.0.2.21", **variables})


@pytest.mark.parametrize(
    ("groups", "remedies"),
    [
        ({"masters": ["m1"], "nodes": ["n1"]}, []),
        ({"masters": ["m1"], "nodes": ["m1"]}, []),
        ({"master": ["m1"], "nodes": ["n1"]}, ["rename the group master to masters"]),
        (
            {"Masters": ["m1"], "Node": ["n1"]},
            ["rename the group Masters to masters", "rename the group Node to nodes"],
        ),
        ({"masters": ["m1"], "nodes": []}, ["put hosts into the group nodes"]),
        ({"web": ["w1"]}, ["put hosts into the group masters", "put hosts into the group nodes"]),
        ({"masters": ["m1", "m2"], "nodes": ["n1"]}, []),
        ({"masters": ["m1"], "nodes": ["n1"], "etcd": ["e1"]}, []),
    ],
)
def test_a_cluster_has_masters_and_nodes(groups: dict[str, list[str]], remedies: list[str]) -> None:
    every = {"all": sorted({host for hosts in groups.values() for host in hosts}), "ungrouped": [], **groups}
    assert [finding.remedy for finding in check_groups(every, [])] == remedies


def test_who_serves_ingresses_is_a_node() -> None:
    groups = {"masters": ["m1"], "nodes": ["n1"], "ingress": ["m1", "n1"]}
    (finding,) = check_groups(groups, [])
    assert finding.cause == "the group ingress has m1, which the group nodes has not"
    assert not list(check_groups(groups | {"ingress": ["n1"]}, []))


def test_an_inventory_that_does_not_exist_is_all_that_is_said() -> None:
    (finding,) = check_groups({"all": [], "ungrouped": []}, ["/typo/inventory"])
    assert finding.cause == "there is no inventory /typo/inventory"


# Kubernetes: a Node's name is a DNS subdomain name (RFC 1123), and the value of its label kubernetes.io/hostname.
@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("n1", ""),
        ("node-2.rack1.example.com", ""),
        ("10.0.0.5", ""),
        ("a" * 63, ""),
        ("Node1", "node1"),
        ("node_2", "node-2"),
        ("-n1", "n1"),
        ("n1.", "n1"),
        ("Näme 1", "n-me-1"),
        ("a" * 64, "a" * 63),
        ("localhost", "another name"),
    ],
)
def test_a_name_that_the_api_server_would_refuse_is_told_with_one_that_it_takes(name: str, better: str) -> None:
    found = list(check_hosts([node(name)]))
    assert [finding.check for finding in found] == (["name"] if better else [])
    assert all(better in finding.remedy for finding in found)


@pytest.mark.parametrize("address", ["n1.example.com", "2001:db8::1", "192.0.2", ""])
def test_other_hosts_must_be_given_an_ipv4_address(address: str) -> None:
    (finding,) = check_hosts([Host(name="n1", variables={"podlab_address": address or "n1"})])
    assert (finding.check, finding.cause) == ("address", f"podlab_address is {address or 'n1'}, not an IPv4 address")


@pytest.mark.parametrize(
    ("label", "allowed"),
    [
        ("disk", True),
        ("node.kubernetes.io/instance-type", True),
        ("topology.kubernetes.io/zone", True),
        ("node-role.kubernetes.io/web", False),
        ("node-restriction.kubernetes.io/secure", False),
        ("k8s.io/x", False),
    ],
)
def test_labels_that_a_kubelet_may_not_set_are_refused(label: str, allowed: bool) -> None:
    assert (
        [finding.check for finding in check_hosts([node(node_labels={label: ""})])] == [] if allowed else ["variable"]
    )


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("podlab_pod_cird", "you may mean podlab_pod_cidr"),
        ("node_lables", "you may mean node_labels"),
        ("master_node_monitor_grace", "you may mean master_node_monitor_grace_s"),
        ("podlab_colour", "docs/variables.md lists all"),
    ],
)
def test_a_misspelt_variable_is_named_with_the_likely_right_one(name: str, remedy: str) -> None:
    (finding,) = check_names({"n1": ["podlab_cluster", name]}, KNOWN)
    assert (finding.host, finding.cause, finding.remedy) == ("n1", f"{name} is no variable of Podlab's", remedy)


@pytest.mark.parametrize("name", ["node_exporter_port", "master_ip", "ansible_host", "cluster", "inventory_hostname"])
def test_what_is_somebody_else_s_variable_is_left_alone(name: str) -> None:
    assert list(check_names({"n1": [name]}, KNOWN)) == []


def test_what_is_the_same_for_several_hosts_is_told_once() -> None:
    found = merged([error("m1", "variable", "bad", "mend it"), error("n1", "variable", "bad", "mend it")])
    assert found == [error("m1, n1", "variable", "bad", "mend it")]
