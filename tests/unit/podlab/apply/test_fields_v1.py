"""Field sets as managedFields write them."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.apply import fields_v1, path
from podlab.apply.field_set import EMPTY, FieldSet

NAMES = st.text(st.characters(blacklist_categories=("Cs",)), max_size=6)
SCALARS = st.one_of(NAMES, st.integers(-(2**53), 2**53), st.booleans())
STEPS = st.one_of(
    NAMES.map(path.member),
    st.dictionaries(NAMES, SCALARS, min_size=1, max_size=2).map(path.keys),
    SCALARS.map(path.item),
    st.integers(0, 99).map("i:{}".format),
)
SETS = st.lists(st.lists(STEPS, min_size=1, max_size=4).map(tuple), max_size=8).map(lambda paths: FieldSet.of(*paths))


@given(SETS)
def test_what_is_written_is_read_again(fields: FieldSet) -> None:
    assert fields_v1.decode(fields_v1.encode(fields)) == fields


@given(SETS)
def test_fields_stand_in_order(fields: FieldSet) -> None:
    def check(tree: dict[str, dict]) -> None:  # type: ignore[type-arg]
        steps = [step for step in tree if step != "."]
        assert steps == sorted(steps, key=path.order)
        for inner in tree.values():
            check(inner)

    check(orjson.loads(fields_v1.encode(fields)))


def test_a_field_that_holds_others_is_marked_when_it_is_in_the_set_itself() -> None:
    fields = FieldSet.of(("f:spec", "f:list"), ("f:spec", "f:list", 'v:"a"'), ("f:metadata", "f:labels", "f:app"))
    assert fields_v1.encode(fields) == (
        b'{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:list":{".":{},"v:\\"a\\"":{}}}}'
    )


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("{}", ()),
        ("null", ()),
        ('{"f:a":null}', (("f:a",),)),
        ('{"f:a":{".":{}}}', (("f:a",),)),
        ('{"f:a":{"x:new":{}}}', (("f:a",),)),
        ('{"x:new":{"f:a":{}}}', ()),
        ('{"k:{\\"b\\":1,\\"a\\":2}":{}}', (('k:{"a":2,"b":1}',),)),
    ],
)
def test_what_others_write_is_read(text: str, paths: tuple[path.Path, ...]) -> None:
    assert fields_v1.decode(text.encode()) == FieldSet.of(*paths)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"f:a":1}', '{"f":{}}', '{"fa":{}}', '{"k:1":{}}', '{"v:":{}}', '{"i:x":{}}', '{"k:{":{}}']
)
def test_what_is_no_set_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        fields_v1.decode(text.encode())


def test_a_set_that_is_nested_without_end_is_refused() -> None:
    text = b'{"f:a":' * 300 + b"{}" + b"}" * 300
    with pytest.raises(ValueError, match="nested deeper"):
        fields_v1.decode(text)


def test_the_empty_set_is_an_empty_object() -> None:
    assert fields_v1.encode(EMPTY) == b"{}"
