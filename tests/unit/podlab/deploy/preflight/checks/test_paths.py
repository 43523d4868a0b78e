"""Which paths are tried with packets of full length, and what is said when they do not pass."""

from typing import Any

from podlab.deploy.preflight.checks.paths import PathTrial, echo_awaited, judged_paths, targets_for
from podlab.deploy.preflight.finding import Severity
from podlab.deploy.preflight.hosts.facts import Host


def host(name: str, group: str = "nodes", **variables: Any) -> Host:
    address = {"podlab_address": f"192.0.2.{name[1:]}"}
    return Host(name=name, groups=frozenset({group}), variables=address | variables)


M1, N1, N2 = host("m1", "masters"), host("n1"), host("n2")
HOSTS = (M1, N1, N2)
OPENED = {"m1": {"echo": False}, "n1": {"echo": True}, "n2": {"echo": False}}


def tried(to: str, **found: Any) -> PathTrial:
    fine = PathTrial(
        host=to,
        address=f"192.0.2.{to[1:]}",
        device="eth0",
        mtu=1500,
        on_link=True,
        reached=True,
        longest=1500,
        told=False,
    )
    fine.update(found)  # type: ignore[typeddict-item]
    return fine


def causes(trials: dict[str, list[PathTrial]], *hosts: Host) -> list[tuple[Severity, str]]:
    return [(found.severity, found.cause) for found in judged_paths(hosts or HOSTS, trials)]


def test_nodes_try_each_others_port_for_vxlan_and_otherwise_echo_requests() -> None:
    assert echo_awaited(N1, HOSTS) == ["n2"]
    assert echo_awaited(M1, HOSTS) == []
    assert echo_awaited(host("n1", podlab_network_overlay="never"), HOSTS) == []
    assert [(each["host"], each["port"]) for each in targets_for(N2, HOSTS, OPENED)] == [("m1", 0), ("n1", 4789)]
    assert [(each["host"], each["port"]) for each in targets_for(M1, HOSTS, OPENED)] == [("n1", 0), ("n2", 0)]


def test_paths_on_which_all_passes_and_those_of_which_nothing_is_known_are_no_findings() -> None:
    assert causes({"n1": [tried("n2"), tried("m1", longest=0)], "m1": [tried("n1", mtu=0, longest=0)]}) == []


def test_long_packets_that_are_lost_and_nobody_says_so_are_an_error() -> None:
    ((severity, cause),) = causes({name: [tried("m1", longest=1400)] for name in ("n1", "n2")})
    assert severity is Severity.ERROR
    assert cause == (
        "from n1 and n2 packets of more than 1400 bytes do not get to 192.0.2.1, though eth0 there sends up to 1500, "
        "and nobody says so: connections would hang"
    )


def test_what_a_router_says_is_a_warning_for_pods_packets_unless_their_length_is_configured() -> None:
    narrow = {"n1": [tried("n2", longest=1400, told=True)], "m1": [tried("n1", longest=1400, told=True)]}
    ((severity, _),) = causes(narrow)
    assert severity is Severity.WARNING
    assert causes(narrow, M1, host("n1", podlab_network_mtu=1400), N2) == []


def test_a_closed_port_matters_where_vxlan_is_used() -> None:
    closed = {"n1": [tried("n2", reached=False)]}
    assert causes(closed) == []
    assert len(causes({"n1": [tried("n2", reached=False, on_link=False)]})) == 1
    # The other side takes the way to be one between segments, and will send.
    assert len(causes({"n1": [tried("n2", reached=False)], "n2": [tried("n1", on_link=False)]})) == 1
    assert len(causes(closed, M1, N1, host("n2", podlab_network_overlay="always"))) == 1
