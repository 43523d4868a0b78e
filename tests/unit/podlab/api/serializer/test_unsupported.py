"""Fields that Podlab has not: none is declared, what says nothing is no field, and all else is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.message_factory import GetMessageClass
from podlab_testing import builtin_kinds

from podlab.api.serializer import codec
from podlab.api.serializer.decoding import _json_names
from podlab.api.serializer.unsupported import IGNORED, LIMITED, UNSUPPORTED, WITHOUT_EFFECT
from podlab.errors import BadRequest

assert builtin_kinds.STORED  # importing them fills the pool
NOTHING = (None, False, 0, "", [], {}, {"a": {"b": None}, "c": ""})
SOMETHING = (True, 1, "a", [None], {"a": [0]})
# Their fields are chosen by being there.
CHOICES = {"EnvVarSource", "PersistentVolumeSpec", "Volume", "VolumeProjection"}
FIELDS = [(message, field) for message, fields in UNSUPPORTED.items() for field in sorted(fields)]


def read(message: str, data: dict[str, Any]) -> Any:
    descriptor = descriptor_pool.Default().FindMessageTypeByName(message)
    return codec.part_from_dict(data, GetMessageClass(descriptor))


@pytest.mark.parametrize(("message", "fields"), [*UNSUPPORTED.items(), *IGNORED.items()])
def test_no_field_is_both_declared_and_refused(message: str, fields: frozenset[str]) -> None:
    declared = _json_names(descriptor_pool.Default().FindMessageTypeByName(message))
    assert not fields & declared


@pytest.mark.parametrize(("message", "fields"), [*LIMITED.items(), *WITHOUT_EFFECT.items()])
def test_what_is_kept_is_declared(message: str, fields: frozenset[str]) -> None:
    assert set(fields) <= _json_names(descriptor_pool.Default().FindMessageTypeByName(message))


@pytest.mark.parametrize(("message", "field"), FIELDS)
def test_a_field_that_says_nothing_is_no_field(message: str, field: str) -> None:
    chosen = message.rpartition(".")[2] in CHOICES
    for value in NOTHING[:1] if chosen else NOTHING:
        assert not read(message, {field: value}).ListFields()


@pytest.mark.parametrize(("message", "field"), FIELDS)
def test_a_field_that_says_something_is_refused_by_name(message: str, field: str) -> None:
    chosen = message.rpartition(".")[2] in CHOICES
    for value in (*SOMETHING, {}) if chosen else SOMETHING:
        with pytest.raises(BadRequest) as caught:
            read(message, {field: value})
        (cause,) = caught.value.causes
        assert (cause.field, cause.reason) == (field, "FieldValueNotSupported")
        assert cause.message == "not supported by Podlab: remove the field"


@pytest.mark.parametrize(
    ("message", "field", "others", "remedy"),
    [
        ("core.v1.PodOS", "name", ["windows", ""], ', or set it to "linux"'),
        ("core.v1.VolumeMount", "recursiveReadOnly", ["Enabled"], ', or set it to "Disabled" or "IfPossible"'),
    ],
)
def test_of_a_field_with_a_value_that_comes_true_that_value_is_kept_and_others_are_refused(
    message: str, field: str, others: list[Any], remedy: str
) -> None:
    for value in LIMITED[f"podlab.{message}"][field]:
        assert codec.part_to_dict(read(f"podlab.{message}", {field: value}))[field] == value
    assert not read(f"podlab.{message}", {field: None}).ListFields()
    for value in others:
        with pytest.raises(BadRequest, match=f"^{field}: not supported by Podlab: remove the field{remedy}$"):
            read(f"podlab.{message}", {field: value})


def test_what_is_not_supported_of_a_status_that_is_not_written_is_left_aside() -> None:
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "a"},
        "status": {"config": {"error": "none"}},
    }
    kind = builtin_kinds.named("Node")
    assert builtin_kinds.read(node) == builtin_kinds.read({**node, "status": {}})
    assert codec.from_dict_leniently(node, kind) == (builtin_kinds.read({**node, "status": {}}), [])
    with pytest.raises(BadRequest, match=r"^status\.config: not supported"):
        codec.from_dict_leniently(node, kind, of_status=True)
