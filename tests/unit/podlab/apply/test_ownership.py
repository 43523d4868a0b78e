"""Ownership of fields through updates and applies of objects of a small shape, in two versions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.api.values.jsonvalues import Json
from podlab.apply import managers
from podlab.apply.conflicts import Conflicts
from podlab.apply.field_set import EMPTY, FieldSet
from podlab.apply.fields import fields_of
from podlab.apply.managers import Managed, Manager, Managers, Operation
from podlab.apply.ownership import Writing
from podlab.apply.path import Path
from podlab.apply.versions import MissingVersion
from podlab.shapes.shape import Field, List, ListType, Map, Scalar, ScalarType, Shape, Struct

TEXT = Scalar(ScalarType.STRING)
ITEM = Struct("", {"name": Field(TEXT), "value": Field(TEXT), "labels": Field(Map(TEXT))})
V1 = Struct(
    "",
    {
        "text": Field(TEXT),
        "labels": Field(Map(TEXT)),
        "items": Field(List(ITEM, ListType.MAP, ("name",))),
        "set": Field(List(TEXT, ListType.SET)),
        "list": Field(List(TEXT)),
        "whole": Field(Map(TEXT), is_atomic=True),
        "free": Field(Scalar(ScalarType.ANY)),
    },
)
V2 = Struct("", {"words" if name == "text" else name: field for name, field in V1.fields.items()})


class Two:
    """v1 calls text what v2 calls words."""

    def shape(self, api_version: str) -> Shape | None:
        if api_version not in ("v1", "v2"):
            raise MissingVersion(api_version)
        return V1 if api_version == "v1" else V2

    def convert(self, value: Json, source: str, target: str) -> Json:
        self.shape(target)
        renamed = {"text": "words"} if target == "v2" else {"words": "text"}
        return value if source == target else {renamed.get(name, name): one for name, one in value.items()}


NAMES = st.sampled_from(("a", "b", "c"))
# Who claims one of these when it is empty may find it gone with all that it held.
_HOLDERS = ("f:labels", "f:free")
LABELS = st.dictionaries(NAMES, NAMES, max_size=3)
ITEMS = st.lists(
    st.fixed_dictionaries({"name": NAMES}, optional={"value": NAMES, "labels": LABELS}),
    max_size=3,
    unique_by=lambda item: item["name"],
)
FREE = st.recursive(
    NAMES, lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=2) | st.lists(inner, max_size=2)
)
OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "text": NAMES,
        "labels": LABELS,
        "items": ITEMS,
        "set": st.lists(NAMES, max_size=3, unique=True),
        "list": st.lists(NAMES, max_size=3),
        "whole": LABELS,
        "free": st.dictionaries(NAMES, FREE, max_size=2),
    },
)
V1_WRITES = Writing(Two(), "v1", EMPTY)


def by(name: str, operation: Operation = Operation.APPLY, version: str = "v1") -> Manager:
    return managers.manager(name, operation, version)


def apply(live: Json, config: Json, known: Managers, name: str = "me", *, force: bool = True) -> tuple[Any, Managers]:
    return V1_WRITES.applied(live, config, known, by(name), force=force, now_s=1)


def paths(known: Managers, name: str, operation: Operation = Operation.APPLY) -> set[Path]:
    found = known.get(by(name, operation))
    return set() if found is None else set(found.fields)


@given(OBJECTS, OBJECTS)
def test_applying_again_changes_nothing(live: Json, config: Json) -> None:
    first, known = apply(live, config, {})
    again, still = apply(first, config, known)
    assert again == first
    assert {one: managed.fields for one, managed in still.items()} == {one: own.fields for one, own in known.items()}


@given(OBJECTS, OBJECTS, OBJECTS)
def test_what_somebody_else_manages_stays_when_it_is_no_longer_applied(theirs: Json, first: Json, second: Json) -> None:
    live, known = apply({}, theirs, {}, "them")
    live, known = apply(live, first, known)
    kept = paths(known, "them")
    live, known = apply(live, second, known)
    assert paths(known, "them") <= kept
    held = {path for path in paths(known, "them") if path[-1] not in _HOLDERS}
    assert held <= set(fields_of(live, V1))


@given(OBJECTS, OBJECTS)
def test_what_one_manages_alone_goes_when_nothing_is_applied(live: Json, config: Json) -> None:
    """Of an object that was not there before, nothing stays."""
    there, known = apply({}, config, {})
    gone, left = apply(there, {}, known)
    assert not left
    assert not any(_leaves(gone))


@given(OBJECTS, OBJECTS)
def test_what_nobody_manages_never_changes(live: Json, config: Json) -> None:
    disjoint = {name: value for name, value in live.items() if name not in config}
    merged, known = apply(disjoint, config, {})
    after, _ = apply(merged, {}, known)
    assert {name: after.get(name) for name in disjoint} == disjoint


@given(OBJECTS, OBJECTS)
def test_after_an_update_whoever_wrote_manages_what_differs_and_nobody_what_is_gone(old: Json, new: Json) -> None:
    _, known = apply({}, old, {}, "first")
    after = V1_WRITES.updated(V1_WRITES.changes(old, new), known, by("writer", Operation.UPDATE), 2)
    assert not paths(after, "first") & paths(after, "writer", Operation.UPDATE)
    if old == new:
        assert after == known


@given(OBJECTS, OBJECTS)
def test_two_who_apply_the_same_share_it(live: Json, config: Json) -> None:
    there, known = apply(live, config, {})
    same, shared = apply(there, config, known, "other", force=False)
    assert same == there
    assert paths(shared, "me") == paths(shared, "other")


def test_a_conflict_names_managers_and_fields() -> None:
    live, known = apply({}, {"text": "a", "labels": {"a": "1", "b": "2"}}, {}, "first")
    changes = V1_WRITES.changes(live, {**live, "items": [{"name": "x", "value": "1"}]})
    known = V1_WRITES.updated(changes, known, by("edit", Operation.UPDATE), 2)
    live = {**live, "items": [{"name": "x", "value": "1"}]}
    with pytest.raises(Conflicts) as one:
        apply(live, {"text": "b"}, known, force=False)
    assert str(one.value) == 'Apply failed with 1 conflict: conflict with "first": .text'
    with pytest.raises(Conflicts) as more:
        apply(live, {"labels": {"a": "2", "b": "3"}, "items": [{"name": "x", "value": "2"}]}, known, force=False)
    assert str(more.value) == (
        'Apply failed with 3 conflicts: conflicts with "edit" using v1:\n- .items[name="x"].value\n'
        'conflicts with "first":\n- .labels.a\n- .labels.b'
    )


def test_a_manager_of_another_version_keeps_its_fields_in_its_terms() -> None:
    writes = Writing(Two(), "v2", EMPTY)
    live, known = writes.applied({}, {"words": "a", "list": ["x"]}, {}, by("me"), force=False, now_s=1)
    assert paths(known, "me") == {("f:words",), ("f:list",)}
    here = {"text": "a", "list": ["x"]}
    assert live == {"words": "a", "list": ["x"]}
    known = V1_WRITES.updated(V1_WRITES.changes(here, {**here, "text": "b"}), known, by("edit", Operation.UPDATE), 2)
    assert paths(known, "me") == {("f:list",)}
    assert paths(known, "edit", Operation.UPDATE) == {("f:text",)}


def test_what_was_applied_in_another_version_is_removed() -> None:
    config = {"words": "a", "list": ["x"]}
    _, known = Writing(Two(), "v2", EMPTY).applied({}, config, {}, by("me"), force=False, now_s=1)
    live, known = apply({"text": "a", "list": ["x"]}, {"list": ["x"]}, known)
    assert live == {"list": ["x"]}
    assert known[by("me")].api_version == "v1"


def test_managers_of_versions_that_are_no_more_are_forgotten() -> None:
    known = {by("old", Operation.UPDATE, "v0"): Managed(FieldSet.of(("f:text",)), "v0", 1)}
    live, left = apply({"text": "a"}, {"text": "b"}, known, force=False)
    assert live == {"text": "b"}
    assert set(left) == {by("me")}


def test_who_managed_a_part_of_what_is_now_one_whole_manages_the_whole() -> None:
    known = {by("first"): Managed(FieldSet.of(("f:whole", "f:a"), ("f:labels", "f:a")), "v1", 1)}
    after = V1_WRITES.updated(V1_WRITES.changes({"text": "a"}, {"text": "b"}), known, by("edit", Operation.UPDATE), 2)
    assert paths(after, "first") == {("f:whole",), ("f:labels", "f:a")}


def test_the_oldest_of_too_many_that_update_are_one() -> None:
    live: dict[str, Json] = {"labels": {}}
    known: Managers = {}
    for index in range(14):
        new = {"labels": {**live["labels"], f"l{index}": "x"}}
        writer = by(f"w{index:02}", Operation.UPDATE)
        known = managers.capped(V1_WRITES.updated(V1_WRITES.changes(live, new), known, writer, index))
        live = new
    names = [one.name for one, _ in managers.in_order(known)]
    assert names == [managers.ANCIENT, *(f"w{index:02}" for index in range(5, 14))]
    assert paths(known, managers.ANCIENT, Operation.UPDATE) == {("f:labels", f"f:l{index}") for index in range(5)}


def _leaves(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in _leaves(one)]
    if isinstance(value, list):
        return [leaf for one in value for leaf in _leaves(one)]
    return [value] if value is not None else []
