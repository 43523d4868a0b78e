"""The loop that keeps a node alive: what it does about what it finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from podlab_testing.kubelet_pods import make_pod

from node.kubelet.eviction.pressure import EvictionEffects, NodePressure
from node.kubelet.eviction.ranking import ContainerUse, PodUse
from node.kubelet.eviction.signals import IMAGEFS, MEMORY, Level, Levels
from node.kubelet.pod.pod_outcome import PodOutcome
from node.kubelet.settings import EvictionSettings
from podlab.core.v1 import pod_pb2

ENOUGH: Levels = {MEMORY: Level(500, 1000), IMAGEFS: Level(500, 1000)}


@dataclass
class Node:
    """A node whose levels are set, and what was done about them."""

    levels: Levels = field(default_factory=lambda: dict(ENOUGH))
    after_reclaim: Levels | None = None
    ended: list[tuple[str, PodOutcome, int | None]] = field(default_factory=list)
    told: list[tuple[str, str, str]] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    changes: int = 0

    async def read(self) -> Levels:
        return self.levels

    async def reclaim(self) -> None:
        self.levels = self.levels if self.after_reclaim is None else self.after_reclaim

    def changed(self) -> None:
        self.changes += 1

    @property
    def effects(self) -> EvictionEffects:
        pods = [
            make_pod(meta={"name": name, "uid": name}, terminationGracePeriodSeconds=30) for name in ("small", "large")
        ]
        return EvictionEffects(
            pods=lambda: pods,
            end=lambda uid, outcome, grace_s: self.ended.append((uid, outcome, grace_s)),
            is_gone=lambda uid: True,
            reclaim=(self.reclaim,),
            tell=lambda *told: self.told.append(told),
            count=self.counted.append,
        )


class Uses:
    """The large pod uses more."""

    async def read(self, pods: Iterable[pod_pb2.Pod], resource: str) -> list[PodUse]:
        used = {"small": 10, "large": 2048}
        return [
            PodUse(pod, used[pod.metadata.name], containers=(ContainerUse("web", used[pod.metadata.name]),))
            for pod in pods
        ]


@pytest.fixture
def node() -> Node:
    return Node()


def _pressure(node: Node, **settings: object) -> NodePressure:
    wanted = {"hard": {MEMORY: "100", IMAGEFS: "100"}, **settings}
    made = NodePressure(EvictionSettings(**wanted), node, Uses())  # type: ignore[arg-type]
    made.on_change(node.changed)
    return made


async def test_where_enough_is_left_nothing_is_done(node: Node) -> None:
    pressure = _pressure(node)
    assert await pressure.sync(node.effects) == ""
    assert (node.ended, node.told, pressure.conditions) == ([], [], frozenset())


async def test_one_pod_is_evicted_and_says_why_and_the_node_does_too(node: Node) -> None:
    pressure = _pressure(node)
    node.levels = {**ENOUGH, MEMORY: Level(50, 1000)}
    assert await pressure.sync(node.effects) == "large"
    ((uid, outcome, grace_s),) = node.ended
    assert (uid, outcome.phase, outcome.reason, grace_s) == ("large", "Failed", "Evicted", 1)
    assert outcome.message.startswith("The node was low on resource: memory. Threshold quantity: 100, available: 0. ")
    assert "Container web was using 2Ki, request is 0, has larger consumption of memory. " in outcome.message
    assert outcome.disrupts
    assert node.told == [("Warning", "EvictionThresholdMet", "Attempting to reclaim memory")]
    assert pressure.conditions == {"MemoryPressure"}
    assert node.changes == 1
    assert node.counted == [MEMORY]


async def test_of_the_disk_what_nobody_needs_goes_first(node: Node) -> None:
    node.levels, node.after_reclaim = {**ENOUGH, IMAGEFS: Level(50, 1000)}, ENOUGH
    pressure = _pressure(node)
    assert await pressure.sync(node.effects) == ""
    assert node.ended == []
    assert node.told == [("Warning", "EvictionThresholdMet", "Attempting to reclaim ephemeral-storage")]
    assert pressure.conditions == {"DiskPressure"}, "for the transition period"


async def test_when_that_is_not_enough_a_pod_goes_too(node: Node) -> None:
    node.levels, node.after_reclaim = {**ENOUGH, IMAGEFS: Level(50, 1000)}, {**ENOUGH, IMAGEFS: Level(99, 1000)}
    assert await _pressure(node).sync(node.effects) == "large"


async def test_a_soft_threshold_gives_no_more_than_the_pod_asked_for(node: Node) -> None:
    node.levels = {MEMORY: Level(50, 1000)}
    soft = {"hard": {}, "soft": {MEMORY: "100"}, "soft_grace_period_s": {MEMORY: 1e-9}}
    for most, given in ((60, 30), (7, 7)):
        pressure = _pressure(node, **soft, max_pod_grace_period_s=most)
        await pressure.sync(node.effects)
        await pressure.sync(node.effects)
        assert node.ended[-1][2] == given
