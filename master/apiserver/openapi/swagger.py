"""OpenAPI v2 from documents of v3, for clients that know no other. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from master.apiserver.openapi.models import REF

Document = dict[str, Any]
_DEFINITIONS = "#/definitions/"
_METHODS = frozenset({"get", "put", "post", "patch", "delete"})


def document(sources: Iterable[Document]) -> Document:
    """All of them in one."""
    merged: Document = {"swagger": "2.0", "info": {}, "paths": {}, "definitions": {}}
    for source in sources:
        merged["info"] = source["info"]
        merged["paths"] |= {path: _item(item) for path, item in source["paths"].items()}
        for name, schema in source["components"]["schemas"].items():
            merged["definitions"].setdefault(name, _schema(schema))
    merged["paths"] = dict(sorted(merged["paths"].items()))
    merged["definitions"] = dict(sorted(merged["definitions"].items()))
    return merged


def _item(item: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {method: _operation(operation) for method, operation in item.items() if method in _METHODS}
    if "parameters" in item:
        made["parameters"] = [_parameter(parameter) for parameter in item["parameters"]]
    return made


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    made = {name: value for name, value in operation.items() if name not in ("parameters", "requestBody", "responses")}
    found = [_parameter(parameter) for parameter in operation.get("parameters", ())]
    if body := operation.get("requestBody"):
        made["consumes"] = list(body["content"])
        (schema, *_) = (_schema(one["schema"]) for one in body["content"].values())
        found.append({"in": "body", "name": "body", "required": body.get("required", False), "schema": schema})
    if found:
        made["parameters"] = found
    answered = {code: _response(response) for code, response in operation["responses"].items()}
    forms = [form for response in operation["responses"].values() for form in response.get("content", ())]
    return {**made, "produces": list(dict.fromkeys(forms)), "schemes": ["https"], "responses": answered}


def _response(response: dict[str, Any]) -> dict[str, Any]:
    schemas = [_schema(one["schema"]) for one in response.get("content", {}).values()]
    return {"description": response["description"], **({"schema": schemas[0]} if schemas else {})}


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    return {**{name: value for name, value in parameter.items() if name != "schema"}, **parameter["schema"]}


# What OpenAPI v2 has no words for.
_ONLY_IN_V3: Final = frozenset(("allOf", "anyOf", "oneOf", "not", "$ref", "default", "nullable"))


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A reference stands alone or beside its description; alternatives of scalars are strings."""
    made = {name: value for name, value in schema.items() if name not in _ONLY_IN_V3 | _misread(schema)}
    if any("type" in part for part in schema.get("oneOf", ())):
        made["type"] = "string"
    for refers in (schema, *schema.get("allOf", ())):
        if "$ref" in refers:
            made["$ref"] = refers["$ref"].replace(REF, _DEFINITIONS)
    for name in ("items", "additionalProperties"):
        if isinstance(made.get(name), dict):
            made[name] = _schema(made[name])
    if "properties" in made:
        made["properties"] = {name: _schema(value) for name, value in made["properties"].items()}
    if "required" in made:
        nullable = {name for name, value in schema.get("properties", {}).items() if value.get("nullable")}
        made["required"] = [name for name in made["required"] if name not in nullable]
        if not made["required"]:
            del made["required"]
    return made


def _misread(schema: dict[str, Any]) -> set[str]:
    """What kubectl takes for more than is meant: it refuses null where a type is said, and members beside those that
    are named."""
    left_out: set[str] = set()
    if schema.get("nullable"):
        left_out |= {"type", "items", "properties"}
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        left_out |= {"items", "properties"}
    if schema.get("type") == "array" and ("items" in left_out or "items" not in schema):
        left_out.add("type")
    return left_out
