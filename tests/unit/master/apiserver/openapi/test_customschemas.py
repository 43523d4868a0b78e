"""Models of custom kinds, in v3 and in v2."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import pytest

from master.apiserver.aggregation.documents import Documents
from master.apiserver.aggregation.priorities import GroupVersion
from master.apiserver.openapi import customschemas, documents, models, protobuf, swagger
from master.apiserver.rest.content.openapi_documents import Published, descriptions
from podlab.api.kinds import Kind
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.foreign.openapi.v2 import openapi_pb2
from podlab.kinds import builtin
from podlab.kinds.current import CurrentCatalog
from podlab.kinds.resource import Resource

KIND = Kind("example.com", "v1", "CronTab", "crontabs", Custom)
META = {"allOf": [{"$ref": f"{models.REF}Meta"}]}
SCHEMA = {
    "type": "object",
    "description": "When something runs.",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {"image": {"type": "string", "description": "What runs.", "default": "a"}},
        }
    },
}


def v3(props: dict[str, Any] | None) -> dict[str, Any]:
    return customschemas.model(props, KIND, META)


def published(**schema: Any) -> Any:
    return v3({"type": "object", "properties": {"x": schema}})["properties"]["x"]


def test_a_model_is_named_by_its_group_from_behind() -> None:
    assert customschemas.name(KIND) == "com.example.v1.CronTab"


def test_a_model_has_the_words_of_the_schema_and_what_all_objects_have() -> None:
    model = v3(SCHEMA)
    assert model["description"] == "When something runs."
    assert model["properties"]["spec"] == SCHEMA["properties"]["spec"]
    assert model["properties"]["metadata"]["allOf"] == META["allOf"]
    assert model["properties"]["kind"]["type"] == "string"
    assert model["x-kubernetes-group-version-kind"] == [{"group": "example.com", "version": "v1", "kind": "CronTab"}]


def test_a_kind_without_a_schema_has_a_model_that_says_nothing() -> None:
    assert v3(None).keys() == {"type", "x-kubernetes-group-version-kind"}


def test_what_is_for_people_alone_is_left_out() -> None:
    assert published(type="string", example="a", externalDocs={"url": "b"}) == {"type": "string"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (
            {"anyOf": [{"minimum": 1}]},
            {"anyOf": [{"minimum": 1}], "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}]},
        ),
    ],
)
def test_an_int_or_string_says_its_types(said: dict[str, Any], told: dict[str, Any]) -> None:
    extension = {"x-kubernetes-int-or-string": True}
    assert published(**extension, **said) == {**extension, **told}


def test_an_embedded_object_is_one() -> None:
    extensions = {"x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
    embedded = published(type="object", required=["kind"], **extensions)
    assert embedded["properties"].keys() == {"apiVersion", "kind", "metadata"}
    assert embedded["required"] == ["kind", "apiVersion"]


def in_v2(**schema: Any) -> Any:
    source = {
        "info": {},
        "paths": {},
        "components": {"schemas": {"m": v3({"type": "object", "properties": {"x": schema}})}},
    }
    return swagger.document([source])["definitions"]["m"]["properties"]["x"]


def test_v2_leaves_out_what_it_cannot_say() -> None:
    junctors = {name: [{"required": ["a"]}] for name in ("allOf", "anyOf", "oneOf")}
    said = in_v2(type="object", **junctors, properties={"a": {"type": "string", "default": "b"}}, **{"not": {}})
    assert said == {"type": "object", "properties": {"a": {"type": "string"}}}


def test_v2_does_not_say_what_kubectl_would_misread() -> None:
    preserves = {"x-kubernetes-preserve-unknown-fields": True}
    assert in_v2(type="object", nullable=True, properties={"a": {"type": "string"}}) == {}
    assert in_v2(type="object", properties={"a": {"type": "string"}}, **preserves) == {"type": "object", **preserves}
    assert in_v2(type="array", items={"type": "string"}, **preserves) == preserves
    assert in_v2(type="object", required=["a"], properties={"a": {"nullable": True, "type": "string"}}) == {
        "type": "object",
        "properties": {"a": {}},
    }
    assert in_v2(**{"x-kubernetes-int-or-string": True}) == {"x-kubernetes-int-or-string": True}


@pytest.fixture(scope="module")
def resource() -> Resource:
    return Resource(KIND, schema_of=lambda _: SCHEMA)


def test_a_custom_kind_has_paths_and_models(resource: Resource) -> None:
    catalog = builtin.catalog().with_resource(resource)
    made: Any = documents.document(((KIND, resource),), documents.built_in_groups(catalog), descriptions(), "v1")
    assert "/apis/example.com/v1/namespaces/{namespace}/crontabs/{name}" in made["paths"]
    assert {"com.example.v1.CronTab", "com.example.v1.CronTabList"} <= made["components"]["schemas"].keys()
    patch = made["paths"]["/apis/example.com/v1/namespaces/{namespace}/crontabs/{name}"]["patch"]
    assert "application/strategic-merge-patch+json" not in patch["requestBody"]["content"]
    assert openapi_pb2.Document.FromString(protobuf.encoded(swagger.document([made]))).swagger == "2.0"


class NothingElsewhere:
    """No other server is known."""

    version = 1
    known: ClassVar[dict[GroupVersion, Documents]] = {}


async def test_a_change_makes_the_documents_anew_that_it_is_about(resource: Resource) -> None:
    catalog = CurrentCatalog(builtin.catalog())
    documents_of = Published(catalog, "v1", NothingElsewhere())
    before = await documents_of.v3()
    assert "apis/example.com/v1" not in before
    catalog.add(resource)
    added = await documents_of.v3()
    assert added["apis/apps/v1"] is before["apis/apps/v1"]
    assert b"When something runs." in added["apis/example.com/v1"].plain()
    assert b"com.example.v1.CronTab" in (await documents_of.v2())["json"].plain()
    changed = dataclasses.replace(resource, schema_of=lambda _: {**SCHEMA, "description": "Then and now."})
    catalog.add(changed)
    after = await documents_of.v3()
    assert b"Then and now." in after["apis/example.com/v1"].plain()
    assert after["apis/apps/v1"] is before["apis/apps/v1"]
    assert b"Then and now." in (await documents_of.v2())["json"].plain()
    catalog.remove(KIND.group_kind)
    assert "apis/example.com/v1" not in await documents_of.v3()
