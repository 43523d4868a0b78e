"""What another server says of its kinds, as aggregated discovery tells it to clients. Pure.

Whatever is not of the form that clients read is refused: one server's mistake must not spoil the document of all.
"""

from __future__ import annotations

from typing import Any, Final

from master.apiserver.aggregation.priorities import GroupVersion

Object = dict[str, Any]
"""Of JSON."""
Resources = list[Object]
ACCEPT: Final = ",".join(
    f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")
)
_SCOPES: Final = ("Namespaced", "Cluster")


class Malformed(ValueError):
    """The document is not what it is said to be; the message names the place."""


def of_aggregated(document: object, at: GroupVersion) -> Resources | None:
    """The resources of a group version in an APIGroupDiscoveryList; None when it lacks it. Raises Malformed."""
    for group in _objects(_object(document, "the document"), "items"):
        if _text(_object(group.get("metadata"), "items[].metadata"), "name") != at.group:
            continue
        for version in _objects(group, "versions"):
            if _text(version, "version") == at.version:
                return [_resource(one) for one in _objects(version, "resources")]
    return None


def of_legacy(document: object, at: GroupVersion) -> Resources:
    """Those of an APIResourceList. Raises Malformed."""
    made: dict[str, Object] = {}
    for one in _objects(_object(document, "the document"), "resources"):
        name = _text(one, "name")
        resource, slash, below = name.partition("/")
        if not slash:
            made[name] = made.get(name, {}) | _converted(one, at)
        else:
            parent = made.setdefault(resource, {"resource": resource, "scope": _scope(one), "verbs": []})
            told = {"subresource": below, "responseKind": _kind(one, at), "verbs": _texts(one, "verbs")}
            parent.setdefault("subresources", []).append(told)
    return list(made.values())


def _converted(one: Object, at: GroupVersion) -> Object:
    """A resource of an APIResourceList, whose names differ."""
    told = {
        "resource": _text(one, "name"),
        "responseKind": _kind(one, at),
        "scope": _scope(one),
        "singularResource": _optional(one, "singularName"),
        "verbs": _texts(one, "verbs"),
    }
    return told | _words(one)


def _resource(found: Object) -> Object:
    if (scope := _text(found, "scope")) not in _SCOPES:
        raise Malformed(f"resources[].scope is {scope!r}")
    told = {
        "resource": _text(found, "resource"),
        "responseKind": _response_kind(found.get("responseKind")),
        "scope": scope,
        "singularResource": _optional(found, "singularResource"),
        "verbs": _texts(found, "verbs"),
        **_words(found),
    }
    below = [
        {
            "subresource": _text(each, "subresource"),
            "responseKind": _response_kind(each.get("responseKind")),
            "verbs": _texts(each, "verbs"),
        }
        for each in _objects(found, "subresources")
    ]
    return told | ({"subresources": below} if below else {})


def _words(found: Object) -> dict[str, list[str]]:
    return {name: words for name in ("shortNames", "categories") if (words := _texts(found, name))}


def _kind(one: Object, at: GroupVersion) -> dict[str, str]:
    group, version = _optional(one, "group") or at.group, _optional(one, "version") or at.version
    return {"group": group, "version": version, "kind": _text(one, "kind")}


def _response_kind(found: object) -> dict[str, str]:
    told = _object({} if found is None else found, "responseKind")
    return {name: _optional(told, name) for name in ("group", "version", "kind")}


def _scope(one: Object) -> str:
    namespaced = one.get("namespaced", False)
    if not isinstance(namespaced, bool):
        raise Malformed("resources[].namespaced is neither true nor false")
    return _SCOPES[0] if namespaced else _SCOPES[1]


def _object(found: object, where: str) -> Object:
    if not isinstance(found, dict):
        raise Malformed(f"{where} is no object")
    return found


def _list(found: Object, name: str) -> list[object]:
    value = found.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Malformed(f"{name} is no list")
    return value


def _objects(found: Object, name: str) -> list[Object]:
    return [_object(one, f"{name}[]") for one in _list(found, name)]


def _texts(found: Object, name: str) -> list[str]:
    values = _list(found, name)
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(values):
        raise Malformed(f"{name} has something else than texts")
    return texts


def _text(found: Object, name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(f"{name} is missing, or no text")
    return value


def _optional(found: Object, name: str) -> str:
    value = found.get(name, "")
    if not isinstance(value, str):
        raise Malformed(f"{name} is no text")
    return value
