from podlab.cli.doctor.legs import NAME, POD, Checked, NetworkLeg
from podlab.cli.doctor.report import report

WAYS = [NetworkLeg(POD, "a", "b", "10.244.1.9", 80), NetworkLeg(POD, "b", "a", "10.244.0.9", 80)]
ASKED = NetworkLeg(NAME, "a", "kubernetes.default.svc", "10.96.0.10", 53)


def test_what_is_broken_comes_first_with_cause_and_remedy_and_then_what_works() -> None:
    broken = Checked(WAYS[0], "silent", "no answer within 3 s", 3.0, "a has no route to pods of b", "ip route")
    assert report(
        [broken, Checked(WAYS[1], "answered", "", 0.0012), Checked(ASKED, "answered", "", 0.0004)]
    ).splitlines() == [
        "BROKEN   pod to pod   a -> b   silent: no answer within 3 s",
        "         cause:  a has no route to pods of b",
        "         try:    ip route",
        "",
        "ok       pod to pod   1 of 2   slowest 1.2 ms, b -> a",
        "ok       name         1 of 1   slowest 0.4 ms, a -> kubernetes.default.svc",
        "",
        "1 of 3 legs from 2 nodes are broken.",
    ]


def test_legs_of_one_cause_stand_together() -> None:
    both = [Checked(each, "silent", "", 3.0, "nothing passes between a and b", "look") for each in WAYS]
    assert report(both).count("cause:") == 1


def test_a_whole_network_is_said_to_be_one() -> None:
    assert report([Checked(WAYS[0], "answered")]).splitlines()[-1] == "The network is whole: 1 legs from 1 nodes."
