"""What a request wants, as its method and URL say it, whether or not there is such a thing here.

Authorization is asked about it first: who may not know what there is hears that, and not what is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from master.apiserver.authorization import Attributes
from master.apiserver.filters.authorize import attributes, selected_fields
from master.apiserver.request import paths
from master.apiserver.request.paths import Place
from master.apiserver.request.query import Query
from podlab.api import kinds
from podlab.core.v1.node_pb2 import Node
from podlab.errors import NotFound
from podlab.kinds.catalog import Catalog
from podlab.kinds.subresource import ATTACH, EXEC, LOG, PORT_FORWARD

# Below a pod, these stay for long.
_CONNECTED = frozenset({ATTACH.name, EXEC.name, PORT_FORWARD.name})
_STREAMS = _CONNECTED | {LOG.name, paths.PROXY}
# A selection by name is about that name; for everything else, the URL alone says what it is about.
_SELECTING = frozenset({"list", "watch", "deletecollection"})

_NAME_SELECTED = re.compile(r"\s*metadata\.name\s*==?\s*(\S*)\s*")


_NODE = kinds.of(Node)
_KUBELET_PATHS = {
    "metrics": "metrics",
    "stats": "stats",
    "healthz": "healthz",
    "pods": "pods",
    "runningpods": "pods",
    "configz": "configz",
}


@dataclass(frozen=True, slots=True)
class ResolvedRequest:
    """Verbs are Kubernetes', or the method where there is none. `place` may be that nothing is served there."""

    wanted: Attributes
    place: Place | NotFound

    @property
    def long_running(self) -> bool:
        """Whether the answer stays for long."""
        return isinstance(self.place, Place) and (self.wanted.verb == "watch" or self.place.subresource in _STREAMS)


def at_path(method: str, path: str) -> Attributes:
    """What a request wants that is about no objects."""
    return Attributes(method.lower(), path=path)


def at_objects(method: str, path: str, query: Query, catalog: Catalog, *, upgrades: bool = False) -> ResolvedRequest:
    """What a request wants below `/api/v1/` or `/apis/<group>/<version>/`; whether it is for an upgrade."""
    try:
        place = paths.parse(path, catalog)
    except NotFound as absent:
        return _guessed(method, path, query, absent)
    verb = _verb(method, place.name, place.subresource, query)
    if place.subresource == paths.PROXY:
        verb = _proxied_verb(verb, upgrades=upgrades)
    if place.watched and method == "GET":
        verb = paths.WATCH
    selector = query.text("fieldSelector") if verb in _SELECTING else ""
    fields = selected_fields(place.resource, selector)
    wanted = attributes(verb, place.kind, place.namespace, place.name, subresource=place.subresource, fields=fields)
    if place.subresource == paths.PROXY and place.kind is _NODE and verb == "get" and ":" not in place.name:
        wanted = replace(wanted, finer=_of_kubelet(place.path))
    return ResolvedRequest(wanted, place)


def _of_kubelet(path: str) -> str:
    """The subresource of nodes that Kubernetes' kubelet asks about before it asks about `proxy`; empty without one.

    https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/#fine-grained-authorization
    """
    return _KUBELET_PATHS.get(path.strip("/").partition("/")[0], "")


def elsewhere(method: str, path: str, query: Query, *, upgrades: bool) -> tuple[Attributes, bool]:
    """What a request wants of another server, and whether the answer stays for long; whether it is for an upgrade."""
    wanted = _guessed(method, path, query, NotFound(paths.UNKNOWN)).wanted
    is_watch = wanted.verb == paths.WATCH or (method == "GET" and f"/{paths.WATCH}/" in path)
    if wanted.verb in _SELECTING and not wanted.name:
        terms = map(_NAME_SELECTED.fullmatch, query.text("fieldSelector").split(","))
        wanted = replace(wanted, name=next((term[1] for term in terms if term), ""))
    return wanted, is_watch or upgrades


def _guessed(method: str, path: str, query: Query, absent: NotFound) -> ResolvedRequest:
    """What it would be about if there were such a kind."""
    head, *parts = path.strip("/").split("/")
    group, parts = ("", parts[1:]) if head == "api" else (parts[0], parts[2:])
    namespace = ""
    if len(parts) > 2 and parts[0] == "namespaces":
        namespace, parts = parts[1], parts[2:]
    if parts[:1] == [paths.WATCH]:
        parts = parts[1:]
    resource, name, subresource = (*parts, "", "", "")[:3]
    if not resource:
        return ResolvedRequest(at_path(method, path), absent)
    verb = _verb(method, name, subresource, query)
    return ResolvedRequest(Attributes(verb, group, resource, namespace, name, subresource), absent)


def _proxied_verb(verb: str, *, upgrades: bool) -> str:
    """HEAD is a read. Whoever begins a stream does something there, though a WebSocket begins with GET."""
    return "create" if upgrades else "get" if verb == "head" else verb


def _verb(method: str, name: str, subresource: str, query: Query) -> str:
    match method:
        case "GET" if subresource in _CONNECTED:
            return "create"  # whoever streams into a pod does something there, though a WebSocket begins with GET
        case "GET" if name:
            return "get"
        case "GET":
            return "watch" if query.flag("watch") else "list"
        case "POST":
            return "create"
        case "PUT":
            return "update"
        case "PATCH":
            return "patch"
        case "DELETE":
            return "delete" if name else "deletecollection"
    return method.lower()
