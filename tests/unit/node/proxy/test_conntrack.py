import pytest

from node.flows import Flow
from node.proxy.conntrack import stale, unsettled
from node.proxy.exposures import Delta
from node.proxy.frontends import Frontend

WANTED = {
    ("10.96.0.10", "udp", 53): frozenset({"10.244.0.2:53"}),
    ("", "udp", 30053): frozenset({"10.244.0.2:53"}),
    ("10.96.0.11", "udp", 53): frozenset(),
}


@pytest.mark.parametrize(
    ("destination", "port", "endpoint", "ends"),
    [
        ("10.96.0.10", 53, "10.244.0.2:53", False),
        ("10.96.0.10", 53, "10.244.0.9:53", True),
        ("10.96.0.10", 53, "10.96.0.10:53", True),  # sent while the Service had no endpoint
        ("192.0.2.1", 30053, "10.244.0.9:53", True),
        ("127.0.0.1", 30053, "10.244.0.9:53", True),
        ("10.96.0.10", 54, "10.244.0.9:53", False),
        ("8.8.8.8", 53, "8.8.8.8:53", False),
        ("8.8.8.8", 30053, "8.8.8.8:30053", False),  # a node port's number on a machine that is no node
        ("10.96.0.11", 53, "10.244.0.2:53", True),  # of a Service that has no endpoint any more
    ],
)
def test_only_flows_to_a_services_port_that_end_elsewhere_are_stale(
    destination: str, port: int, endpoint: str, ends: bool
) -> None:
    flow = Flow("udp", "10.244.0.5", 40000, destination, port, endpoint)
    assert stale([flow], WANTED, {"192.0.2.1"}) == ([flow] if ends else [])


def test_connections_are_left_to_end_by_themselves() -> None:
    flow = Flow("tcp", "10.244.0.5", 40000, "10.96.0.10", 53, "10.244.0.9:53")
    assert stale([flow], WANTED, ()) == []


def test_flows_to_a_place_that_changed_may_have_to_end_and_all_to_one_that_is_gone() -> None:
    def at(port: int, *endpoints: str, protocol: str = "udp") -> Frontend:
        return Frontend("default/dns", "10.96.0.10", protocol, port, endpoints)

    delta = Delta(gone=(at(53, "a"), at(54, "a"), at(80, protocol="tcp")), new=(at(53, "b"), at(55, protocol="sctp")))
    assert unsettled(delta) == {
        ("10.96.0.10", "udp", 53): {"b"},
        ("10.96.0.10", "udp", 54): set(),
        ("10.96.0.10", "sctp", 55): set(),
    }
