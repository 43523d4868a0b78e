"""Kubernetes' conformance tests of nodes that need no real container, step by step (docs/conformance.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.memory_node import MemoryKubelet, Until

from node.kubelet.pod import restart_backoff
from podlab.api.objects import condition
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2
from podlab.errors import Conflict

IMAGE, ANOTHER = "podlab.local/hello:1.0", "podlab.local/hello:2.0"
INITIALIZING = "PodInitializing"
Change = Callable[[pod_pb2.Pod], None]


async def _create(admin: Client, *, inits: tuple[str, ...] = (), generation: int = 0, **spec: object) -> pod_pb2.Pod:
    containers = {"containers": [{"name": "run", "image": IMAGE}], "terminationGracePeriodSeconds": 1}
    before = {"initContainers": [{"name": name, "image": IMAGE} for name in inits]}
    about = {"name": "a", "namespace": "default", "generation": generation}
    whole = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": about,
        "spec": {"nodeName": "n1", **containers, **before, **spec},
    }
    made = builtin_kinds.read(whole)
    assert isinstance(made, pod_pb2.Pod)
    return await admin.create(made)


async def _update(admin: Client, change: Change) -> pod_pb2.Pod:
    """Against the kubelet, which writes too."""
    while True:
        found = await admin.get(pod_pb2.Pod, "a", "default")
        change(found)
        try:
            return await admin.update(found)
        except Conflict:
            continue


def _runs(pod: pod_pb2.Pod) -> bool:
    return pod.status.phase == "Running"


def _observed(generation: int) -> Callable[[pod_pb2.Pod], bool]:
    return lambda pod: pod.status.observedGeneration == generation


def _tolerate(pod: pod_pb2.Pod) -> None:
    pod.spec.tolerations.add(key="foo", operator="Equal", value="bar", effect="NoSchedule")


def _limit_time(pod: pod_pb2.Pod) -> None:
    pod.spec.activeDeadlineSeconds = 5000


def _shorten_time(pod: pod_pb2.Pod) -> None:
    pod.spec.activeDeadlineSeconds -= 1


def _change_image(pod: pod_pb2.Pod) -> None:
    pod.spec.containers[0].image = ANOTHER


def _change_init_image(pod: pod_pb2.Pod) -> None:
    pod.spec.initContainers[0].image = ANOTHER


def _annotate(pod: pod_pb2.Pod) -> None:
    pod.metadata.annotations["key"] = "value"


def _turn_back(pod: pod_pb2.Pod) -> None:
    pod.metadata.generation = 1


async def test_a_generation_counts_the_changes_of_a_spec_and_the_status_follows(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    kubelet.runtime.present.add(ANOTHER)
    made = await _create(admin, inits=("init",))
    await until("a", lambda pod: pod.status.initContainerStatuses and pod.status.initContainerStatuses[0].started)
    kubelet.runtime.end("init", 0)
    await until("a", _runs)
    generation = made.metadata.generation
    assert generation == 1
    changes: tuple[tuple[Change, int], ...] = (
        (lambda _: None, 0),
        (_tolerate, 1),
        (_limit_time, 1),
        (_change_image, 1),
        (_change_init_image, 1),
        (_annotate, 0),
        (_turn_back, 0),
    )
    for change, steps in changes:
        await _update(admin, change)
        generation += steps
        found = await until("a", _observed(generation))
        assert found.metadata.generation == generation


async def test_a_generation_that_a_client_gives_is_none_and_a_deletion_raises_it(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    made = await _create(admin, generation=100, terminationGracePeriodSeconds=30)
    assert made.metadata.generation == 1
    await until("a", _runs)
    await admin.delete(pod_pb2.Pod, "a", "default", grace_period_s=60)
    found = await until("a", lambda pod: pod is None or pod.metadata.HasField("deletionTimestamp"))
    assert (found.metadata.generation, found.metadata.deletionGracePeriodSeconds) == (2, 60)


async def test_five_hundred_changes_are_counted_and_followed(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    await _create(admin, activeDeadlineSeconds=5000)
    await until("a", _runs)
    for _ in range(499):
        await _update(admin, _shorten_time)
    found = await until("a", _observed(500))
    assert (found.metadata.generation, found.spec.activeDeadlineSeconds) == (500, 4501)


async def _states(admin: Client, made: pod_pb2.Pod) -> AsyncIterator[pod_pb2.Pod]:
    """The pod after each change that follows its creation."""
    async for batch in admin.watch(pod_pb2.Pod, made.metadata.resourceVersion, "default"):
        for change in batch:
            assert isinstance(change.object, pod_pb2.Pod)
            yield change.object


def _waits_for_inits(pod: pod_pb2.Pod) -> bool:
    """So that no container of the pod has begun."""
    return all(
        each.state.waiting.reason == INITIALIZING and not each.restartCount for each in pod.status.containerStatuses
    )


def _initialized(pod: pod_pb2.Pod) -> tuple[str, str, str]:
    found = condition(pod.status.conditions, "Initialized")
    assert found is not None
    return found.status, found.reason, found.message


async def test_what_prepares_a_pod_is_begun_again_and_nothing_after_it_is_begun(
    admin: Client, kubelet: MemoryKubelet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three failures, of a pod that restarts what ends, without the half minute that restarts put off take."""
    monkeypatch.setattr(restart_backoff, "FIRST_S", 0)
    made = await _create(admin, inits=("init1", "init2"))
    seen = made
    async with aclosing(_states(admin, made)) as states:
        async for seen in states:
            assert _waits_for_inits(seen)
            if len(seen.status.initContainerStatuses) != 2:
                continue
            first, second = seen.status.initContainerStatuses
            assert second.state.waiting.reason == INITIALIZING
            assert not first.state.HasField("terminated") or first.state.terminated.exitCode == 1
            if first.restartCount == 3:
                break
            if first.state.HasField("running"):
                kubelet.runtime.end("init1", 1)
    assert seen.status.initContainerStatuses[0].lastState.terminated.exitCode == 1
    assert seen.status.phase == "Pending"
    assert _initialized(seen) == (
        "False", "ContainersNotInitialized", "containers with incomplete status: [init1 init2]"
    )  # fmt: skip


async def test_a_pod_that_is_never_restarted_fails_with_what_prepares_it(admin: Client, kubelet: MemoryKubelet) -> None:
    made = await _create(admin, inits=("init1", "init2"), restartPolicy="Never")
    seen, ended = made, set()
    async with aclosing(_states(admin, made)) as states:
        async for seen in states:
            assert _waits_for_inits(seen)
            for each, code in zip(seen.status.initContainerStatuses, (0, 1), strict=False):
                waits = each.state.waiting.reason if each.state.HasField("waiting") else INITIALIZING
                assert waits == INITIALIZING
                if each.state.HasField("running") and each.name not in ended:
                    ended.add(each.name)
                    kubelet.runtime.end(each.name, code)
            if seen.status.phase == "Failed":
                break
    assert [each.state.terminated.exitCode for each in seen.status.initContainerStatuses] == [0, 1]
    assert seen.status.containerStatuses[0].state.HasField("waiting")
    assert _initialized(seen) == ("False", "ContainersNotInitialized", "containers with incomplete status: [init2]")
