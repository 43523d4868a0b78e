"""What explains other things is told before what is explained, and once."""

from __future__ import annotations

from podlab.deploy.doctor.diagnosis import ClusterView, diagnosis
from podlab.deploy.doctor.pulse import Member, Pulse, Unit
from podlab.deploy.preflight.finding import Finding, Severity, error, warning
from podlab.deploy.preflight.hosts.facts import Host

HOSTS = [
    *(
        Host(name=f"m{n}", groups=frozenset({"masters", "etcd"}), variables={"ansible_host": f"192.0.2.{n}"})
        for n in (1, 2)
    ),
    Host(name="n1", groups=frozenset({"nodes"})),
]
WELL = ClusterView(nodes=["n1"], served=["192.0.2.1", "192.0.2.2"], not_ready={})
STOPPED = Pulse(units={"podlab-etcd": Unit(state="failed")}, etcd=Member(silent="refused"))


def checks(found: list[Finding]) -> list[tuple[str, str]]:
    return [(each.host, each.check) for each in found]


def test_nothing_is_wrong_with_a_cluster_that_is_well() -> None:
    pulse = Pulse(units={"podlab-etcd": Unit(state="active")}, server="", etcd=Member())
    assert diagnosis(HOSTS, [], {"m1": pulse, "m2": pulse}, WELL) == []


def test_a_host_that_is_away_comes_before_what_follows_from_it() -> None:
    gone = error("m2", "connection", "it cannot be used", "start it")
    view = ClusterView(nodes=["n1"], served=["192.0.2.1"], not_ready={"n1": "NodeStatusUnknown: silent"})
    found = diagnosis(HOSTS, [warning("m1", "disk", "little", "free some"), gone], {}, view)
    assert checks(found) == [("m2", "connection"), ("n1", "node"), ("m1", "disk"), ("m2", "served")]
    assert [each.severity for each in found] == [Severity.ERROR] * 2 + [Severity.WARNING] * 2


def test_a_full_disk_comes_before_the_units_that_end_of_it_and_what_is_not_ranked_between() -> None:
    fitness = [error("m1", "kernel", "no vxlan", "boot another"), error("m1", "disk", "full", "free some")]
    assert checks(diagnosis(HOSTS, fitness, {"m1": STOPPED}, WELL)) == [
        ("m1", "disk"),
        ("m1", "kernel"),
        ("m1", "unit"),
    ]


def test_that_nobody_listens_is_told_by_the_unit_that_does_not_run() -> None:
    refused = error("m1", "way", "m2 cannot reach 192.0.2.1 port 2379 (etcd): Connection refused; ...", "")
    silent = error("m1", "way", "m2 cannot reach 192.0.2.1 port 2379 (etcd): no answer within 3 s; ...", "")
    assert checks(diagnosis(HOSTS, [refused, silent], {"m1": STOPPED}, WELL)) == [("m1", "way"), ("m1", "unit")]
    running = Pulse(units={"podlab-etcd": Unit(state="active")})
    assert len(diagnosis(HOSTS, [refused, silent], {"m1": running}, WELL)) == 2


def test_where_no_api_server_answers_nothing_is_said_of_nodes() -> None:
    found = diagnosis(HOSTS, [], {}, ClusterView(silent="none did within 15 s"))
    assert checks(found) == [("cluster", "api")]
