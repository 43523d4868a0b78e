"""The kubelet's control groups of pods and their classes."""

from __future__ import annotations

from podlab_testing.kubelet_pods import Json, make_pod

from node.kubelet.cgroups.groups import Groups, Hierarchy
from node.kubelet.cgroups.layout import GroupLimits
from node.kubelet.cgroups.pod_cgroups import PodCgroups
from podlab.core.v1 import pod_pb2

MIB = 1 << 20
NODE = GroupLimits(2048, 0, 512 * MIB)


def _pod(uid: str, cpu: str, memory: str) -> pod_pb2.Pod:
    resources: Json = {"requests": {"cpu": cpu}, "limits": {"memory": memory}}
    return make_pod(meta={"uid": uid}, containers=[{"name": "web", "image": "i", "resources": resources}])


def _shares(groups: Groups, group: str) -> str:
    told = groups.limits(group)
    return told.get("cpu.shares") or told["cpu.weight"]


def _memory(groups: Groups, group: str) -> int:
    told = groups.limits(group)
    return int(told.get("memory.limit_in_bytes") or told["memory.max"])


async def test_classes_share_processors_as_their_pods_ask(hierarchies: tuple[Hierarchy, ...]) -> None:
    groups = Groups(hierarchies)
    cgroups = PodCgroups(groups, NODE)
    await cgroups.admit(_pod("a", "500m", "32Mi"))
    alone = _shares(groups, "/kubepods/burstable")
    await cgroups.admit(_pod("b", "1", "32Mi"))
    assert int(_shares(groups, "/kubepods/burstable")) > int(alone)
    assert _memory(groups, "/kubepods") == 512 * MIB
    assert _memory(groups, "/kubepods/burstable/podb") == 32 * MIB
    await cgroups.remove("b")
    await cgroups.remove("b")
    assert _shares(groups, "/kubepods/burstable") == alone
    assert groups.limits("/kubepods/burstable/podb") == {}


async def test_a_pod_that_is_resized_has_room_first(hierarchies: tuple[Hierarchy, ...]) -> None:
    groups = Groups(hierarchies)
    cgroups = PodCgroups(groups, NODE)
    before, after = _pod("a", "500m", "64Mi"), _pod("a", "1", "32Mi")
    await cgroups.admit(before)
    assert cgroups.is_set(before)
    assert not cgroups.is_set(after)
    await cgroups.widen(after)
    assert _memory(groups, "/kubepods/burstable/poda") == 64 * MIB
    assert not cgroups.is_set(after)
    await cgroups.admit(after)
    assert _memory(groups, "/kubepods/burstable/poda") == 32 * MIB
    assert cgroups.is_set(after)


async def test_another_run_of_the_kubelet_finds_what_is_set(hierarchies: tuple[Hierarchy, ...]) -> None:
    groups = Groups(hierarchies)
    await PodCgroups(groups, NODE).admit(_pod("a", "500m", "64Mi"))
    restarted = PodCgroups(groups, NODE)
    assert not restarted.is_set(_pod("a", "500m", "32Mi"))
    assert restarted.is_set(_pod("a", "500m", "64Mi"))
    assert await restarted.memory_used(_pod("a", "500m", "64Mi")) == 0


async def test_pods_of_releases_that_made_no_groups_are_as_they_were(hierarchies: tuple[Hierarchy, ...]) -> None:
    cgroups = PodCgroups(Groups(hierarchies), NODE)
    assert cgroups.is_set(_pod("a", "500m", "64Mi"))
