import json

import pytest

from podlab.cli.tracing import packets
from podlab.cli.tracing.packets import TracedPacket, TraceForm
from podlab.cli.tracing.question import End, Question
from podlab.cli.tracing.report import Leg
from podlab.v1.kubelet_pb2 import ProbeResult
from podlab.v1.proxy_pb2 import TraceLanding, TraceResponse, TraceStep

QUESTION = Question(End(("192.0.2.1",), "n1"), "192.0.2.1", "Service a/web", "10.96.0.7", 80, "TCP", "n1")
STEP = TraceStep(table="iptables nat", chain="PODLAB-SVC", rule="-j X", says="is it for a Service?", odds=1, packets=12)
LANDING = TraceLanding(address="10.244.1.9:80", odds=1, verdict="arrives")
LEG = Leg(QUESTION, TraceResponse(steps=[STEP], landings=[LANDING]))


def test_json_has_all_that_the_nodes_said_before_and_after(capsys: pytest.CaptureFixture[str]) -> None:
    packets._show(TracedPacket([LEG], ProbeResult(outcome="answered"), [LEG]), TraceForm.JSON)
    told = json.loads(capsys.readouterr().out)
    assert told["legs"][0]["node"] == "n1"
    assert told["legs"][0]["trace"]["landings"][0]["verdict"] == "arrives"
    assert told["sent"]["outcome"] == "answered"
    assert told["after"] == told["legs"]
