import pytest

from podlab.cli.doctor.causes import explained
from podlab.cli.doctor.legs import AGENT, EGRESS, MTU, NAME, POD, SERVICE, UNTRIED, Checked, NetworkLeg
from podlab.v1.proxy_pb2 import TraceFinding, TraceLanding, TraceResponse

ADDRESSES = {name: [f"192.0.2.{number}"] for number, name in enumerate("abc", 1)}
RIGHT = TraceResponse(landings=[TraceLanding(verdict="arrives", way=["route through 192.0.2.2 by eth0, MTU 1500"])])
ASTRAY = TraceResponse(landings=[TraceLanding(verdict="arrives", way=["route through 192.0.2.254 by eth0, MTU 1500"])])


def leg(kind: str, source: str = "a", target: str = "b", size: int = 0) -> NetworkLeg:
    return NetworkLeg(kind, source, target, "10.244.1.9", 80, size_bytes=size)


def broken(one: NetworkLeg, outcome: str = "silent") -> Checked:
    return Checked(one, outcome, "no answer within 3 s")


def whole(one: NetworkLeg) -> Checked:
    return Checked(one, "answered")


def cause(of: NetworkLeg, checked: list[Checked], traced: TraceResponse | None = None) -> str:
    traces = {of: [("a", traced)]} if traced is not None else {}
    return next(each.cause for each in explained(checked, traces, ADDRESSES) if each.leg == of)


ELSE = [whole(leg(SERVICE, node, "default/kubernetes")) for node in "abc"]


def test_a_rule_that_is_missing_or_anothers_is_the_cause() -> None:
    way = leg(SERVICE, target="default/kubernetes")
    foreign = TraceFinding(kind="foreign", where="iptables filter FORWARD", what="-j DROP")
    missing = TraceFinding(kind="missing", where="iptables nat PODLAB-SVC", what="-j X")
    both = TraceResponse(findings=[missing, foreign])
    assert cause(way, [broken(way)], both) == "another program's rule on a: iptables filter FORWARD: -j DROP"
    assert cause(way, [broken(way)], TraceResponse(findings=[missing])).startswith(
        "missing on a: iptables nat PODLAB-SVC"
    )


def test_a_rule_that_refuses_is_the_cause() -> None:
    way = leg(SERVICE, target="default/kubernetes")
    refused = TraceResponse(landings=[TraceLanding(verdict="rejected", reason="x has no endpoints")])
    assert cause(way, [broken(way)], refused) == "rejected on a: x has no endpoints"


def test_a_route_that_is_gone_is_the_cause_and_a_tunnel_is_none() -> None:
    way = leg(POD)
    assert cause(way, [broken(way), *ELSE], ASTRAY).startswith("a has no right route to pods of b: route through")
    tunnel = TraceResponse(landings=[TraceLanding(verdict="arrives", way=["route by x", "VXLAN 112 to 192.0.2.2"])])
    for traced in (RIGHT, tunnel):
        assert "no right route" not in cause(way, [broken(way), *ELSE], traced)


def test_one_way_and_both_ways_are_told_apart() -> None:
    there, back = leg(POD, "a", "b"), leg(POD, "b", "a")
    assert "on b, or on the way back" in cause(there, [broken(there), whole(back), *ELSE], RIGHT)
    assert cause(there, [broken(there), broken(back), *ELSE], RIGHT) == "nothing passes between a and b"


def test_what_breaks_a_way_breaks_large_packets_and_the_answers_of_the_other_way_too() -> None:
    there, back, large = leg(POD, "a", "b"), leg(POD, "b", "a"), leg(MTU, "a", "b", 1500)
    checked = [broken(there), broken(back), broken(large), *ELSE]
    causes = {each.cause for each in explained(checked, {there: [("a", ASTRAY)]}, ADDRESSES) if not each.whole}
    assert len(causes) == 1


def test_a_rule_on_the_receivers_node_is_the_cause_as_well() -> None:
    way = leg(POD)
    dropping = TraceResponse(findings=[TraceFinding(kind="foreign", where="iptables filter FORWARD", what="-j DROP")])
    found = explained([broken(way), *ELSE], {way: [("a", RIGHT), ("b", dropping)]}, ADDRESSES)
    assert found[0].cause == "another program's rule on b: iptables filter FORWARD: -j DROP"


def test_large_packets_alone_that_do_not_pass_mean_a_smaller_link() -> None:
    large, small = leg(MTU, size=1500), leg(POD)
    assert "packets of 1500 bytes do not pass, small ones do" in cause(large, [broken(large), whole(small)], RIGHT)
    assert cause(large, [broken(large), broken(small), *ELSE], RIGHT) == "nothing passes on this way, small or large"


def test_a_node_of_which_everything_is_broken_is_the_cause_of_it() -> None:
    every = [leg(POD, one, two) for one in "abc" for two in "abc" if one != two]
    checked = [broken(each) if "b" in (each.source, each.target) else whole(each) for each in every]
    checked += [
        broken(leg(EGRESS, "b", "outside")),
        whole(leg(EGRESS, "a", "outside")),
        whole(leg(EGRESS, "c", "outside")),
    ]
    assert cause(leg(POD, "a", "b"), checked, RIGHT) == "nobody reaches pods of b"
    assert cause(leg(EGRESS, "b", "outside"), checked) == "pods of b reach nobody"


@pytest.mark.parametrize(("outcome", "said"), [("silent", "does not answer at"), ("failed", "no answer within")])
def test_a_dns_server_that_is_silent_and_one_that_does_not_know(outcome: str, said: str) -> None:
    way = leg(NAME, target="kubernetes.default.svc")
    assert said in cause(way, [broken(way, outcome), *ELSE])


def test_an_agent_that_is_not_there_says_why_itself() -> None:
    assert cause(leg(AGENT, "a", "a"), [broken(leg(AGENT, "a", "a")), *ELSE]) == "no answer within 3 s"


def test_what_was_not_tried_says_so_and_is_no_evidence() -> None:
    late = Checked(leg(EGRESS, "a", "192.0.2.9:443"), UNTRIED)
    assert "when the time was up" in cause(late.leg, [late, *ELSE])
    silent = Checked(leg(AGENT, "c", "c"), UNTRIED)
    assert cause(silent.leg, [silent]) == "the kubelet of c had not answered when the time was up (--overall)"
    way = leg(SERVICE, "a", "default/kubernetes")
    assert (
        cause(way, [late, broken(way), whole(leg(POD, "b", "a")), whole(leg(POD, "a", "b"))])
        != "pods of a reach nobody"
    )
