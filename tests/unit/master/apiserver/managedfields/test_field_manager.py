"""Who manages which fields after a write, by messages."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing import builtin_kinds, custom_kinds, random_messages, sample_objects

from master.apiserver.managedfields import entries, field_manager
from master.apiserver.managedfields.field_manager import AppliedConfiguration, FieldWriter
from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.apply.managers import Managers
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import BadRequest, Conflict
from podlab.kinds.custom.definition import resource_of
from podlab.kinds.resource import Resource

MAPS = kinds.of(ConfigMap)


def config_map(**data: str) -> ConfigMap:
    made = ConfigMap(data=data)
    made.metadata.name = "a"
    return made


def create(message: ConfigMap | Pod | Event, by: str = "me", now_s: int = 1) -> bytes:
    resource = builtin_kinds.resource(message)
    fields = field_manager.written_at_creation(message, resource, resource.kind)
    return field_manager.created(fields, FieldWriter(by, resource.kind), now_s)


def update(old: ConfigMap, new: ConfigMap, stored: bytes, by: str, now_s: int = 2) -> bytes:
    writer = FieldWriter(by, MAPS)
    return field_manager.updated(old, new, builtin_kinds.of(MAPS), stored=stored, sent=(), writer=writer, now_s=now_s)


def told(stored: bytes) -> dict[str, tuple[list[tuple[str, ...]], int | None]]:
    known: Managers = entries.read(stored)
    return {one.name: ([*managed.fields], managed.time_s) for one, managed in known.items()}


def test_new_objects_alike_share_what_is_stored() -> None:
    assert create(config_map(x="1")) is create(config_map(x="2"))
    assert create(config_map(x="1")) != create(config_map(y="1"))
    assert create(config_map(x="1"), now_s=2) != create(config_map(x="1"))
    assert create(config_map(x="1"), by="you") != create(config_map(x="1"))


def test_an_update_by_its_manager_renews_its_time_alone() -> None:
    stored = create(config_map(x="1"))
    again = update(config_map(x="1"), config_map(x="2"), stored, "me")
    assert told(again) == {"me": ([("f:data",), ("f:data", "f:x")], 2)}
    assert entries.differ_by_times(stored, again)


def test_an_update_that_changes_nothing_stays_what_is_stored() -> None:
    stored = create(config_map(x="1"))
    assert update(config_map(x="1"), config_map(x="1"), stored, "you") is stored


def test_another_one_takes_what_it_changes() -> None:
    stored = update(config_map(x="1", y="1"), config_map(x="2", y="1"), create(config_map(x="1", y="1")), "you")
    assert told(stored) == {"me": ([("f:data",), ("f:data", "f:y")], 1), "you": ([("f:data", "f:x")], 2)}


def test_what_is_gone_is_nobodys() -> None:
    stored = update(config_map(x="1", y="1"), config_map(x="1"), create(config_map(x="1", y="1")), "you")
    assert told(stored) == {"me": ([("f:data",), ("f:data", "f:x")], 1)}


def test_an_item_that_tells_nobody_which_one_it_is_is_not_tracked() -> None:
    pod = Pod()
    pod.spec.topologySpreadConstraints.add(maxSkew=1)
    pod.spec.ephemeralContainers.add()
    found = create(pod)
    assert found == b"" or told(found)


@pytest.mark.parametrize("kind", builtin_kinds.STORED, ids=lambda kind: str(kind.group_kind))
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_no_write_of_any_object_fails(kind: Kind, seed: int) -> None:
    """Objects as no validation has seen them."""
    chance, resource = random.Random(seed), builtin_kinds.of(kind)
    old = random_messages.random_message(kind.message, chance)
    new = random_messages.changed(old, chance)
    writer = FieldWriter("me", kind)
    stored = field_manager.created(field_manager.written_at_creation(old, resource, kind), writer, 1)
    by = FieldWriter("you", kind)
    after = field_manager.updated(old, new, resource, stored=stored, sent=(), writer=by, now_s=2)
    assert set(told(after)) <= {"me", "you"}


@pytest.mark.parametrize("kind", builtin_kinds.STORED, ids=lambda kind: str(kind.group_kind))
def test_what_is_applied_to_any_kind_is_there_and_its_appliers(kind: Kind) -> None:
    resource, config = builtin_kinds.of(kind), sample_objects.data(kind)
    writer = FieldWriter("me", kind)
    new, stored = field_manager.applied(
        None, AppliedConfiguration(config), resource, stored=b"", writer=writer, now_s=1
    )
    again, same = field_manager.applied(
        new, AppliedConfiguration(config), resource, stored=stored, writer=writer, now_s=2
    )
    assert codec.to_dict(again) == codec.to_dict(new)
    assert entries.differ_by_times(same, stored)
    assert set(told(stored)) <= {"me"}


def crontabs() -> Resource:
    definition = codec.from_dict(custom_kinds.definition(), kinds.of(CustomResourceDefinition))
    assert isinstance(definition, CustomResourceDefinition)
    definition.status.acceptedNames.CopyFrom(definition.spec.names)
    return resource_of(definition)


def test_custom_objects_are_applied_by_their_schema() -> None:
    resource = crontabs()
    mine, yours = FieldWriter("me", resource.kind), FieldWriter("you", resource.kind)

    def applied(live: object, spec: dict[str, object], by: FieldWriter, stored: bytes) -> tuple[object, bytes]:
        config = AppliedConfiguration(custom_kinds.crontab(spec=spec))
        return field_manager.applied(live, config, resource, stored=stored, writer=by, now_s=1)  # type: ignore[arg-type]

    live, stored = applied(None, {"replicas": 1, "config": {"a": [1]}}, mine, b"")
    assert told(stored) == {"me": ([("f:spec", "f:replicas"), ("f:spec", "f:config", "f:a")], 1)}
    with pytest.raises(Conflict, match=r'conflict with "me": .spec.replicas'):
        applied(live, {"replicas": 2}, yours, stored)
    with pytest.raises(BadRequest, match=r".spec.replicas: expected numeric"):
        applied(live, {"replicas": "2"}, yours, stored)
