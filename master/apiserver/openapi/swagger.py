"""OpenAPI v2 from documents of v3, for clients that know no other. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

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


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A reference stands alone or beside its description; alternatives of scalars are strings."""
    made = {name: value for name, value in schema.items() if name not in ("allOf", "oneOf", "$ref", "default")}
    if "oneOf" in schema:
        made["type"] = "string"
    for refers in (schema, *schema.get("allOf", ())):
        if "$ref" in refers:
            made["$ref"] = refers["$ref"].replace(REF, _DEFINITIONS)
    for name in ("items", "additionalProperties"):
        if name in schema:
            made[name] = _schema(schema[name])
    if "properties" in schema:
        made["properties"] = {name: _schema(value) for name, value in schema["properties"].items()}
    return made
