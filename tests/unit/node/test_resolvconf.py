from typing import Any

import pytest

from node.resolvconf import ClusterDns, ResolvConf, of_pod, parse
from podlab.core.v1.pod_pb2 import PodDNSConfig, PodSpec

CLUSTER = ClusterDns("10.96.0.10", "cluster.local")
NODE = ResolvConf(("192.0.2.1", "192.0.2.2"), ("example.org",), ("edns0", "ndots:1"))
SEARCHES = ("a.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.org")


def made(policy: str = "ClusterFirst", *, host_network: bool = False, **own: Any) -> ResolvConf:
    found = of_pod(
        PodSpec(dnsPolicy=policy, hostNetwork=host_network, dnsConfig=PodDNSConfig(**own)), "a", NODE, CLUSTER
    )
    assert found.left_out == ()
    return found.conf


def test_a_resolv_conf_is_read_as_the_manual_has_it() -> None:
    text = "# made\nnameserver 192.0.2.1\ndomain old.example\nsearch example.org\nnameserver\noptions ndots:1 edns0\n"
    assert parse(text) == ResolvConf(("192.0.2.1",), ("example.org",), ("ndots:1", "edns0"))


@pytest.mark.parametrize(
    ("policy", "host_network"), [("ClusterFirst", False), ("ClusterFirstWithHostNet", True), ("", False)]
)
def test_pods_ask_the_cluster_first(policy: str, host_network: bool) -> None:
    found = made(policy, host_network=host_network)
    assert found == ResolvConf(("10.96.0.10",), SEARCHES, ("ndots:5",))


@pytest.mark.parametrize(("policy", "host_network"), [("Default", False), ("ClusterFirst", True)])
def test_others_ask_whom_their_node_asks(policy: str, host_network: bool) -> None:
    assert made(policy, host_network=host_network) == NODE


def test_a_pod_may_say_all_of_it_itself() -> None:
    assert made("None", nameservers=["192.0.2.9"]) == ResolvConf(("192.0.2.9",))


def test_what_a_pod_says_is_added_and_its_options_replace_those_of_the_same_name() -> None:
    own = [{"name": "ndots", "value": "2"}, {"name": "edns0"}]
    found = made(nameservers=["192.0.2.9", "10.96.0.10"], searches=["x.y", "cluster.local"], options=own)
    assert found.servers == ("10.96.0.10", "192.0.2.9")
    assert found.searches == (*SEARCHES, "x.y")
    assert found.options == ("ndots:2", "edns0")


def test_what_is_beyond_the_limits_is_left_out_and_said() -> None:
    own = PodDNSConfig(nameservers=[f"192.0.2.{n}" for n in range(3)], searches=[f"s{n}" for n in range(32)])
    found = of_pod(PodSpec(dnsPolicy="ClusterFirst", dnsConfig=own), "a", NODE, CLUSTER)
    assert found.conf.servers == ("10.96.0.10", "192.0.2.0", "192.0.2.1")
    assert len(found.conf.searches) == 32
    assert [text.partition(",")[0] for text in found.left_out] == [
        "Nameserver limits were exceeded",
        "Search Line limits were exceeded",
    ]
    assert found.left_out[0].endswith("the applied nameserver line is: 10.96.0.10 192.0.2.0 192.0.2.1")


def test_a_search_line_has_at_most_2048_characters() -> None:
    own = PodDNSConfig(nameservers=["192.0.2.9"], searches=[f"{n:02}.{'a' * 60}.{'b' * 60}" for n in range(20)])
    found = of_pod(PodSpec(dnsPolicy="None", dnsConfig=own), "a", NODE, CLUSTER)
    line = " ".join(found.conf.searches)
    assert (len(found.conf.searches), len(line) <= 2048) == (16, True)
    assert len(found.left_out) == 1
