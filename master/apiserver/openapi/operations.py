"""The paths of a kind, and what each method does there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from master.apiserver.openapi import models, parameters
from master.apiserver.openapi.models import REF
from master.apiserver.openapi.parameters import Parameter
from master.apiserver.openapi.schemas import Schemas
from podlab.api.kinds import Kind
from podlab.kinds.subresource import LOG, POD_PROXY, Subresource

Operation = dict[str, Any]
PathItem = dict[str, Any]
Forms = tuple[str, ...]
"""Media types."""

_JSON, _YAML, _PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
_PATCHES = ("application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json")
_SENT = (_JSON, _YAML, _PROTOBUF)
# Custom kinds have no protobuf form, and no merge keys.
_CUSTOM_PATCHES, _CUSTOM_SENT = _PATCHES[:2], _SENT[:2]
_NAMESPACE = parameters.path("namespace", "The namespace of the objects.")
_NAME = parameters.path("name", "The name of the object.")
_PATH = parameters.path("path", "The path that the server is asked for.")
_PROXIED = ("get", "put", "post", "delete", "options", "head", "patch")
# By verb: the method, what an operation is called, and what clients know it by.
_METHODS: Mapping[str, tuple[str, str, str]] = {
    "get": ("get", "read", "get"),
    "list": ("get", "list", "list"),
    "create": ("post", "create", "post"),
    "update": ("put", "replace", "put"),
    "patch": ("patch", "patch", "patch"),
    "delete": ("delete", "delete", "delete"),
    "deletecollection": ("delete", "deleteCollection", "deletecollection"),
}


def paths(
    kind: Kind, verbs: tuple[str, ...], below: tuple[Subresource, ...], schemas: Schemas
) -> Iterator[tuple[str, PathItem]]:
    """Each address of the kind's objects, and what its methods do."""
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    home = f"{root}/namespaces/{{namespace}}" if kind.namespaced else root
    place = (_NAMESPACE,) if kind.namespaced else ()
    operations = _Operations(kind, schemas)
    if kind.namespaced and "list" in verbs:
        yield f"{root}/{kind.plural}", {"get": operations.list(everywhere=True)}
    of_collection = [verb for verb in ("list", "create", "deletecollection") if verb in verbs]
    if of_collection:
        yield f"{home}/{kind.plural}", _item(place, {verb: operations.of(verb) for verb in of_collection})
    of_object = [verb for verb in ("get", "update", "patch", "delete") if verb in verbs]
    if of_object:
        item = _item((*place, _NAME), {verb: operations.of(verb) for verb in of_object})
        yield f"{home}/{kind.plural}/{{name}}", item
    for one in below:
        at = f"{home}/{kind.plural}/{{name}}/{one.name}"
        if one.name == POD_PROXY.name:
            yield at, _connections((*place, _NAME), operations, one)
            yield f"{at}/{{path}}", _connections((*place, _NAME, _PATH), operations, one, "WithPath")
        else:
            yield at, _item((*place, _NAME), {verb: operations.below(one, verb) for verb in one.verbs})


def _item(place: tuple[Parameter, ...], operations: Mapping[str, Operation]) -> PathItem:
    item: PathItem = {_METHODS[verb][0]: operation for verb, operation in operations.items()}
    return {**item, "parameters": list(place)} if place else item


def _connections(place: tuple[Parameter, ...], operations: _Operations, one: Subresource, suffix: str = "") -> PathItem:
    item: PathItem = {method: operations.proxied(one, method, suffix) for method in _PROXIED}
    return {**item, "parameters": list(place)}


