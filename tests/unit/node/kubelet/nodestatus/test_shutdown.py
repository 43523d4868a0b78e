"""Which pods end when, as their host shuts down."""

from __future__ import annotations

import pytest
from podlab_testing.kubelet_pods import make_pod

from node.kubelet.nodestatus import shutdown
from node.kubelet.settings import ShutdownPriority, ShutdownSettings
from podlab.settings import SettingsError

PODS = [
    make_pod(meta={"name": name}, priority=priority, terminationGracePeriodSeconds=15)
    for name, priority in (("critical", 2_000_000_000), ("usual", 0), ("important", 1000), ("minor", -5))
]


def _order(settings: ShutdownSettings) -> list[tuple[int, list[str]]]:
    found = shutdown.groups(PODS, shutdown.classes(settings))
    return [(group.grace_period_s, [pod.metadata.name for pod in group.pods]) for group in found]


def test_critical_pods_end_last_and_in_the_last_part_of_the_time() -> None:
    assert _order(ShutdownSettings(30, 10)) == [(20, ["usual", "important", "minor"]), (10, ["critical"])]


def test_classes_end_by_rising_priority_and_who_is_below_all_with_the_lowest() -> None:
    classes = (ShutdownPriority(1000, 60), ShutdownPriority(0, 5))
    assert _order(ShutdownSettings(by_priority=classes)) == [(5, ["usual", "minor"]), (60, ["critical", "important"])]


def test_a_pod_gets_no_more_than_it_asked_for() -> None:
    first, last = shutdown.groups(PODS, shutdown.classes(ShutdownSettings(30, 10)))
    assert shutdown.grace_s(first, first.pods[0]) == 15
    assert shutdown.grace_s(last, last.pods[0]) == 10


def test_without_a_time_nothing_is_waited_for() -> None:
    assert shutdown.classes(ShutdownSettings()) == ()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (ShutdownSettings(10, 20), "20 is a part of grace_period_s"),
        (ShutdownSettings(10, 0, (ShutdownPriority(0, 1),)), "in place of"),
    ],
)
def test_times_that_contradict_each_other_are_refused(settings: ShutdownSettings, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        shutdown.classes(settings)
