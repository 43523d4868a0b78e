"""Where pods are among the control groups, and what each of these may use."""

from __future__ import annotations

import pytest
from podlab_testing.kubelet_pods import Json, make_pod

from node.kubelet.cgroups import layout
from node.kubelet.cgroups.layout import GroupLimits
from podlab.core.v1 import pod_pb2
from podlab.settings import SettingsError

MIB = 1 << 20
FULL = {"limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"cpu": "500m", "memory": "64Mi"}}
SOME = {"requests": {"cpu": "250m"}, "limits": {"memory": "32Mi"}}


def _pod(*resources: Json, **spec: object) -> pod_pb2.Pod:
    containers = [{"name": f"c{at}", "image": "i", "resources": each} for at, each in enumerate(resources)]
    return make_pod(containers=containers, **spec)


@pytest.mark.parametrize(
    ("pod", "path", "limits"),
    [
        (_pod({}), "/kubepods/besteffort/podu1", GroupLimits(2)),
        (_pod(FULL, FULL), "/kubepods/podu1", GroupLimits(1024, 100_000, 128 * MIB)),
        (_pod(SOME, SOME), "/kubepods/burstable/podu1", GroupLimits(512, 0, 64 * MIB)),
        (_pod(SOME, {}), "/kubepods/burstable/podu1", GroupLimits(256)),  # who has no limit has what is there
        (_pod(FULL, overhead={"cpu": "250m", "memory": "8Mi"}), "/kubepods/podu1", GroupLimits(768, 75_000, 72 * MIB)),
        (_pod({}, {}, resources=FULL), "/kubepods/podu1", GroupLimits(512, 50_000, 64 * MIB)),
        (_pod(SOME, {}, resources={"limits": {"cpu": "1"}, "requests": {"cpu": "300m"}}),
         "/kubepods/burstable/podu1", GroupLimits(307, 100_000, 0)),
    ],
)  # fmt: skip
def test_a_pods_group_is_that_of_its_class_and_bounds_what_is_bounded(
    pod: pod_pb2.Pod, path: str, limits: GroupLimits
) -> None:
    assert (layout.path(pod), layout.of_pod(pod)) == (path, limits)


def test_burstable_pods_have_as_much_of_the_processors_as_they_ask_for() -> None:
    assert layout.of_burstable([_pod(SOME), _pod(FULL), _pod({}), _pod(SOME)]) == GroupLimits(512)
    assert layout.of_burstable([]) == GroupLimits(2)


def test_all_pods_together_have_what_the_node_offers() -> None:
    offered = _pod({"limits": {"cpu": "1500m", "memory": "2Gi"}}).spec.containers[0].resources.limits
    assert layout.of_node(offered) == GroupLimits(1536, 0, 2048 * MIB)


@pytest.mark.parametrize(
    ("limits", "v1", "v2"),
    [
        (GroupLimits(2), ("2", "-1", "-1"), ("1", "max 100000", "max")),
        (GroupLimits(1024, 50_000, MIB), ("1024", "50000", str(MIB)), ("39", "50000 100000", str(MIB))),
        (GroupLimits(1 << 18), ("262144", "-1", "-1"), ("10000", "max 100000", "max")),
    ],
)
def test_both_versions_of_cgroups_are_told(limits: GroupLimits, v1: tuple[str, ...], v2: tuple[str, ...]) -> None:
    told = layout.settings(limits, unified=False)
    assert (told["cpu.shares"], told["cpu.cfs_quota_us"], told["memory.limit_in_bytes"]) == v1
    assert tuple(layout.settings(limits, unified=True).values()) == v2


@pytest.mark.parametrize(
    ("setting", "unified", "whole"),
    [(None, True, True), (None, False, False), (True, True, False), (True, False, False), (False, True, True)],
)
def test_a_container_ends_as_a_whole_unless_it_is_told_not_to(
    *, setting: bool | None, unified: bool, whole: bool
) -> None:
    assert layout.oom_group(setting, unified=unified) is whole


def test_what_the_kernel_cannot_do_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"single_process_oom_kill: false needs cgroup v2"):
        layout.oom_group(single_process_oom_kill=False, unified=False)


def test_a_group_that_changes_has_room_for_before_and_after() -> None:
    assert layout.widest(GroupLimits(5, 10, 0), GroupLimits(7, 8, 9)) == GroupLimits(7, 10, 0)
