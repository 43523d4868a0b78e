"""Evictions in Kubernetes' words."""

from __future__ import annotations

from node.kubelet.eviction import messages
from node.kubelet.eviction.ranking import ContainerUse
from node.kubelet.eviction.signals import IMAGEFS, MEMORY, PID, Level
from node.kubelet.eviction.thresholds import Threshold

MIB = 1 << 20


def test_who_used_more_than_it_asked_for_is_named() -> None:
    uses = [
        ContainerUse("web", 300 * MIB),
        ContainerUse("log", 10 * MIB, 20 * MIB),
        ContainerUse("db", 65 * MIB, 64 * MIB),
    ]
    assert messages.node_was_low(Threshold(MEMORY, "100Mi"), Level(51_200 * 1024 + 7, 8 << 30), uses) == (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
        "Container web was using 300Mi, request is 0, has larger consumption of memory. "
        "Container db was using 65Mi, request is 64Mi, has larger consumption of memory. "
    )


def test_of_the_disk_the_share_is_told_in_bytes() -> None:
    assert messages.node_was_low(Threshold(IMAGEFS, "15%"), Level(90_000, 1_000_001), []) == (
        "The node was low on resource: ephemeral-storage. Threshold quantity: 150000, available: 87Ki. "
    )


def test_of_processes_no_container_is_named() -> None:
    said = messages.node_was_low(Threshold(PID, "1000"), Level(12, 32768), [ContainerUse("web", 900)])
    assert said == "The node was low on resource: pids. Threshold quantity: 1k, available: 12. "
