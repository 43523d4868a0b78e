"""When a node is under pressure, over time."""

from __future__ import annotations

import pytest

from node.kubelet.eviction import thresholds
from node.kubelet.eviction.signals import MEMORY, NODEFS, PID, Level, Levels
from node.kubelet.eviction.thresholds import Pressure, Threshold
from node.kubelet.settings import EvictionSettings
from podlab.settings import SettingsError

GIB = 1 << 30
HARD = Threshold(MEMORY, "1Gi", min_reclaim="1Gi")
SOFT = Threshold(MEMORY, "3Gi", grace_s=60)
DISK = Threshold(NODEFS, "10%")


def _memory(gib: float) -> Levels:
    return {MEMORY: Level(int(gib * GIB), 8 * GIB)}


def _over(steps: list[tuple[float, Levels]], *wanted: Threshold, transition_s: float = 300) -> Pressure:
    found = Pressure()
    for now, levels in steps:
        found = thresholds.step(found, wanted, levels, now, transition_s)
    return found


def test_where_enough_is_left_nothing_is_found() -> None:
    assert _over([(0, _memory(4))], HARD, SOFT) == Pressure()


def test_a_hard_threshold_is_due_at_once() -> None:
    found = _over([(0, _memory(0.5))], HARD)
    assert found.due == (HARD,)
    assert set(found.seen) == {"MemoryPressure"}


def test_a_soft_threshold_is_due_when_it_was_met_all_through_its_grace() -> None:
    low, high = _memory(2), _memory(5)
    assert _over([(0, low), (59, low)], SOFT).due == ()
    assert _over([(0, low), (59, low), (60, low)], SOFT).due == (SOFT,)
    assert _over([(0, low), (30, high), (31, low), (60, low)], SOFT).due == (), "it has been met since 31 s only"
    assert set(_over([(0, low)], SOFT).seen) == {"MemoryPressure"}, "the condition does not wait for the grace"


def test_what_was_due_stays_so_until_the_minimum_is_reclaimed() -> None:
    assert _over([(0, _memory(0.5)), (10, _memory(1.5))], HARD).due == (HARD,)
    assert _over([(0, _memory(0.5)), (10, _memory(2.0))], HARD).due == ()
    assert _over([(0, _memory(1.5))], HARD).due == (), "who was not short need not reclaim"


def test_a_condition_outlives_its_cause_by_the_transition_period() -> None:
    steps = [(0.0, _memory(0.5)), (10.0, _memory(4))]
    assert set(_over([*steps, (299.0, _memory(4))], HARD).seen) == {"MemoryPressure"}
    assert not _over([*steps, (301.0, _memory(4))], HARD).seen


def test_memory_is_seen_to_before_the_disk() -> None:
    levels = {NODEFS: Level(1, 100), **_memory(0.5)}
    assert _over([(0, levels)], DISK, HARD).due == (HARD, DISK)


def test_a_signal_that_cannot_be_read_says_nothing() -> None:
    assert _over([(0, _memory(0.5))], DISK) == Pressure()


@pytest.mark.parametrize(("text", "amount"), [("10%", 100), ("0.5%", 5), ("1Ki", 1024), ("0", 0)])
def test_an_amount_is_a_quantity_or_a_share(text: str, amount: int) -> None:
    assert thresholds.amount_of(text, 1000) == amount


def test_the_defaults_are_kubernetes_and_process_ids() -> None:
    found = {each.signal: each.amount for each in thresholds.of_settings(EvictionSettings())}
    assert found[MEMORY] == "100Mi"
    assert found[NODEFS] == "10%"
    assert found[PID] == "1000"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (EvictionSettings(hard={"memory.free": "1Gi"}), "'memory.free' is no signal; known ones are memory.available"),
        (EvictionSettings(hard={MEMORY: "much"}), "much"),
        (EvictionSettings(hard={MEMORY: "101%"}), "'101%' is not between 0% and 100%"),
        (EvictionSettings(hard={MEMORY: "-1"}), "'-1' is negative"),
        (EvictionSettings(soft={MEMORY: "1Gi"}), "a soft threshold needs a grace period above 0"),
    ],
)
def test_a_threshold_that_is_none_is_refused_by_name(settings: EvictionSettings, words: str) -> None:
    with pytest.raises(SettingsError, match="eviction") as caught:
        thresholds.of_settings(settings)
    assert words in str(caught.value)
