import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.apiserver.rest.content import duplicate_fields
from podlab.errors import BadRequest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (b"{}", []),
        (b"[1,1]", []),
        (b'{"a":1,"a":1}', ["a"]),
        (b'{"a":1,"a":1,"a":2}', ["a", "a"]),
        (b'{"metadata":{"labels":{"a":"1","a":"2"}}}', ["metadata.labels.a"]),
        (b'{"spec":{"containers":[{"image":"a"},{"image":"b","image":"c"}]}}', ["spec.containers[1].image"]),
        (b'{"a":{"b":1,"b":2},"a":3}', ["a.b", "a"]),
    ],
)
def test_what_is_said_twice_is_named_by_its_path(text: bytes, paths: list[str]) -> None:
    assert duplicate_fields.paths(text) == paths


@given(JSON)
def test_what_a_program_writes_says_nothing_twice(value: object) -> None:
    assert duplicate_fields.paths(json.dumps(value).encode()) == []


@given(JSON)
def test_what_says_nothing_twice_is_seen_without_reading_it_again(value: object) -> None:
    text = orjson.dumps(value)
    assert duplicate_fields.is_free(text, orjson.loads(text)) or rb"\u003a" in text


MEMBERS = st.lists(st.tuples(st.sampled_from(["a", "b", ":", "\\u003a", "a:b"]), JSON), max_size=4)


@given(MEMBERS)
def test_what_is_said_twice_is_never_taken_for_free(members: list[tuple[str, object]]) -> None:
    said = b",".join(orjson.dumps(name) + b" : " + orjson.dumps(value) for name, value in members)
    text = b'{"x":[{' + said + b"}]}"
    if duplicate_fields.is_free(text, orjson.loads(text)):
        assert len({name for name, _ in members}) == len(members)


@pytest.mark.parametrize(
    "text", [rb'{"a":1,"a":"\u003a"}', rb'{"a":1,"\u0061":":"}', rb'{"a":"\u003A\u003A","b":1,"b":2}']
)
def test_an_escape_hides_nothing(text: bytes) -> None:
    assert not duplicate_fields.is_free(text, orjson.loads(text))


def test_what_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(BadRequest, match="nested too deeply"):
        duplicate_fields.paths(b"[" * 100_000 + b"]" * 100_000)
