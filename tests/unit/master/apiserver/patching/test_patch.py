from __future__ import annotations

import contextlib
import json
import random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from podlab_testing import builtin_kinds, random_messages

from master.apiserver.patching.merge_patch import merge_patch
from master.apiserver.patching.patch import MEDIA_TYPES, Patch, parse
from podlab.api import kinds, objects
from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.api.values.jsonvalues import Json
from podlab.core.v1 import pod_pb2
from podlab.errors import BadRequest, Invalid, UnsupportedMediaType
from podlab.v1 import apiserver_pb2 as pb

KIND = kinds.of(pod_pb2.Pod)
WORDS = [
    "metadata",
    "spec",
    "name",
    "containers",
    "labels",
    "/metadata/labels",
    "add",
    "op",
    "path",
    "value",
    "web",
    "main",
]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
)


def pod() -> pod_pb2.Pod:
    made = pod_pb2.Pod()
    made.metadata.name, made.metadata.namespace, made.metadata.resourceVersion = "web", "default", "7"
    made.spec.containers.add(name="main", image="a")
    return made


def applied(content: Any, patch_type: int = pb.PATCH_TYPE_MERGE) -> Any:
    return parse(patch_type, json.dumps(content).encode(), KIND).applied(pod())


def test_each_type_of_patch_makes_a_new_object() -> None:
    container = [{"name": "main", "image": "b"}]
    operation = {"op": "replace", "path": "/spec/containers/0/image", "value": "b"}
    for content, patch_type in (
        ([operation], pb.PATCH_TYPE_JSON),
        ({"spec": {"containers": container}}, pb.PATCH_TYPE_MERGE),
        ({"spec": {"containers": container}}, pb.PATCH_TYPE_STRATEGIC_MERGE),
    ):
        new = applied(content, patch_type)
        assert (new.spec.containers[0].image, new.metadata.resourceVersion) == ("b", "7")


def test_other_types_of_patch_are_refused() -> None:
    with pytest.raises(UnsupportedMediaType, match="accepted media types include: application/json-patch"):
        parse(99, b"{}", KIND)


@pytest.mark.parametrize("body", [b"", b"{", b"[1,", b'"a"', b"1", b"null", b"\xff", b"[" * 200 + b"]" * 200])
def test_a_body_that_is_no_patch_is_a_bad_request(body: bytes) -> None:
    for patch_type in MEDIA_TYPES:
        with pytest.raises(BadRequest, match="error decoding patch"):
            parse(patch_type, body, KIND)


def test_an_object_is_neither_renamed_nor_moved_nor_made_another_kind() -> None:
    with pytest.raises(
        BadRequest, match=r"the name of the object \(other\) does not match the name on the URL \(web\)"
    ):
        applied({"metadata": {"name": "other"}})
    with pytest.raises(BadRequest, match="does not match the namespace sent on the request"):
        applied({"metadata": {"namespace": "other"}})
    assert applied({"metadata": {"namespace": None}}).metadata.namespace == "default"
    with pytest.raises(Invalid) as refused:
        applied({"kind": "Service"})
    assert refused.value.causes[0].field == "kind"


def test_unknown_fields_are_refused_by_their_path() -> None:
    with pytest.raises(Invalid) as refused:
        applied({"spec": {"containers": [{"name": "main", "imagee": "b"}], "nodeName": 3}})
    assert [cause.field for cause in refused.value.causes] == ["spec.containers[0].imagee", "spec.nodeName"]
    assert refused.value.message.startswith('Pod "web" is invalid: [spec.containers[0].imagee: unknown field')


def test_what_is_left_must_be_an_object() -> None:
    with pytest.raises(Invalid, match="the patch leaves a list, not an object"):
        applied([{"op": "add", "path": "", "value": []}], pb.PATCH_TYPE_JSON)


@given(JUNK, st.sampled_from(sorted(MEDIA_TYPES)))
def test_junk_is_refused_in_no_other_way(content: Any, patch_type: int) -> None:
    with contextlib.suppress(BadRequest, Invalid):
        parse(patch_type, json.dumps(content).encode(), KIND).applied(pod())


JSON, MERGE, STRATEGIC = pb.PATCH_TYPE_JSON, pb.PATCH_TYPE_MERGE, pb.PATCH_TYPE_STRATEGIC_MERGE


@pytest.mark.parametrize(
    ("form", "patch", "sees"),
    [
        (MERGE, {}, False),
        (MERGE, {"spec": {"managedFields": 1}, "metadata": {"labels": {"a": "b"}}}, False),
        (MERGE, {"metadata": {"managedFields": [{}]}}, True),
        (MERGE, {"metadata": {"managedFields": None}}, True),
        (MERGE, {"metadata": None}, True),
        (STRATEGIC, {"spec": {"$setElementOrder/containers": [{"name": "a"}]}}, False),
        (STRATEGIC, {"$patch": "replace"}, True),
        (STRATEGIC, {"metadata": {"$patch": "replace"}}, True),
        (JSON, [], False),
        (JSON, [{"op": "add", "path": "/metadata/labels/a", "value": "b"}], False),
        (JSON, [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}], True),
        (JSON, [{"op": "remove", "path": "/metadata/managedFields/0"}], True),
        (JSON, [{"op": "test", "path": "/metadata", "value": {}}], True),
        (JSON, [{"op": "copy", "path": "/metadata/labels/a", "from": ""}], True),
        (JSON, ["add"], True),
    ],
)
def test_a_patch_sees_managed_fields_where_it_may_change_or_read_them(form: int, patch: Any, sees: bool) -> None:
    assert parse(form, json.dumps(patch).encode(), KIND).sees_managed_fields is sees


@pytest.mark.parametrize("kind", builtin_kinds.STORED, ids=lambda kind: str(kind.group_kind))
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_what_a_patch_leaves_alone_stays_as_if_it_had_been_written_and_read_again(kind: Kind, seed: int) -> None:
    chance = random.Random(seed)
    old = random_messages.random_message(kind.message, chance)
    objects.metadata(old).ClearField("managedFields")
    other = codec.to_dict(random_messages.changed(old, chance))
    names = [name for name in other if name not in ("metadata", "apiVersion", "kind") and chance.random() < 0.5]
    content: dict[str, Json] = {name: other[name] for name in names} | {"metadata": {"labels": {"patched": "yes"}}}
    try:
        old = codec.from_dict(codec.to_dict(old), kind, of_status=True)
        whole = codec.from_dict(merge_patch(codec.to_dict(old), content), kind, of_status=True)
    except BadRequest:
        assume(False)
    assert Patch(kind, pb.PATCH_TYPE_MERGE, content, of_status=True).applied(old) == whole
