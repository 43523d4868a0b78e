"""What differs between two messages is what differs between their JSON."""

from __future__ import annotations

import random

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing import builtin_kinds, random_messages, sample_objects

from master.apiserver.managedfields import message_comparison
from podlab.api.kinds import Kind
from podlab.api.serializer import codec, settling
from podlab.apply import comparison
from podlab.apply.comparison import Comparison
from podlab.apply.structure import Unidentified
from podlab.shapes.messages import shape_of

KINDS = builtin_kinds.STORED


def by_json(old: Message, new: Message, kind: Kind) -> Comparison | None:
    """None where an item tells nobody which one it is."""
    try:
        return comparison.compare(codec.to_dict(old), codec.to_dict(new), shape_of(kind.message))
    except Unidentified:
        return None


def by_messages(old: Message, new: Message) -> Comparison | None:
    try:
        return message_comparison.compare(old, new)
    except Unidentified:
        return None


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.group_kind))
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_messages_differ_as_their_json_does(kind: Kind, seed: int) -> None:
    chance = random.Random(seed)
    old = random_messages.random_message(kind.message, chance)
    new = random_messages.changed(old, chance)
    for message in (old, new):  # into what its JSON becomes: what that does not show is no difference
        settling.settle(message, [])
    assert by_messages(old, new) == by_json(old, new, kind)
    assert by_messages(kind.message(), new) == by_json(kind.message(), new, kind)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.group_kind))
def test_a_new_object_is_all_written(kind: Kind) -> None:
    empty, new = kind.message(), sample_objects.sample(kind)
    found = message_comparison.compare(empty, new)
    assert found.written
    assert found == by_json(empty, new, kind)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.group_kind))
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_what_differs_plainly_is_written(kind: Kind, seed: int) -> None:
    chance = random.Random(seed)
    old = random_messages.random_message(kind.message, chance)
    new = random_messages.changed(old, chance)
    for message in (old, new):
        settling.settle(message, [])
    for before in (old, kind.message()):
        found = by_messages(before, new)
        assert found is None or found.written or not message_comparison.differ_plainly(before, new)
