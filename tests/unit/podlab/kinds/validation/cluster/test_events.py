"""Events of old, and those of events.k8s.io."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.sample_objects import sample

from podlab.api import kinds
from podlab.api.conversion import versions
from podlab.core.v1 import event_pb2 as core
from podlab.events.v1 import event_pb2 as events
from podlab.kinds.validation import rules

VERSION = builtin_kinds.of(kinds.of(core.Event)).version(kinds.of(events.Event))
assert VERSION is not None
assert VERSION.load_rules is not None
STRICT = VERSION.load_rules()


def of_old(**changes: Any) -> Any:
    return sample(kinds.of(core.Event), changes)


def strict(**changes: Any) -> Any:
    return versions.stored(sample(kinds.of(events.Event), changes))


NEW = {
    "eventTime": "2030-01-01T00:00:00.000000Z",
    "reportingComponent": "x",
    "reportingInstance": "x-1",
    "action": "Looking",
    "reason": "Looked",
}
ELSEWHERE = {"involvedObject": {"namespace": "other"}}
BAD = [
    (of_old(**ELSEWHERE), "involvedObject.namespace: Invalid value"),
    (of_old(**{**NEW, "action": ""}), "action: Required value"),
    (of_old(**{**NEW, "reportingComponent": ""}), "reportingComponent: Required value"),
    (of_old(**{**NEW, "reason": "x" * 129}), 'reason: Invalid value: "": can have at most 128 characters'),
    (of_old(**{**NEW, "message": "x" * 1025}), 'message: Invalid value: "": can have at most 1024 characters'),
]


@pytest.mark.parametrize(("given", "told"), BAD, ids=[told for _, told in BAD])
def test_what_is_wrong_with_an_event_of_the_core_group_is_told(given: Any, told: str) -> None:
    causes = [str(cause) for cause in builtin_kinds.validate_create(given)]
    assert [each for each in causes if told in each], causes


def test_an_event_that_says_its_time_may_be_about_an_object_elsewhere() -> None:
    assert builtin_kinds.validate_create(of_old(**NEW, **ELSEWHERE)) == ()


STRICTLY = [
    (strict(eventTime=None), "eventTime: Required value"),
    (strict(type="Odd"), 'type: Invalid value: "": has invalid value: Odd'),
    (strict(reportingController=""), "reportingController: Required value"),
    (strict(series={"count": 1, "lastObservedTime": None}), 'series.count: Invalid value: "": should be at least 2'),
    (strict(deprecatedCount=1), 'count: Invalid value: "": needs to be unset'),
    (strict(deprecatedFirstTimestamp="2030-01-01T00:00:00Z"), "firstTimestamp: Invalid value"),
    (strict(deprecatedSource={"component": "x"}), "source: Invalid value"),
]


@pytest.mark.parametrize(("given", "told"), STRICTLY, ids=[told for _, told in STRICTLY])
def test_what_is_wrong_with_a_new_event_of_its_own_group_is_told(given: Any, told: str) -> None:
    causes = [str(cause) for cause in rules.validate_create(STRICT, given, namespaced=True)]
    assert [each for each in causes if told in each], causes


def test_only_the_series_of_an_event_goes_on() -> None:
    series = {"count": 2, "lastObservedTime": "2030-01-01T00:00:01.000000Z"}
    assert rules.validate_update(STRICT, strict(series=series), strict(), namespaced=True) == ()
    causes = rules.validate_update(STRICT, strict(note="other", action="Other"), strict(), namespaced=True)
    changed = [cause.field for cause in causes]
    assert changed == ["message", "action"]
