"""Custom objects come from JSON, and become it again."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.api import kinds, objects
from podlab.api.kinds import GroupKind
from podlab.api.serializer import codec, custom
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.errors import BadRequest

_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_names = st.text().filter(lambda name: name not in ("apiVersion", "kind", "metadata"))


@given(st.dictionaries(_names, _values, max_size=4))
def test_what_is_sent_is_shown(content: dict[str, object]) -> None:
    sent = {"apiVersion": "example.com/v1", "kind": "CronTab", "metadata": {"name": "my"}, **content}
    made, unknown = custom.from_dict(sent, "example.com/v1", "CronTab")
    assert unknown == []
    assert custom.content(made) == content
    assert codec.to_dict(made) == sent
    assert orjson.loads(codec.to_json(made)) == sent


def test_metadata_are_typed() -> None:
    made, unknown = custom.from_dict({"metadata": {"name": "my", "odd": 1, "labels": {"a": "b"}}}, "g/v1", "K")
    assert (made.metadata.name, dict(made.metadata.labels), unknown) == ("my", {"a": "b"}, ["metadata.odd"])
    with pytest.raises(BadRequest, match=r"metadata\.labels"):
        custom.from_dict({"metadata": {"labels": 1}}, "g/v1", "K")


@pytest.mark.parametrize("content", [b"{", b"[]", b'"a"'])
def test_content_that_is_no_object_is_refused(content: bytes) -> None:
    with pytest.raises(BadRequest, match="content"):
        custom.content(Custom(content=content))


def test_an_object_says_itself_what_it_is_of() -> None:
    made = Custom(api_version="example.com/v1", kind="CronTab")
    made.metadata.name = "my"
    assert kinds.group_kind(made) == GroupKind("example.com", "CronTab")
    assert str(objects.key(made)) == "CronTab/my"
    assert objects.wrap(made).WhichOneof("kind") == kinds.CUSTOM
    assert objects.unwrap(objects.wrap(made)) == made
    with pytest.raises(KeyError):
        kinds.of(made)
