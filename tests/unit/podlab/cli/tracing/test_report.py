from podlab.cli.tracing.question import End, Question
from podlab.cli.tracing.report import Leg, arrives, report
from podlab.v1.proxy_pb2 import TraceFinding, TraceLanding, TracePolicySide, TraceResponse, TraceStep

QUESTION = Question(
    End(("10.244.1.5",), "n1", "a/client"), "10.244.1.5", "Service a/web:http", "10.96.0.7", 80, "TCP", "n1"
)
COUNTED = TraceStep(
    table="iptables nat", chain="PODLAB-SVC", rule="-j X", says="is it for a Service?", odds=1, packets=12
)
LEGACY = TraceStep(table="iptables-legacy filter", chain="FORWARD", says="another program's rule", uncertain=True)
HERE = TraceLanding(
    address="10.244.1.9:8080",
    odds=1 / 3,
    verdict="arrives",
    translated=True,
    namespace="a",
    pod="web-1",
    node="n1",
    way=["bridge podlab0", "veth1"],
)
THERE = TraceLanding(
    address="10.244.2.4:8080",
    odds=2 / 3,
    verdict="arrives",
    translated=True,
    masqueraded=True,
    namespace="a",
    pod="web-2",
    node="n2",
    way=["route through 192.0.2.2 by eth0, MTU 1500"],
)
STOPPED = TraceLanding(
    address="10.96.0.7:80", odds=1, verdict="rejected", reason="refused: a/web:http has no endpoints"
)


def leg(*landings: TraceLanding, findings: tuple[TraceFinding, ...] = ()) -> Leg:
    return Leg(
        QUESTION,
        TraceResponse(steps=[COUNTED, LEGACY], landings=landings, findings=findings, backend="iptables"),
    )


def test_each_rule_is_a_line_and_below_them_stands_where_the_packet_ends() -> None:
    assert report([leg(HERE, THERE)]).splitlines() == [
        "TCP packet from pod a/client (10.244.1.5) to Service a/web:http (10.96.0.7:80), on node n1, by the rules that "
        "it has now (iptables)",
        "",
        "PACKETS   ODDS    TABLE           CHAIN        WHAT IT DOES WITH THIS PACKET",
        "     12   100 %   nat             PODLAB-SVC   is it for a Service?",
        "      -   maybe   legacy filter   FORWARD      another program's rule",
        "",
        "it ends here:",
        "   33.3 %   to endpoint   10.244.1.9:8080   pod a/web-1 on this node   bridge podlab0; veth1",
        "   66.7 %   to endpoint   10.244.2.4:8080   pod a/web-2 on n2          "
        "route through 192.0.2.2 by eth0, MTU 1500",
        "   the receiver sees node n1 as the sender at 10.244.2.4:8080 (masquerade)",
        "",
        "Nothing is missing, foreign or different on this way.",
    ]


def test_rules_stand_below_their_lines_where_that_is_wanted() -> None:
    assert "              -j X" in report([leg(HERE)], rules=True).splitlines()


def test_why_it_is_stopped_is_said() -> None:
    text = report([leg(STOPPED)])
    assert "   100 %   REJECTED   10.96.0.7:80   -\n      refused: a/web:http has no endpoints\n" in text
    assert not arrives([leg(STOPPED)])


def test_what_policies_say_of_isolated_pods_is_told_once() -> None:
    side = TracePolicySide(direction="ingress", pod="a/web-1", selecting=["a/closed"], allowed=False)
    landing = TraceLanding()
    landing.CopyFrom(HERE)
    landing.policies.extend([side, side])
    assert report([leg(landing)]).count("it may not enter pod a/web-1: a/closed isolates the pod (ingress)") == 1
    landing.policies[0].CopyFrom(TracePolicySide(direction="egress", pod="a/client", allowed=True))
    del landing.policies[1:]
    assert "   no policy isolates a pod of this node that is on the way" in report([leg(landing)])


def test_what_should_not_be_so_is_named_with_what_to_do() -> None:
    missing = TraceFinding(kind="missing", where="iptables nat PODLAB-SVC", what="-j X")
    foreign = TraceFinding(kind="foreign", where="iptables filter FORWARD", what="-j DROP")
    text = report([leg(HERE, findings=(missing, foreign))])
    assert "  missing   n1   iptables nat PODLAB-SVC   -j X" in text
    assert "they write again within 10 s" in text
    assert "Foreign rules are not touched" in text
    assert not arrives([leg(HERE, findings=(missing,))])
    assert arrives([leg(HERE, findings=(foreign,))])


def test_what_only_known_clients_reach_is_no_second_line() -> None:
    remembered = TraceLanding()
    remembered.CopyFrom(HERE)
    remembered.odds = 0
    assert report([leg(remembered, HERE)]).count("10.244.1.9:8080") == 1