class _Operations:
    def __init__(self, kind: Kind, schemas: Schemas) -> None:
        self._kind = kind
        self._schemas = schemas
        is_custom = schemas.is_custom(kind)
        self._patches: Forms = _CUSTOM_PATCHES if is_custom else _PATCHES
        self._sent: Forms = _CUSTOM_SENT if is_custom else _SENT
        group = "".join(part.capitalize() for part in kind.group.removesuffix(".k8s.io").split(".")) or "Core"
        self._prefix = f"{group}{kind.version.capitalize()}"
        self._tag = f"{group[0].lower()}{group[1:]}_{kind.version}"
        self._scope = "Namespaced" if kind.namespaced else ""

    def list(self, *, everywhere: bool = False) -> Operation:
        """Or watch."""
        identity = f"{self._kind.name}ForAllNamespaces" if everywhere else f"{self._scope}{self._kind.name}"
        found = self._schemas.list_of(self._kind)
        return {
            **self._named("list", identity, f"list or watch objects of kind {self._kind.name}"),
            "parameters": list(parameters.LISTING),
            "responses": _answers({"200": found}, {f"{_JSON};stream=watch": models.WATCH_EVENT}),
        }

    def of(self, verb: str) -> Operation:
        """What is done with objects of the kind, or all of them."""
        if verb == "list":
            return self.list()
        if verb in ("delete", "deletecollection"):
            return self._deletion(verb)
        return self._operation(verb, f"{self._scope}{self._kind.name}", self._kind)

    def below(self, subresource: Subresource, verb: str) -> Operation:
        """What is done with a subresource."""
        name = f"{self._kind.name}{subresource.name.capitalize()}"
        if subresource.connects:
            method, description = _METHODS[verb][0], f"connect {verb.upper()} requests to {subresource.name} of a pod"
            return {
                **self._connected(subresource, f"{method.capitalize()}{self._scope}{name}", description),
                "parameters": list(parameters.OF_SUBRESOURCE.get(subresource.name, ())),
                "responses": {"101": {"description": "Switching Protocols"}, "401": {"description": "Unauthorized"}},
            }
        if subresource is LOG:
            return {
                **self._named("read", f"{self._scope}{name}", "read the log of a pod's container", action="get"),
                "parameters": list(parameters.OF_SUBRESOURCE["log"]),
                "responses": {
                    "200": {"description": "OK", "content": {"text/plain": {"schema": {"type": "string"}}}},
                    "401": {"description": "Unauthorized"},
                },
            }
        return self._operation(
            verb, f"{self._scope}{name}", subresource.kind(self._kind), part=f"{subresource.name} of "
        )

    def proxied(self, subresource: Subresource, method: str, suffix: str) -> Operation:
        """What another server answers."""
        name = f"{self._kind.name}{subresource.name.capitalize()}{suffix}"
        description = f"connect {method.upper()} requests to {subresource.name} of {self._kind.name}"
        return {
            **self._connected(subresource, f"{method.capitalize()}{self._scope}{name}", description),
            "parameters": list(parameters.OF_SUBRESOURCE[subresource.name]),
            "responses": {
                "200": {"description": "OK", "content": {"*/*": {"schema": {"type": "string"}}}},
                "401": {"description": "Unauthorized"},
            },
        }

    def _operation(self, verb: str, identity: str, kind: Kind, *, part: str = "") -> Operation:
        model = self._schemas.of_kind(kind)
        method, does, _ = _METHODS[verb]
        operation = self._named(verb, identity, f"{does} {part}the {self._kind.name}", kind=kind)
        if method == "get":
            return {**operation, "responses": _answers({"200": model})}
        sent, forms = (models.PATCH, self._patches) if verb == "patch" else (model, self._sent)
        self._schemas.plain(*([models.PATCH] if verb == "patch" else []))
        codes = ("200", "201") if verb in ("update", "create") else ("200",)
        return {
            **operation,
            "parameters": list(parameters.WRITING),
            "requestBody": {"required": True, "content": _content(sent, forms)},
            "responses": _answers(dict.fromkeys(codes, model)),
        }

    def _deletion(self, verb: str) -> Operation:
        one = verb == "delete"
        status = self._schemas.status()
        answered = status if one else self._schemas.list_of(self._kind)
        identity = f"{'' if one else 'Collection'}{self._scope}{self._kind.name}"
        return {
            **self._named(verb, identity, f"delete {'a' if one else 'a collection of'} {self._kind.name}"),
            "parameters": [*parameters.DELETING, *(() if one else parameters.SELECTING)],
            "requestBody": {"content": _content(models.DELETE_OPTIONS, self._sent)},
            "responses": _answers({"200": answered}),
        }

    def _connected(self, subresource: Subresource, identity: str, description: str) -> Operation:
        """Its kind is that of the options: kubectl takes any PATCH of a Pod for one that validates fields."""
        group, version, kind = subresource.shown_as(self._kind)
        return {
            **self._named("connect", identity, description, action="connect"),
            "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind},
        }

    def _named(
        self, verb: str, identity: str, description: str, *, action: str = "", kind: Kind | None = None
    ) -> Operation:
        does = verb if action else _METHODS[verb][1].removesuffix("Collection")
        return {
            "description": description,
            "operationId": f"{does}{self._prefix}{identity}",
            "tags": [self._tag],
            "x-kubernetes-action": action or _METHODS[verb][2],
            "x-kubernetes-group-version-kind": models.group_version_kind(kind or self._kind),
        }


def _content(model: str, forms: Forms) -> dict[str, Any]:
    return {form: {"schema": {"$ref": REF + model}} for form in forms}


def _answers(found: Mapping[str, str], further: Mapping[str, str] | None = None) -> dict[str, Any]:
    told = {"200": "OK", "201": "Created"}
    responses: dict[str, Any] = {
        code: {"description": told[code], "content": _content(model, (_JSON,))} for code, model in found.items()
    }
    for form, model in (further or {}).items():
        responses["200"]["content"][form] = {"schema": {"$ref": REF + model}}
    return {**responses, "401": {"description": "Unauthorized"}}
