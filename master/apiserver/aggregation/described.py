"""What another server's OpenAPI documents say of one group version, so far as clients can read it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import orjson

from master.apiserver.aggregation.discovered import Malformed, Object
from master.apiserver.aggregation.priorities import GroupVersion

OPENAPI_V2, OPENAPI_V3 = "/openapi/v2", "/openapi/v3"
_REF: Final = "#/definitions/"
_PARAMETER: Final = "#/parameters/"
# Deeper ones are no schemas that anybody wrote.
_DEPTH: Final = 200


def url_in_index(index: object, at: GroupVersion) -> str:
    """Where the index of a server has the group version's document; empty when it has none. Raises Malformed."""
    paths = index.get("paths") if isinstance(index, dict) else None
    if not isinstance(paths, dict):
        raise Malformed("the index of /openapi/v3 has no paths")
    entry = paths.get(at.path.lstrip("/"))
    if entry is None:
        return ""
    url = entry.get("serverRelativeURL") if isinstance(entry, dict) else None
    if not isinstance(url, str) or not url.startswith(f"{OPENAPI_V3}/") or not url.isprintable() or " " in url:
        raise Malformed(f"the index of /openapi/v3 has no serverRelativeURL of {at.path.lstrip('/')}")
    return url


def v3(content: bytes) -> bytes:
    """The document, if it is one. Raises Malformed."""
    document = _object(content)
    if not str(document.get("openapi", "")).startswith("3."):
        raise Malformed("it is no document of OpenAPI v3")
    for name, inside in (("paths", document), ("schemas", document.get("components") or {})):
        if not isinstance(inside, dict) or not _has_objects(inside.get(name)):
            raise Malformed(f"its {name} are no objects")
    return content


def v2(content: bytes, at: GroupVersion) -> Object:
    """The paths of the group version, and the definitions that they need. Raises Malformed."""
    document = _object(content)
    paths, definitions = document.get("paths") or {}, document.get("definitions") or {}
    if document.get("swagger") != "2.0" or not _has_objects(paths) or not _has_objects(definitions):
        raise Malformed("it is no document of OpenAPI v2")
    inside = f"{at.path}/"
    shared = document.get("parameters") or {}
    mine = {path: _with_own_parameters(item, shared) for path, item in paths.items() if f"{path}/".startswith(inside)}
    needed: Object = {}
    open_ends = [name for item in mine.values() for name in references(item)]
    while open_ends:
        name = open_ends.pop()
        if name not in needed and name in definitions:
            needed[name] = definitions[name]
            open_ends.extend(references(definitions[name]))
    return {"paths": mine, "definitions": needed}


def merged(document: Object, part: Object) -> Object:
    """The document of all, with a part: what is there goes first. Definitions of one name that differ get another
    name, as in Kubernetes. Neither is changed."""
    definitions = dict(document["definitions"])
    renamed: dict[str, str] = {}
    for name, definition in part["definitions"].items():
        if name in definitions and definitions[name] != definition:
            renamed[name] = _free(name, definitions)
    for name, definition in part["definitions"].items():
        definitions.setdefault(renamed.get(name, name), _with_names(definition, renamed))
    paths = {path: _with_names(item, renamed) for path, item in part["paths"].items()}
    return {**document, "paths": {**paths, **document["paths"]}, "definitions": definitions}


def references(value: object, depth: int = 0) -> Iterator[str]:
    """The definitions that a value refers to. Raises Malformed for one that is too deep."""
    if depth > _DEPTH:
        raise Malformed(f"it has more than {_DEPTH} levels")
    if isinstance(value, dict):
        for name, inside in value.items():
            if name == "$ref" and isinstance(inside, str) and inside.startswith(_REF):
                yield inside.removeprefix(_REF)
            else:
                yield from references(inside, depth + 1)
    elif isinstance(value, list):
        for inside in value:
            yield from references(inside, depth + 1)


def _with_own_parameters(item: Object, shared: object) -> Object:
    """A path with all parameters in their places, which documents of Kubernetes' servers share. Raises Malformed."""
    inside = {name: _resolved(value, shared) if isinstance(value, dict) else value for name, value in item.items()}
    return _resolved(inside, shared)


def _resolved(holder: Object, shared: object) -> Object:
    """A path or an operation with its own parameters. Raises Malformed."""
    listed = holder.get("parameters")
    if not isinstance(listed, list):
        return holder
    return {**holder, "parameters": [_own_parameter(one, shared) for one in listed]}


def _own_parameter(one: object, shared: object) -> object:
    reference = one.get("$ref") if isinstance(one, dict) else None
    if not isinstance(reference, str):
        return one
    found = shared.get(reference.removeprefix(_PARAMETER)) if isinstance(shared, dict) else None
    if found is None:
        raise Malformed(f"there is no {reference}")
    return found


def _with_names(value: object, renamed: Mapping[str, str]) -> object:
    if not renamed:
        return value
    if isinstance(value, dict):
        return {
            name: _REF + renamed.get(inside.removeprefix(_REF), inside.removeprefix(_REF))
            if name == "$ref" and isinstance(inside, str) and inside.startswith(_REF)
            else _with_names(inside, renamed)
            for name, inside in value.items()
        }
    return [_with_names(inside, renamed) for inside in value] if isinstance(value, list) else value


def _free(name: str, taken: Mapping[str, Object]) -> str:
    number = 2
    while f"{name}_v{number}" in taken:
        number += 1
    return f"{name}_v{number}"


def _object(content: bytes) -> Object:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"it is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise Malformed("it is no object")
    return found


def _has_objects(found: object) -> bool:
    return found is None or (isinstance(found, dict) and all(isinstance(one, dict) for one in found.values()))
