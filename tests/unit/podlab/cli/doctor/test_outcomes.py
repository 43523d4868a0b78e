from podlab.cli.doctor.legs import AGENT, EGRESS, UNTRIED, Checked, NetworkLeg
from podlab.cli.doctor.outcomes import Outcomes

LEG = NetworkLeg(EGRESS, "a", "192.0.2.1:443", "192.0.2.1", 443)


def test_who_has_not_been_heard_of_and_what_has_no_outcome_was_not_tried() -> None:
    outcomes = Outcomes(["a", "b", "c"])
    outcomes.opened("a")
    outcomes.failed("b", "connection refused")
    outcomes.planned([LEG])
    told = {each.leg.source: (each.leg.kind, each.outcome, each.detail) for each in outcomes.agents()}
    assert told == {"b": (AGENT, "failed", "connection refused"), "c": (AGENT, UNTRIED, "")}
    assert outcomes.legs() == [Checked(LEG, UNTRIED)]


def test_an_outcome_takes_the_place_of_the_plan() -> None:
    outcomes = Outcomes(["a"])
    outcomes.planned([LEG])
    outcomes.tried(Checked(LEG, "answered", seconds=0.1))
    assert [each.outcome for each in outcomes.legs()] == ["answered"]
