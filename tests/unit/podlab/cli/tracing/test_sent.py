from podlab.cli.tracing.question import End, Question
from podlab.cli.tracing.report import Leg
from podlab.cli.tracing.sent import sent_report
from podlab.v1.kubelet_pb2 import ProbeResult
from podlab.v1.proxy_pb2 import TraceResponse, TraceStep

QUESTION = Question(End(("192.0.2.1",), "n1"), "192.0.2.1", "Service a/web", "10.96.0.7", 80, "TCP", "n1")


def leg(*packets: int) -> Leg:
    steps = [
        TraceStep(table="iptables nat", chain="C", rule=f"-j {number}", says=f"rule {number}", packets=each)
        for number, each in enumerate(packets)
    ]
    return Leg(QUESTION, TraceResponse(steps=[*steps, TraceStep(table="nftables ip podlab", chain="x")]))


def test_rules_that_counted_are_listed_with_what_came_of_the_packet() -> None:
    sent = ProbeResult(outcome="answered", detail="connected to 10.96.0.7:80", seconds=0.0015)
    assert sent_report([leg(5, 7)], [leg(6, 7)], sent).splitlines() == [
        "",
        "A real packet was sent: ANSWERED after 1.5 ms (connected to 10.96.0.7:80)",
        "",
        "Rules that counted since:",
        "NODE   MORE   TABLE   CHAIN   WHAT IT DOES",
        "n1     +1     nat     C       rule 0",
    ]


def test_where_nothing_counted_that_is_said() -> None:
    sent = ProbeResult(outcome="silent", detail="no answer within 3 s")
    assert sent_report([leg(5)], [leg(5)], sent).splitlines()[-1] == "No rule that counts has counted anything since."
