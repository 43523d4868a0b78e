"""Objects whose author manages all of them: what is found out late is what is found out at each write."""

from __future__ import annotations

import random

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from hypothesis import assume, given
from hypothesis import strategies as st
from podlab_testing import builtin_kinds, random_messages

from master.apiserver.managedfields import entries, field_manager, whole
from master.apiserver.managedfields.entries import ALL
from master.apiserver.managedfields.field_manager import FieldWriter
from podlab.api import kinds, objects
from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.api.serializer.encoding import is_always, reached
from podlab.apply import validation
from podlab.apply.field_set import FieldSet
from podlab.apply.managers import Managers, none_empty
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.kinds.resource import Resource
from podlab.meta.v1.meta_pb2 import PartialObjectMetadata
from podlab.shapes.messages import shape_of

AUTHOR, OTHER, STATUS = "author", "other", "status"


def write(kind: Kind, old: Message, new: Message, stored: bytes, by: str, now_s: int) -> bytes:
    writer = FieldWriter(by, kind, "status" if by == STATUS else "")
    resource: Resource = builtin_kinds.of(kind)
    return field_manager.updated(old, new, resource, stored=stored, sent=(), writer=writer, now_s=now_s)


def next_one(kind: Kind, old: Message, by: str, chance: random.Random) -> Message:
    """What a write makes of the object: of the status, as the registry does; of the whole, all but the status."""
    new = random_messages.changed(old, chance)
    clear_deletion(new)
    if "status" not in old.DESCRIPTOR.fields_by_name:
        return new
    source, target = (new, type(old)()) if by == STATUS else (old, new)
    if by == STATUS:
        target.CopyFrom(old)
        if (
            chance.random() < 0.2 and "labels" not in builtin_kinds.of(kind).strategy.fixed_marks
        ):  # who writes a status may send labels with it
            target.metadata.labels["told"] = "by status"  # type: ignore[attr-defined]
    target.ClearField("status")
    if source.HasField("status"):
        target.status.CopyFrom(source.status)  # type: ignore[attr-defined]
    return target


def clear_deletion(message: Message) -> None:
    """No author writes that: the server does when the object is deleted."""
    metadata = objects.metadata(message)
    metadata.ClearField("deletionTimestamp")
    metadata.ClearField("deletionGracePeriodSeconds")


def check_identified(*messages: Message) -> None:
    """Leave aside objects with items that do not tell which ones they are, or that are there twice."""
    for message in messages:
        assume(not validation.problems(codec.to_dict(message), shape_of(type(message))))


def of_what_comes_and_goes(known: Managers, message: type[Message]) -> Managers:
    """Without what JSON shows set or not, as `eventTime: null`: who empties that manages it, and who has not set it yet
    does not."""
    stays = {f"f:{field.json_name}" for at in descriptors(message) for field in at.fields if is_always(field)}
    left = {
        by: one.of(FieldSet.of(*(path for path in one.fields if stays.isdisjoint(path)))) for by, one in known.items()
    }
    return none_empty(left.items())


def descriptors(message: type[Message]) -> list[Descriptor]:
    pool = message.DESCRIPTOR.file.pool
    return [message.DESCRIPTOR, *map(pool.FindMessageTypeByName, reached(message.DESCRIPTOR))]


@pytest.mark.parametrize("kind", builtin_kinds.STORED, ids=lambda kind: str(kind.group_kind))
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_fields_are_whose_they_would_be_if_they_had_been_told_apart_at_once(kind: Kind, seed: int) -> None:
    chance = random.Random(seed)
    old: Message = random_messages.random_message(kind.message, chance)
    clear_deletion(old)
    check_identified(old)
    late = field_manager.created(ALL, FieldWriter(AUTHOR, kind), 1)
    early = field_manager.told_apart(late, old)
    for now_s in range(2, 6):
        by = chance.choice((AUTHOR, AUTHOR, STATUS if kind.has_status else AUTHOR, OTHER))
        new = next_one(kind, old, by, chance)
        check_identified(old, new)
        if not early or not late:  # what nobody manages any more is not tracked
            return
        late, early = (write(kind, old, new, stored, by, now_s) for stored in (late, early))
        told = whole.told_apart(entries.read(late), new), entries.read(early)
        at_last, at_once = (of_what_comes_and_goes(known, kind.message) for known in told)
        assert at_last == at_once
        old = new


def config_map(**data: str) -> ConfigMap:
    made = ConfigMap(data=data)
    made.metadata.name = "a"
    return made


def test_an_author_who_goes_on_writing_stays_the_author_of_all() -> None:
    kind = kinds.of(ConfigMap)
    stored = field_manager.created(ALL, FieldWriter(AUTHOR, kind), 1)
    again = write(kind, config_map(x="1"), config_map(x="2", y="1"), stored, AUTHOR, 2)
    assert again == field_manager.created(ALL, FieldWriter(AUTHOR, kind), 2)
    assert write(kind, config_map(x="1"), config_map(x="1"), again, AUTHOR, 3) is again
    assert write(kind, config_map(x="1", y="1"), config_map(x="1"), again, AUTHOR, 3) is again  # nothing is written


def test_whoever_writes_the_status_leaves_the_rest_to_its_author() -> None:
    kind = kinds.of(Deployment)
    old, new = Deployment(), Deployment()
    old.spec.replicas = new.spec.replicas = 2
    new.status.replicas = 2
    stored = field_manager.created(ALL, FieldWriter(AUTHOR, kind), 1)
    known = entries.read(write(kind, old, new, stored, STATUS, 2))
    assert {one.name: managed.fields is ALL for one, managed in known.items()} == {AUTHOR: True, STATUS: False}


def test_fields_are_told_apart_once_another_one_writes_them() -> None:
    kind = kinds.of(ConfigMap)
    stored = field_manager.created(ALL, FieldWriter(AUTHOR, kind), 1)
    known = entries.read(write(kind, config_map(x="1", y="1"), config_map(x="2", y="1"), stored, OTHER, 2))
    assert {one.name: [*managed.fields] for one, managed in known.items()} == {
        AUTHOR: [("f:data",), ("f:data", "f:y")],
        OTHER: [("f:data", "f:x")],
    }


def test_clients_are_shown_fields() -> None:
    stored = field_manager.created(ALL, FieldWriter(AUTHOR, kinds.of(ConfigMap)), 1)
    [entry] = PartialObjectMetadata.FromString(whole.shown(stored, lambda: config_map(x="1"))).metadata.managedFields
    assert entry.fieldsV1.Raw == b'{"f:data":{".":{},"f:x":{}}}'
    assert whole.shown(b"", lambda: config_map(x="1")) == b""
    assert whole.shown(stored, config_map) == PartialObjectMetadata(metadata={}).SerializeToString()
