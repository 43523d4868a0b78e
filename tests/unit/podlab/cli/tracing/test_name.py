import json

from podlab.cli.tracing import name
from podlab.cli.tracing.name import report
from podlab.v1.dns_pb2 import NameStep, TraceNameResponse

MISS = NameStep(question="web.b.a.svc.x", outcome="NXDOMAIN")
HIT = NameStep(
    question="web.b.svc.x", outcome="NOERROR", answers=["web.b.svc.x A 10.96.0.7"], origins=["Service b/web"]
)


def test_each_question_is_a_line_and_the_last_one_says_what_hit() -> None:
    traced = TraceNameResponse(server="10.96.0.10", steps=[MISS, HIT], found=True)
    assert report("web.b", traced).splitlines() == [
        "web.b.a.svc.x   NXDOMAIN   -                         -",
        "web.b.svc.x     NOERROR    web.b.svc.x A 10.96.0.7   Service b/web",
        "found by the search path's svc.x, asked of 10.96.0.10",
    ]


def test_a_name_that_was_found_as_it_is_and_one_that_was_not() -> None:
    as_it_is = NameStep(question="web.b", outcome="NOERROR", answers=["web.b A 192.0.2.1"])
    found = TraceNameResponse(server="10.96.0.10", steps=[as_it_is], found=True)
    assert report("web.b.", found).splitlines()[-1] == "found as it is, asked of 10.96.0.10"
    assert report("web.b", TraceNameResponse(server="192.0.2.1", steps=[MISS])).splitlines()[-1] == (
        "not found, asked of 192.0.2.1"
    )


def test_json_has_all_that_was_asked_and_answered() -> None:
    traced = TraceNameResponse(server="10.96.0.10", searches=["b.svc.x", "svc.x"], steps=[MISS, HIT], found=True)
    told = json.loads(name._json("web.b", traced))
    assert (told["name"], told["trace"]["server"], told["trace"]["found"]) == ("web.b", "10.96.0.10", True)
    assert [step["outcome"] for step in told["trace"]["steps"]] == ["NXDOMAIN", "NOERROR"]
    assert told["trace"]["steps"][1]["origins"] == ["Service b/web"]
