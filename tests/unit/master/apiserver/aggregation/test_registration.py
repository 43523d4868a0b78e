"""Which APIServices the server keeps, and when it leaves one alone."""

from __future__ import annotations

from podlab_testing import builtin_kinds

from master.apiserver.aggregation import availability, registration
from podlab.apiregistration.v1.apiservice_pb2 import APIService
from podlab.meta.v1.meta_pb2 import Time

WANTED = registration.wanted(builtin_kinds.CATALOG)
APPS = WANTED["v1.apps"]


def changed(label: str = "onstart", priority: int = 7) -> APIService:
    made = APIService(metadata={"name": "v1.apps", "labels": {registration.MANAGED: label} if label else {}})
    made.spec.CopyFrom(APPS.spec)
    made.spec.groupPriorityMinimum = priority
    return made


def test_there_is_one_for_each_group_version_but_that_of_apiservices() -> None:
    assert {"v1.", "v1.apps", "v1.autoscaling", "v2.autoscaling", "v1beta1.metrics.k8s.io"} <= WANTED.keys()
    assert "v1.apiregistration.k8s.io" not in WANTED


def test_they_are_marked_as_the_servers_but_for_the_metrics_api() -> None:
    assert registration.is_managed(APPS)
    assert not registration.is_managed(WANTED["v1beta1.metrics.k8s.io"])


def test_all_of_them_are_valid() -> None:
    assert [builtin_kinds.validate_create(one) for one in WANTED.values() if builtin_kinds.validate_create(one)] == []


def test_what_is_the_servers_is_put_right() -> None:
    for label in ("onstart", "true"):
        assert registration.corrected(changed(label), APPS).spec == APPS.spec


def test_what_somebody_else_keeps_is_left_alone() -> None:
    for label in ("", "no"):
        found = changed(label)
        assert registration.corrected(found, APPS) is found


def test_what_is_right_is_left_alone() -> None:
    found = changed(priority=APPS.spec.groupPriorityMinimum)
    assert registration.corrected(found, APPS) is found


def test_a_condition_is_told_once_and_keeps_its_time_while_its_status_stays() -> None:
    first = registration.told(APPS, availability.failed("no answer", Time(seconds=1)))
    assert registration.told(first, availability.failed("no answer", Time(seconds=2))) is first
    second = registration.told(first, availability.failed("another reason", Time(seconds=2)))
    assert [one.lastTransitionTime.seconds for one in second.status.conditions] == [1]
    third = registration.told(second, availability.passed(Time(seconds=3)))
    assert [(one.reason, one.lastTransitionTime.seconds) for one in third.status.conditions] == [("Passed", 3)]
    assert (registration.is_available(second), registration.is_available(third)) == (False, True)
    assert not APPS.status.conditions
