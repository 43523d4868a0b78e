"""What users' own plugins make of objects, and what becomes of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.registry import WritableRegistry, registry_of

from master.apiserver.admission.plugin import AdmissionRequest, MutatingPlugin, Plugin
from master.apiserver.admission.write import Operation
from master.apiserver.watchcache.cache import Cache
from podlab.api.kinds import Kind
from podlab.core.v1 import config_pb2, namespace_pb2, pod_pb2
from podlab.errors import BadRequest, Invalid
from podlab.meta.v1 import meta_pb2

Change = Callable[[Any], None]


class Changing(MutatingPlugin):
    """Changes objects of one kind, the first time or each time that it is asked."""

    name = "Changing"

    def __init__(self, kind: str, change: Change) -> None:
        self._kind = kind
        self._change = change
        self.asked: list[bool] = []

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        return kind.name == self._kind

    def concerns(self, request: AdmissionRequest) -> bool:
        return request.write.operation is not Operation.DELETE

    async def mutate(self, request: AdmissionRequest) -> None:
        self.asked.append(request.reinvocation.is_second)
        if not request.reinvocation.is_second:
            self._change(request.new)
            request.reinvocation.wanted = True


class Noting(Plugin):
    """Notes the labels of what it completes."""

    name = "Noting"

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        return kind.name == "ConfigMap"

    async def mutate(self, request: AdmissionRequest) -> None:
        self.seen.append(dict(request.new_as(config_pb2.ConfigMap).metadata.labels))


def config_map(name: str = "a", **data: str) -> config_pb2.ConfigMap:
    return config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name=name, namespace="default"), data=data)


async def registry_with(cache: Cache, *plugins: Plugin) -> WritableRegistry:
    made = registry_of(cache, *plugins)
    await made.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="default")))
    return made


async def read(registry: WritableRegistry, kind: str, name: str) -> Any:
    return (await registry.get(builtin_kinds.named(kind), "default", name)).whole()


async def test_who_completes_objects_is_asked_again_once_users_have_changed_one(cache: Cache) -> None:
    def label(new: Any) -> None:
        new.metadata.labels["by"] = "users"

    noting, changing = Noting(), Changing("ConfigMap", label)
    registry = await registry_with(cache, noting, changing)
    await registry.create(config_map())
    assert noting.seen == [{}, {"by": "users"}]
    assert changing.asked == [False, True]
    assert (await read(registry, "ConfigMap", "a")).metadata.labels == {"by": "users"}


async def test_what_only_the_cluster_sets_stays_as_it_is_set(cache: Cache) -> None:
    def pretend(new: Any) -> None:
        new.metadata.uid = "mine"
        new.metadata.resourceVersion = "7"
        new.metadata.creationTimestamp.seconds = 5
        new.metadata.deletionTimestamp.seconds = 5
        new.status.phase = "Failed"
        new.spec.containers.add(name="more", image="nginx")

    registry = await registry_with(cache, Changing("Pod", pretend))
    sent = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name="p", namespace="default"))
    sent.spec.containers.add(name="c", image="nginx")
    await registry.create(sent)
    stored = await read(registry, "Pod", "p")
    assert len(stored.metadata.uid) == 36
    assert stored.metadata.creationTimestamp.seconds > 5
    assert not stored.metadata.HasField("deletionTimestamp")
    assert stored.status.phase == "Pending"
    assert [one.imagePullPolicy for one in stored.spec.containers] == ["Always", "Always"]  # defaults are set again


async def test_a_new_object_may_get_another_name_but_no_other_namespace(cache: Cache) -> None:
    def rename(new: Any) -> None:
        new.metadata.name += "-1"
        new.metadata.namespace = new.metadata.annotations.get("to", new.metadata.namespace)

    registry = await registry_with(cache, Changing("ConfigMap", rename))
    await registry.create(config_map())
    assert (await read(registry, "ConfigMap", "a-1")).metadata.name == "a-1"
    moved = config_map("b")
    moved.metadata.annotations["to"] = "elsewhere"
    with pytest.raises(BadRequest, match="the namespace of the provided object does not match the namespace sent"):
        await registry.create(moved)


async def test_an_object_that_is_there_keeps_its_name_and_uid(cache: Cache) -> None:
    def pretend(new: Any) -> None:
        if "old" not in new.data:
            new.metadata.uid, new.metadata.name = "mine", "other"

    registry = await registry_with(cache, Changing("ConfigMap", pretend))
    await registry.create(config_map(old="1"))
    with pytest.raises(Invalid) as refused:
        await registry.update(config_map(new="1"))
    assert {cause.field for cause in refused.value.causes} == {"metadata.name", "metadata.uid"}


async def test_a_write_of_a_status_changes_nothing_else_whatever_users_make_of_it(cache: Cache) -> None:
    def widen(new: Any) -> None:
        new.spec.priority = 7
        new.status.message = "changed"

    changing = Changing("Pod", widen)
    registry = await registry_with(cache)
    sent = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name="p", namespace="default"))
    sent.spec.containers.add(name="c", image="nginx")
    await registry.create(sent)
    changed = registry_of(cache, changing)
    await changed.update_status(await read(registry, "Pod", "p"))
    stored = await read(registry, "Pod", "p")
    assert stored.status.message == "changed"
    assert stored.spec.priority == 0
