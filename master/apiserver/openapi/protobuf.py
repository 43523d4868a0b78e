"""The binary form of an OpenAPI v2 document. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from podlab.foreign.openapi.v2 import openapi_pb2 as pb

_METHODS = ("get", "put", "post", "delete", "patch")


def encoded(document: dict[str, Any]) -> bytes:
    """The document's bytes."""
    return pb.Document(
        swagger=document["swagger"],
        info=pb.Info(**document["info"]),
        paths=pb.Paths(
            path=[pb.NamedPathItem(name=path, value=_item(item)) for path, item in document["paths"].items()]
        ),
        definitions=pb.Definitions(additional_properties=_named(document["definitions"])),
    ).SerializeToString()


def _item(item: dict[str, Any]) -> pb.PathItem:
    operations: dict[str, Any] = {method: _operation(item[method]) for method in _METHODS if method in item}
    return pb.PathItem(**operations, parameters=[_parameter(one) for one in item.get("parameters", ())])


def _operation(operation: dict[str, Any]) -> pb.Operation:
    return pb.Operation(
        tags=operation["tags"],
        description=operation["description"],
        operation_id=operation["operationId"],
        produces=operation["produces"],
        consumes=operation.get("consumes", ()),
        parameters=[_parameter(one) for one in operation.get("parameters", ())],
        responses=pb.Responses(
            response_code=[
                pb.NamedResponseValue(name=code, value=pb.ResponseValue(response=_response(response)))
                for code, response in operation["responses"].items()
            ]
        ),
        schemes=operation["schemes"],
        vendor_extension=_extensions(operation),
    )


def _response(response: dict[str, Any]) -> pb.Response:
    schema = pb.SchemaItem(schema=_schema(response["schema"])) if "schema" in response else None
    return pb.Response(description=response["description"], schema=schema)


def _parameter(parameter: dict[str, Any]) -> pb.ParametersItem:
    said = {name: value for name, value in parameter.items() if name not in ("schema", "uniqueItems", "items")}
    if parameter["in"] == "body":
        body = pb.BodyParameter(**said, schema=_schema(parameter["schema"]))
        return pb.ParametersItem(parameter=pb.Parameter(body_parameter=body))
    unique = parameter.get("uniqueItems", False)
    if parameter["in"] == "path":
        other = pb.NonBodyParameter(path_parameter_sub_schema=pb.PathParameter(**said, unique_items=unique))
    else:
        items = pb.PrimitivesItems(**parameter["items"]) if "items" in parameter else None
        query = pb.QueryParameter(**said, unique_items=unique, items=items)
        other = pb.NonBodyParameter(query_parameter_sub_schema=query)
    return pb.ParametersItem(parameter=pb.Parameter(non_body_parameter=other))


def _schema(schema: dict[str, Any]) -> pb.Schema:
    made = pb.Schema(
        _ref=schema.get("$ref", ""),
        format=schema.get("format", ""),
        description=schema.get("description", ""),
        required=schema.get("required", ()),
        enum=[_any(value) for value in schema.get("enum", ())],
        vendor_extension=_extensions(schema),
    )
    if "type" in schema:
        made.type.value.append(schema["type"])
    if "items" in schema:
        made.items.schema.append(_schema(schema["items"]))
    if isinstance(schema.get("additionalProperties"), bool):
        made.additional_properties.boolean = schema["additionalProperties"]
    elif "additionalProperties" in schema:
        made.additional_properties.schema.CopyFrom(_schema(schema["additionalProperties"]))
    if "properties" in schema:
        made.properties.additional_properties.extend(_named(schema["properties"]))
    return made


def _named(schemas: dict[str, Any]) -> Iterator[pb.NamedSchema]:
    for name, schema in schemas.items():
        yield pb.NamedSchema(name=name, value=_schema(schema))


def _extensions(said: dict[str, Any]) -> list[pb.NamedAny]:
    return [pb.NamedAny(name=name, value=_any(value)) for name, value in said.items() if name.startswith("x-")]


def _any(value: Any) -> pb.Any:
    return pb.Any(yaml=orjson.dumps(value).decode())
