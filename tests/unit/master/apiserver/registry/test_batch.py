"""Many objects in one request, each as if it had come alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.registry import ADMIN, BY_ADMIN, Refusing, WritableRegistry, asked_by, registry_of

from master.apiserver.admission.write import Write
from master.apiserver.registry.batch import write_each
from master.apiserver.registry.registry import Registry
from master.apiserver.rpc import writes
from master.apiserver.watchcache.cache import Cache
from podlab.api.objects import condition
from podlab.core.v1 import namespace_pb2, pod_pb2
from podlab.errors import ApiError, Conflict, Forbidden, NotFound
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2 as pb

MESSAGE = "default-scheduler: preempting to accommodate a higher priority pod"


@dataclass(frozen=True)
class Several:
    """Writes what a request with many objects says."""

    registry: Registry

    async def preempt(self, victims: Sequence[pb.Victim]) -> Sequence[ApiError | None]:
        return await write_each(self.registry, writes.preempt(pb.PreemptRequest(victims=victims), asked_by(ADMIN)))

    async def update_statuses(self, pods: Sequence[pod_pb2.Pod]) -> Sequence[ApiError | None]:
        return await write_each(self.registry, [Write.update_status(BY_ADMIN, pod) for pod in pods])


@pytest.fixture
async def several(registry: WritableRegistry) -> Several:
    await registry.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="default")))
    return Several(registry)


async def made(registry: WritableRegistry, name: str, grace_s: int = 30) -> pod_pb2.Pod:
    pod = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name=name, namespace="default"))
    pod.spec.containers.add(name="c", image="i")
    pod.spec.nodeName, pod.spec.terminationGracePeriodSeconds = "n1", grace_s
    await registry.create(pod)
    return await held(registry, name)


async def held(registry: WritableRegistry, name: str) -> Any:
    return (await registry.get(builtin_kinds.named("Pod"), "default", name)).message()


def victim(name: str, uid: str = "") -> pb.Victim:
    return pb.Victim(namespace="default", name=name, uid=uid, message=MESSAGE)


async def test_a_victim_goes_and_says_why(several: Several, registry: WritableRegistry) -> None:
    await made(registry, "a", grace_s=7)
    assert await several.preempt([victim("a")]) == [None]
    going = await held(registry, "a")
    assert going.metadata.deletionGracePeriodSeconds == 7
    told = condition(going.status.conditions, "DisruptionTarget")
    assert (told.status, told.reason, told.message) == ("True", "PreemptionByScheduler", MESSAGE)
    assert told.lastTransitionTime.seconds


async def test_one_that_goes_already_keeps_its_reason(several: Several, registry: WritableRegistry) -> None:
    await made(registry, "a")
    await registry.delete("Pod", "default", "a")
    assert await several.preempt([victim("a")]) == [None]
    assert condition((await held(registry, "a")).status.conditions, "DisruptionTarget") is None


async def test_one_without_a_grace_period_is_gone(several: Several, registry: WritableRegistry) -> None:
    await made(registry, "a", grace_s=0)
    await several.preempt([victim("a")])
    with pytest.raises(NotFound):
        await held(registry, "a")


async def test_each_victim_stands_alone(several: Several, registry: WritableRegistry, cache: Cache) -> None:
    for name in "abc":
        await made(registry, name)
    victims = [victim("a"), victim("missing"), victim("b", "another"), victim("c")]
    outcomes = await Several(registry_of(cache, Refusing("c"))).preempt(victims)
    assert [type(outcome) for outcome in outcomes] == [type(None), NotFound, Conflict, Forbidden]
    assert (await held(registry, "a")).metadata.HasField("deletionTimestamp")
    assert not (await held(registry, "b")).metadata.HasField("deletionTimestamp")
    assert not (await held(registry, "c")).metadata.HasField("deletionTimestamp")


async def test_each_status_stands_alone(several: Several, registry: WritableRegistry) -> None:
    pods = [await made(registry, name) for name in "abc"]
    for pod in pods:
        pod.status.message = "new"
    pods[1].metadata.resourceVersion = "1"
    pods[2].metadata.name = "missing"
    pods[0].spec.nodeName = "elsewhere"
    outcomes = await several.update_statuses(pods)
    assert [type(outcome) for outcome in outcomes] == [type(None), Conflict, NotFound]
    assert (await held(registry, "a")).status.message == "new"
    assert (await held(registry, "a")).spec.nodeName == "n1"
    assert (await held(registry, "b")).status.message == ""
