from __future__ import annotations

from podlab.deploy.doctor.diagnosis import ClusterView
from podlab.deploy.doctor.pulse import Member, Pulse
from podlab.deploy.doctor.report import as_text
from podlab.deploy.preflight.finding import error, warning
from podlab.deploy.preflight.hosts.facts import Host

HOSTS = [Host(name="m1"), Host(name="n1")]
PULSES = {"m1": Pulse(etcd=Member())}
VIEW = ClusterView(nodes=["n1"], served=["192.0.2.1"])


def test_a_cluster_that_is_well_is_told_in_one_line() -> None:
    told = as_text([], HOSTS, PULSES, VIEW)
    assert told == "Nothing is broken: 2 hosts, 1 API server, 1 member of etcd, 1 node."


def test_each_thing_is_told_with_what_to_do_and_the_last_line_counts_those_that_are_broken() -> None:
    told = as_text(
        [error("m1", "disk", "only 0 MiB are free", "free some"), warning("n1", "unit", "it was killed", "look")],
        HOSTS,
        PULSES,
        VIEW,
    )
    assert told.splitlines() == [
        "BROKEN   m1  disk: only 0 MiB are free",
        "         try: free some",
        "",
        "warning  n1  unit: it was killed",
        "         try: look",
        "",
        "1 thing is broken, on m1.",
    ]
