"""Random definitions and random objects: what is wrong is told with causes, and everything else is served."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from podlab_testing import builtin_kinds

from podlab.api.serializer import codec, custom
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.errors import BadRequest
from podlab.kinds import builtin
from podlab.kinds.custom.definition import resource_of
from podlab.kinds.resource import Resource
from podlab.kinds.validation import rules

_NAMES = st.sampled_from(["spec", "status", "a", "b", "metadata", "kind", "x-y", ""])
_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False), st.text(max_size=5))
VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=3)),
    max_leaves=12,
)
_WORDS: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(["object", "array", "string", "integer", "number", "boolean", "null", ""]),
    "format": st.sampled_from(["date-time", "int32", "byte", "ipv4", "nothing"]),
    "pattern": st.sampled_from(["^a+$", "(", "[a-", ".*", "(?=a)"]),
    "nullable": st.booleans(),
    "default": VALUES,
    "enum": st.lists(VALUES, max_size=3),
    "minimum": st.integers(-3, 3),
    "maxLength": st.integers(-1, 3),
    "required": st.lists(_NAMES, max_size=2),
    "x-kubernetes-preserve-unknown-fields": st.booleans(),
    "x-kubernetes-int-or-string": st.booleans(),
    "x-kubernetes-embedded-resource": st.booleans(),
    "x-kubernetes-list-type": st.sampled_from(["set", "map", "atomic", "other"]),
    "x-kubernetes-list-map-keys": st.lists(_NAMES, max_size=2),
    "x-kubernetes-validations": st.lists(
        st.fixed_dictionaries({"rule": st.sampled_from(["self > 0", "has(self.a)", "1 +", "self == oldSelf"])}),
        max_size=2,
    ),
}


def _schema(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    parts = {
        "properties": st.dictionaries(_NAMES, inner, max_size=3),
        "items": inner,
        "additionalProperties": inner,
        "allOf": st.lists(inner, max_size=2),
        "not": inner,
    }
    return st.fixed_dictionaries({}, optional={**_WORDS, **parts})


SCHEMAS = st.recursive(st.fixed_dictionaries({}, optional=_WORDS), _schema, max_leaves=8)
ROOTS = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(_NAMES, SCHEMAS, max_size=3)},
    optional={word: values for word, values in _WORDS.items() if word != "type"},
)
_OWN = st.sampled_from(["spec", "a", "b", "x-y"])
_TAME_SCALARS = st.sampled_from(
    [
        {"type": "string", "maxLength": 3, "default": "a"},
        {"type": "string", "format": "date-time", "nullable": True},
        {"type": "integer", "minimum": 0, "x-kubernetes-validations": [{"rule": "self < 3 || oldSelf > 3"}]},
        {"type": "number", "enum": [1, 2.5]},
        {"type": "boolean"},
        {"x-kubernetes-int-or-string": True},
        {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
    ]
)


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just("object"), "properties": st.dictionaries(_OWN, inner, max_size=3)})


TAME = st.recursive(
    _TAME_SCALARS,
    lambda inner: st.one_of(_objects(inner), st.fixed_dictionaries({"type": st.just("array"), "items": inner})),
    max_leaves=8,
)
"""Schemas of which most are right: random ones are nearly all refused."""
COLUMNS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.text(max_size=3),
            "type": st.sampled_from(["string", "integer", "date", "other"]),
            "jsonPath": st.sampled_from([".spec.a", ".spec[0]", ".metadata.creationTimestamp", "[", ""]),
        }
    ),
    max_size=2,
)


def _definition(schema: dict[str, Any], columns: list[dict[str, Any]], *, has_status: bool) -> dict[str, Any]:
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}} if has_status else {},
        "additionalPrinterColumns": columns,
    }
    names = {"plural": "things", "kind": "Thing"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {"group": "example.com", "names": names, "scope": "Namespaced", "versions": [version]},
    }


def _served(told: dict[str, Any]) -> Resource | None:
    """The kind, when the definition is one that Kubernetes would take; None when it is refused with causes."""
    try:
        message = codec.from_dict(told, codec.kind_of(told, builtin.catalog()))
    except BadRequest:
        return None
    assert isinstance(message, CustomResourceDefinition)
    strategy = builtin.catalog().resource(CustomResourceDefinition).strategy
    strategy.set_defaults(message)
    strategy.prepare_for_create(message)
    if causes := builtin_kinds.validate_create(message):
        assert all(cause.reason and cause.message for cause in causes)
        return None
    message.status.acceptedNames.CopyFrom(message.spec.names)
    return resource_of(message)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(ROOTS, _objects(TAME)),
    st.one_of(st.just([]), COLUMNS),
    st.booleans(),
    st.lists(st.dictionaries(_NAMES, VALUES, max_size=3), max_size=4),
)
def test_random_definitions_are_refused_with_causes_or_served_to_random_objects(
    schema: dict[str, Any], columns: list[dict[str, Any]], has_status: bool, contents: list[dict[str, Any]]
) -> None:
    resource = _served(_definition(schema, columns, has_status=has_status))
    if resource is None:
        return
    before: Custom | None = None
    for content in contents:
        told = {**content, "apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a", "namespace": "b"}}
        try:
            found, unknown = resource.decode(told, resource.kind)
        except BadRequest:
            continue
        assert isinstance(found, Custom)
        assert all(isinstance(path, str) for path in unknown)
        resource.strategy.set_defaults(found)
        settled = custom.content(found)
        resource.strategy.set_defaults(found)
        assert custom.content(found) == settled
        asked = resource.strategy.rules
        causes = rules.validate_create(asked, found, namespaced=True)
        assert all(cause.reason and cause.message for cause in causes)
        if before is not None:
            rules.validate_update(asked, found, before, namespaced=True)
        before = found
