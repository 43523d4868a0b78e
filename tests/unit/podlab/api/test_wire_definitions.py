"""The binary form of CustomResourceDefinitions, whose schemas hold each other."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing.wire_format import TIME, TIME_JSON, assert_same, blob, metadata, number, pair, varint

from podlab.api import kinds, objects
from podlab.api.serializer import codec, settling
from podlab.api.serializer.decoding import Problems
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.apiextensions.v1.jsonschema_pb2 import JSONSchemaProps, JSONSchemaPropsOrBool
from podlab.errors import BadRequest
from podlab.shapes.messages import shape_of


def double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + pack("<d", value)


def test_a_definition_has_kubernetes_numbers() -> None:
    service = blob(1, blob(1, "n"), blob(2, "s"), blob(3, "/p"), number(4, 443))
    webhook = blob(2, blob(2, service, blob(2, "ca"), blob(3, "u")), blob(3, "v1"))
    names = (blob(1, "as"), blob(2, "a"), blob(3, "x"), blob(4, "A"), blob(5, "AList"), blob(6, "all"))
    scale = blob(2, blob(1, ".spec.n"), blob(2, ".status.n"), blob(3, ".status.s"))
    column = blob(6, blob(1, "C"), blob(2, "string"), blob(3, "f"), blob(4, "d"), number(5, 1), blob(6, ".spec.c"))
    version = blob(
        7,
        blob(1, "v1") + number(2, 1) + number(3, 1) + blob(4, blob(1, blob(5, "object"))) + blob(5, blob(1), scale),
        column + number(7, 1) + blob(8, "old") + blob(9, blob(1, ".spec.c")),
    )
    spec = blob(2, blob(1, "g"), blob(3, *names), blob(4, "Cluster"), version, blob(9, blob(1, "None"), webhook))
    condition = blob(1, blob(1, "Established"), blob(2, "True"), blob(3, TIME), blob(4, "R"), blob(5, "m"))
    accepted = blob(2, blob(1, "as"), blob(4, "A"))
    told = {"plural": "as", "singular": "a", "shortNames": ["x"], "kind": "A", "listKind": "AList"}
    wanted = {
        "metadata": {"name": "as.g"},
        "spec": {
            "group": "g",
            "names": told | {"categories": ["all"]},
            "scope": "Cluster",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                    "subresources": {
                        "status": {},
                        "scale": {
                            "specReplicasPath": ".spec.n",
                            "statusReplicasPath": ".status.n",
                            "labelSelectorPath": ".status.s",
                        },
                    },
                    "additionalPrinterColumns": [
                        {
                            "name": "C",
                            "type": "string",
                            "format": "f",
                            "description": "d",
                            "priority": 1,
                            "jsonPath": ".spec.c",
                        }
                    ],
                    "deprecated": True,
                    "deprecationWarning": "old",
                    "selectableFields": [{"jsonPath": ".spec.c"}],
                }
            ],
            "conversion": {
                "strategy": "None",
                "webhook": {
                    "clientConfig": {
                        "service": {"namespace": "n", "name": "s", "path": "/p", "port": 443},
                        "caBundle": "Y2E=",
                        "url": "u",
                    },
                    "conversionReviewVersions": ["v1"],
                },
            },
        },
        "status": {
            "conditions": [
                {
                    "type": "Established",
                    "status": "True",
                    "lastTransitionTime": TIME_JSON,
                    "reason": "R",
                    "message": "m",
                }
            ],
            "acceptedNames": {"plural": "as", "kind": "A"},
            "storedVersions": ["v1"],
        },
    }
    assert_same(CustomResourceDefinition, metadata("as.g") + spec + blob(3, condition, accepted, blob(3, "v1")), wanted)


SCHEMAS: list[tuple[bytes, dict[str, object]]] = [
    (
        blob(1, "i") + blob(2, "s") + blob(3, "r") + blob(4, "d") + blob(5, "string") + blob(6, "ipv4") + blob(7, "t"),
        {"id": "i", "$schema": "s", "$ref": "r", "description": "d", "type": "string", "format": "ipv4", "title": "t"},
    ),
    (
        blob(8, blob(1, b'{"a":[1,null]}')) + double(9, 1.5) + number(10, 1) + double(11, 2) + number(12, 1),
        {
            "default": {"a": [1, None]},
            "maximum": 1.5,
            "exclusiveMaximum": True,
            "minimum": 2,
            "exclusiveMinimum": True,
        },
    ),
    (
        number(13, 0) + number(14, 1) + blob(15, "^a") + number(16, 2) + number(17, 3) + number(18, 1) + double(19, 4),
        {
            "maxLength": 0,
            "minLength": 1,
            "pattern": "^a",
            "maxItems": 2,
            "minItems": 3,
            "uniqueItems": True,
            "multipleOf": 4,
        },
    ),
    (
        blob(20, blob(1, "1")) + blob(20) + number(21, 1) + number(22, 2) + blob(23, "r"),
        {"enum": [1, None], "maxProperties": 1, "minProperties": 2, "required": ["r"]},
    ),
    (blob(24, blob(1, blob(5, "string"))), {"items": {"type": "string"}}),
    (blob(24, blob(2, blob(5, "string")), blob(2)), {"items": [{"type": "string"}, {}]}),
    (
        blob(25, blob(5, "a")) + blob(26, blob(5, "b")) + blob(27, blob(5, "c")) + blob(28, blob(5, "d")),
        {"allOf": [{"type": "a"}], "oneOf": [{"type": "b"}], "anyOf": [{"type": "c"}], "not": {"type": "d"}},
    ),
    (
        pair(29, "p", blob(5, "string")) + blob(30, number(1, 1)) + pair(31, "^q", blob(5, "a")),
        {
            "properties": {"p": {"type": "string"}},
            "additionalProperties": True,
            "patternProperties": {"^q": {"type": "a"}},
        },
    ),
    (
        blob(30) + pair(32, "d", blob(1, blob(5, "a"))) + blob(33, blob(2, blob(5, "b"))),
        {
            "additionalProperties": False,
            "dependencies": {"d": {"type": "a"}},
            "additionalItems": {"type": "b"},
        },
    ),
    (
        pair(32, "d", blob(2, "e")) + pair(34, "f", blob(5, "a")) + blob(35, blob(1, "more"), blob(2, "http://a")),
        {
            "dependencies": {"d": ["e"]},
            "definitions": {"f": {"type": "a"}},
            "externalDocs": {"description": "more", "url": "http://a"},
        },
    ),
    (
        blob(36, blob(1, '"e"')) + number(37, 1) + number(38, 1) + number(39, 1) + number(40, 1) + blob(41, "k"),
        {
            "example": "e",
            "nullable": True,
            "x-kubernetes-preserve-unknown-fields": True,
            "x-kubernetes-embedded-resource": True,
            "x-kubernetes-int-or-string": True,
            "x-kubernetes-list-map-keys": ["k"],
        },
    ),
    (
        blob(42, "map")
        + blob(43, "atomic")
        + blob(
            44, blob(1, "self"), blob(2, "m"), blob(3, "'e'"), blob(4, "FieldValueInvalid"), blob(5, ".a"), number(6, 1)
        ),
        {
            "x-kubernetes-list-type": "map",
            "x-kubernetes-map-type": "atomic",
            "x-kubernetes-validations": [
                {
                    "rule": "self",
                    "message": "m",
                    "messageExpression": "'e'",
                    "reason": "FieldValueInvalid",
                    "fieldPath": ".a",
                    "optionalOldSelf": True,
                }
            ],
        },
    ),
]


@pytest.mark.parametrize(("wire", "wanted"), SCHEMAS)
def test_a_schema_has_kubernetes_numbers_and_names(wire: bytes, wanted: dict[str, object]) -> None:
    message = JSONSchemaProps.FromString(wire)
    assert codec.part_to_dict(message) == wanted
    assert message.SerializeToString(deterministic=True) == wire
    assert codec.part_from_dict(wanted, JSONSchemaProps) == message


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_leaf = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "integer", "object"]),
        "default": _values.filter(lambda value: value is not None),
        "enum": st.lists(_values, min_size=1, max_size=3),
        "maximum": st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.5),
        "x-kubernetes-int-or-string": st.just(True),
    },
)
_schemas = st.recursive(
    _leaf,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.text(min_size=1), inner, min_size=1, max_size=3),
            "items": inner | st.lists(inner, min_size=1, max_size=3),
            "additionalProperties": inner | st.booleans(),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
        },
    ),
    max_leaves=6,
)


@given(_schemas)
def test_a_schema_comes_back_as_it_was_sent(schema: dict[str, object]) -> None:
    message = codec.part_from_dict(schema, JSONSchemaProps)
    back = codec.part_to_dict(JSONSchemaProps.FromString(message.SerializeToString()))
    assert back == schema


def nested(levels: int) -> CustomResourceDefinition:
    schema: dict[str, object] = {"type": "object"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    versions = [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]
    spec = {"group": "g", "names": {"kind": "A", "plural": "as"}, "scope": "Cluster", "versions": versions}
    definition = codec.from_dict({"spec": spec}, kinds.of(CustomResourceDefinition))
    assert isinstance(definition, CustomResourceDefinition)
    return definition


def test_schemas_are_as_deep_as_messages_can_be_read() -> None:
    envelope = objects.wrap(nested(36))
    assert type(envelope).FromString(envelope.SerializeToString()) == envelope
    with pytest.raises(BadRequest, match="nested deeper"):
        nested(60)


def test_of_a_schema_or_a_boolean_that_came_as_bytes_what_counts_is_kept() -> None:
    both = JSONSchemaPropsOrBool(allows=True, schema=JSONSchemaProps(type="string"))
    schema = JSONSchemaProps(additionalProperties=both)
    settling.settle(schema, Problems())
    assert schema == codec.part_from_dict({"additionalProperties": {"type": "string"}}, JSONSchemaProps)


def test_the_shape_of_a_schema_holds_itself() -> None:
    shape = shape_of(JSONSchemaProps)
    assert "x-kubernetes-validations" in shape.fields
    assert shape.fields["not"].shape is shape
