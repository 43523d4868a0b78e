"""managedFields as they are stored, and as they come from clients."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.apiserver.managedfields import entries
from podlab.api.serializer import packing
from podlab.apply import managers
from podlab.apply.field_set import FieldSet
from podlab.apply.managers import Managed, Manager, Operation
from podlab.meta.v1.meta_pb2 import FieldsV1, ManagedFieldsEntry, PartialObjectMetadata

FIELDS = FieldSet.of(("f:data",), ("f:data", "f:x"))
ME = managers.manager("me", Operation.UPDATE, "v1")
STEPS = st.sampled_from(("f:a", "f:b", 'k:{"name":"x"}', 'v:"y"'))
SETS = st.lists(st.lists(STEPS, min_size=1, max_size=3).map(tuple), min_size=1, max_size=5).map(
    lambda found: FieldSet.of(*found)
)


def read_anew(stored: bytes) -> dict[Manager, Managed]:
    """Not from what is remembered."""
    return dict(entries.decoded(PartialObjectMetadata.FromString(stored).metadata.managedFields))


@given(
    st.dictionaries(
        st.builds(
            managers.manager,
            st.sampled_from(("me", "you")),
            st.sampled_from(Operation),
            st.just("v1"),
            st.sampled_from(("", "status")),
        ),
        st.builds(Managed, SETS, st.just("v1"), st.integers(0, 2**33) | st.none()),
        max_size=4,
    )
)
def test_what_was_stored_is_read_again(known: dict[Manager, Managed]) -> None:
    stored = entries.stored(known)
    assert entries.read(stored) == known
    assert read_anew(stored) == known
    assert entries.stored(read_anew(stored)) == stored


def test_nobody_takes_no_room() -> None:
    assert entries.stored({}) == b""
    assert entries.read(b"") == {}


def test_a_set_is_stored_packed_and_shown_as_json() -> None:
    stored = entries.stored({ME: Managed(FIELDS, "v1", 5)})
    [entry] = PartialObjectMetadata.FromString(stored).metadata.managedFields
    assert packing.is_packed(entry.fieldsV1.Raw)
    assert orjson.loads(packing.unpacked(entry.fieldsV1.Raw)) == {"f:data": {".": {}, "f:x": {}}}
    assert (entry.manager, entry.operation, entry.apiVersion, entry.fieldsType) == ("me", "Update", "v1", "FieldsV1")
    assert entry.time.seconds == 5


def test_equal_sets_are_one_once_they_are_read() -> None:
    one, other = (entries.stored({ME: Managed(FIELDS, "v1", second)}) for second in (1, 2))
    assert entries.read(one)[ME].fields is entries.read(other)[ME].fields


def test_managers_stand_in_kubernetes_order() -> None:
    known = {
        managers.manager("late", Operation.UPDATE, "v1"): Managed(FIELDS, "v1", 9),
        managers.manager("early", Operation.UPDATE, "v1"): Managed(FIELDS, "v1", 1),
        managers.manager("applies", Operation.APPLY, "v1"): Managed(FIELDS, "v1", 5),
    }
    found = PartialObjectMetadata.FromString(entries.stored(known)).metadata.managedFields
    assert [entry.manager for entry in found] == ["applies", "early", "late"]


def test_times_alone_are_no_difference() -> None:
    one, other = (entries.stored({ME: Managed(FIELDS, "v1", second)}) for second in (1, 2))
    assert entries.differ_by_times(one, other)
    assert not entries.differ_by_times(one, entries.stored({ME: Managed(FieldSet.of(("f:a",)), "v1", 1)}))


def test_what_nobody_understands_is_nobodys() -> None:
    assert entries.read(b"\xff\xff") == {}


@pytest.mark.parametrize(
    "entry",
    [
        {"operation": "Merge"},
        {"apiVersion": ""},
        {"fieldsType": "FieldsV2"},
        {"fieldsV1": FieldsV1(Raw=b'{"f:a":1}')},
        {"fieldsV1": FieldsV1(Raw=b"{")},
        {"fieldsV1": FieldsV1(Raw=b"\x01garbage")},
    ],
)
def test_an_entry_that_says_nothing_is_refused(entry: dict[str, object]) -> None:
    right: dict[str, object] = {"manager": "me", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1"}
    made = ManagedFieldsEntry(**{**right, **entry})  # type: ignore[arg-type]  # of several types
    with pytest.raises(ValueError, match=r".+"):
        entries.decoded([made])


def test_one_empty_entry_resets() -> None:
    assert entries.is_reset([ManagedFieldsEntry()])
    assert not entries.is_reset([])
    assert not entries.is_reset([ManagedFieldsEntry(), ManagedFieldsEntry()])
    assert not entries.is_reset([ManagedFieldsEntry(manager="me")])
