from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from master.apiserver.patching.strategies import ATOMIC, MERGE_KEYS, SETS, members
from podlab.api.encoding import child_type, is_map
from podlab.api.kinds import KINDS
from podlab.api.scalars import SCALARS
from podlab.core.v1 import pod_pb2


def reachable() -> dict[str, Descriptor]:
    """Every message type that objects are made of."""
    found: dict[str, Descriptor] = {}
    left = [kind.message.DESCRIPTOR for kind in KINDS]
    while left:
        descriptor = left.pop()
        if descriptor.full_name not in found and descriptor.full_name not in SCALARS:
            found[descriptor.full_name] = descriptor
            left += [child_type(field) for field in descriptor.fields if field.message_type and not is_map(field)]
    return found


def lists() -> Iterator[FieldDescriptor]:
    for descriptor in reachable().values():
        yield from (field for field in descriptor.fields if field.is_repeated and not is_map(field))


def test_every_list_of_messages_is_merged_or_replaced_whole_and_nothing_else_is_named() -> None:
    messages = {(field.containing_type.full_name, field.name) for field in lists() if field.message_type}
    assert messages == MERGE_KEYS.keys() | ATOMIC
    assert not MERGE_KEYS.keys() & ATOMIC


def test_every_set_is_a_list_of_scalars() -> None:
    assert {(field.containing_type.full_name, field.name) for field in lists() if not field.message_type} >= SETS


def test_every_merge_key_is_a_field_of_the_lists_items() -> None:
    for field in lists():
        key = MERGE_KEYS.get((field.containing_type.full_name, field.name))
        if key is not None:
            assert key in members(child_type(field)), field.full_name


def test_inlined_fields_are_members_of_what_they_stand_in() -> None:
    assert members(pod_pb2.Volume.DESCRIPTOR)["emptyDir"].inner is pod_pb2.EmptyDirVolumeSource.DESCRIPTOR
