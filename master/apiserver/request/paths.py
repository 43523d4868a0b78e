"""What a URL is about. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from podlab.api.kinds import MEASURED, REVIEWS, SERVED, Kind
from podlab.errors import NotFound

UNKNOWN = "the server could not find the requested resource"
WATCH = "watch"
_BY_PLACE = {(kind.group, kind.version, kind.plural): kind for kind in SERVED}
# What Kubernetes has below these kinds and Podlab serves, besides `status`.
SCALABLE = frozenset({"Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"})
_OWN: Mapping[str, tuple[str, ...]] = {
    "Pod": ("attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward"),
    "ServiceAccount": ("token",),
    "CertificateSigningRequest": ("approval",),
    "Namespace": ("finalize",),
}
# A connection begins there: no bodies come or go.
CONNECTED = frozenset({"attach", "exec", "portforward"})
# What Kubernetes has and Podlab does not: refused by name.
ABSENT: Mapping[str, frozenset[str]] = {
    "Pod": frozenset({"proxy", "resize"}),
    "Node": frozenset({"proxy"}),
    "Service": frozenset({"proxy"}),
}


@dataclass(frozen=True, slots=True)
class Place:
    """One object, or a collection of them when it has no name. Without a namespace: of all namespaces."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    watched: bool = False
    """Whether the path itself says that it is to be watched."""


def subresources(kind: Kind) -> tuple[str, ...]:
    """What is served below each object of the kind."""
    own = ("scale",) if kind.name in SCALABLE else _OWN.get(kind.name, ())
    return (*own, "status") if kind.has_status and kind not in REVIEWS else own


def parse(path: str) -> Place:
    """The place of `/api/v1/...` or `/apis/<group>/<version>/...`, where `watch/` may stand before the rest as clients
    of old write it. Raises NotFound."""
    head, *rest = path.strip("/").split("/")
    if head == "api" and rest:
        return _watched_or_not("", rest[0], rest[1:])
    if head == "apis" and len(rest) > 1:
        return _watched_or_not(rest[0], rest[1], rest[2:])
    raise NotFound(UNKNOWN)


def _watched_or_not(group: str, version: str, parts: list[str]) -> Place:
    if parts[:1] != [WATCH]:
        return _place(group, version, parts)
    place = _place(group, version, parts[1:])
    if place.subresource or place.kind in REVIEWS or place.kind in MEASURED:
        raise NotFound(UNKNOWN)
    return replace(place, watched=True)


def _place(group: str, version: str, parts: list[str]) -> Place:
    if not all(parts):
        raise NotFound(UNKNOWN)
    namespace = ""
    if len(parts) > 2 and parts[0] == "namespaces" and (group, version, parts[2]) in _BY_PLACE:
        namespace, parts = parts[1], parts[2:]
    kind = _BY_PLACE.get((group, version, parts[0])) if parts else None
    is_proxied = len(parts) > 3 and parts[2] == "proxy"  # what follows is the path of somebody else's server
    if kind is None or (len(parts) > 3 and not is_proxied) or (namespace and not kind.namespaced):
        raise NotFound(UNKNOWN)
    if len(parts) > 1 and kind.namespaced and not namespace:
        raise NotFound(UNKNOWN)
    name, subresource = (*parts[1:], "", "")[:2]
    if subresource and subresource not in (*subresources(kind), *ABSENT.get(kind.name, ())):
        raise NotFound(f'{UNKNOWN}: {kind.resource} have no subresource "{subresource}"')
    return Place(kind, namespace, name, subresource)
