from podlab.api.values import times
from podlab.kinds.validation.conditions import check_conditions
from podlab.kinds.validation.findings import Findings
from podlab.meta.v1.meta_pb2 import Condition


def found_in(*conditions: Condition) -> list[str]:
    found = Findings()
    check_conditions(found, "c", conditions)
    return [str(cause).partition(": ")[0] for cause in found.causes]


def test_a_condition_has_a_type_a_status_a_time_and_a_reason() -> None:
    good = Condition(type="Ready", status="True", reason="ItIs", lastTransitionTime=times.now())
    assert found_in(good) == []
    assert found_in(good, good) == ["c[1].type"]
    bare = Condition()
    assert {*found_in(bare)} == {"c[0].type", "c[0].status", "c[0].lastTransitionTime", "c[0].reason"}
    wrong = Condition(type="Ready", status="True", reason="not one word", lastTransitionTime=times.now())
    wrong.message, wrong.observedGeneration = "m" * ((32 << 10) + 1), -1
    assert found_in(wrong) == ["c[0].observedGeneration", "c[0].reason", "c[0].message"]
