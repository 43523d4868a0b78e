from podlab.cli.doctor.legs import AGENT, EGRESS, MTU, NAME, POD, SERVICE, Checked, Goals, NetworkLeg, legs, worst_first

GOALS = Goals([("default/kubernetes", "10.96.0.1", 443)], "10.96.0.10", "cluster.local", ("192.0.2.1", 6443))


def test_every_node_tries_every_other_and_what_all_nodes_have_to_reach() -> None:
    places = {f"n{number}": [(f"10.244.{number}.9", 4000)] for number in range(10)}
    found = legs(places, dict.fromkeys(places, 1500), GOALS)
    assert len([leg for leg in found if leg.kind == POD]) == 90
    assert len([leg for leg in found if leg.kind == MTU and leg.size_bytes == 1500]) == 90
    for kind in (SERVICE, NAME, EGRESS):
        assert {leg.source for leg in found if leg.kind == kind} == places.keys()


def test_the_smaller_link_of_two_bounds_a_packet_and_one_node_has_nobody_to_try() -> None:
    places = {"a": [("10.244.0.9", 1)], "b": [("10.244.1.9", 1)]}
    assert {leg.size_bytes for leg in legs(places, {"a": 1500, "b": 1450}, GOALS) if leg.kind == MTU} == {1450}
    assert {leg.kind for leg in legs({"a": [("10.244.0.9", 1)]}, {"a": 1500}, GOALS)} == {SERVICE, NAME, EGRESS}


def test_without_cluster_dns_no_name_is_asked_for() -> None:
    goals = Goals([], "", "cluster.local", ("192.0.2.1", 6443))
    assert {leg.kind for leg in legs({"a": []}, {}, goals)} == {EGRESS}


def test_what_is_broken_comes_first_and_of_that_what_explains_the_rest() -> None:
    whole = Checked(NetworkLeg(AGENT, "a", "a", "", 0), "answered")
    name, pod = (Checked(NetworkLeg(kind, "a", "b", "", 0), "silent") for kind in (NAME, POD))
    assert worst_first([whole, name, pod]) == [pod, name, whole]
