from __future__ import annotations

from collections.abc import Iterable

import pytest
from podlab_testing import builtin_kinds

from master.apiserver.watchcache import encoding
from master.apiserver.watchcache.cached_object import CachedObject
from podlab.core.v1 import config_pb2
from podlab.meta.v1.meta_pb2 import ManagedFieldsEntry, ObjectMeta, PartialObjectMetadata

MANAGED = PartialObjectMetadata(metadata=ObjectMeta(managedFields=[ManagedFieldsEntry(manager="m")]))


def config_map(data: Iterable[tuple[str, str]]) -> config_pb2.ConfigMap:
    made = config_pb2.ConfigMap(metadata=ObjectMeta(name="c", namespace="default"))
    for key, value in data:
        made.data[key] = value
    return made


@pytest.mark.parametrize("managed", [b"", MANAGED.SerializeToString()], ids=["not managed", "managed"])
@pytest.mark.parametrize(
    ("said", "is_same"),
    [
        pytest.param([("a", "1"), ("b", "2")], True, id="the same"),
        pytest.param([("b", "2"), ("a", "1")], True, id="the same in another order"),
        pytest.param([("a", "2"), ("b", "1")], False, id="of the same length"),
        pytest.param([("a", "1")], False, id="shorter"),
        pytest.param([], False, id="nothing"),
    ],
)
def test_an_object_holds_what_says_the_same(managed: bytes, said: list[tuple[str, str]], is_same: bool) -> None:
    stored = config_map([("a", "1"), ("b", "2")]).SerializeToString()
    entry = CachedObject(builtin_kinds.named("ConfigMap"), "k", encoding.with_managed(stored, managed), 7)
    message = config_map(said)
    assert entry.holds(message.SerializeToString(), message) is is_same
