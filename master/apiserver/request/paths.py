"""What a URL is about. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from podlab.api.kinds import Kind
from podlab.errors import NotFound
from podlab.kinds.catalog import Catalog
from podlab.kinds.resource import Resource

UNKNOWN = "the server could not find the requested resource"
WATCH = "watch"
PROXY = "proxy"


@dataclass(frozen=True, slots=True)
class Place:
    """One object, or a collection of them when it has no name. Without a namespace: of all namespaces."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    path: str = ""
    """What follows the subresource `proxy`: a path of somebody else's server, empty or from its first slash on."""
    watched: bool = False
    """Whether the path itself says that it is to be watched."""
    resource: Resource = field(compare=False, repr=False, kw_only=True)
    """All that is known of the kind, in whichever of its versions the path names it."""


def parse(path: str, catalog: Catalog) -> Place:
    """The place of `/api/v1/...` or `/apis/<group>/<version>/...`, where `watch/` may stand before the rest as clients
    of old write it. Raises NotFound."""
    head, *rest = path.lstrip("/").split("/")
    if head == "api" and rest:
        return _watched_or_not(catalog, ("", rest[0]), rest[1:])
    if head == "apis" and len(rest) > 1:
        return _watched_or_not(catalog, (rest[0], rest[1]), rest[2:])
    raise NotFound(UNKNOWN)


def _watched_or_not(catalog: Catalog, version: tuple[str, str], parts: list[str]) -> Place:
    if parts[:1] != [WATCH]:
        return _place(catalog, version, parts)
    place = _place(catalog, version, parts[1:])
    if place.subresource or not place.resource.stored:
        raise NotFound(UNKNOWN)
    return replace(place, watched=True)


def _place(catalog: Catalog, version: tuple[str, str], parts: list[str]) -> Place:
    parts, path = _without_proxied(catalog, version, parts)
    if not all(parts):
        raise NotFound(UNKNOWN)
    namespace = ""
    if len(parts) > 2 and parts[0] == "namespaces" and catalog.at(*version, parts[2]) is not None:
        namespace, parts = parts[1], parts[2:]
    kind = catalog.at(*version, parts[0]) if parts else None
    if kind is None or len(parts) > 3 or (namespace and not kind.namespaced):
        raise NotFound(UNKNOWN)
    if len(parts) > 1 and kind.namespaced and not namespace:
        raise NotFound(UNKNOWN)
    name, subresource = (*parts[1:], "", "")[:2]
    resource = catalog.resource(kind)
    below = resource.subresource(subresource) if subresource else None
    if subresource and (below is None or not below.over_rest):
        raise NotFound(f'{UNKNOWN}: {kind.resource} have no subresource "{subresource}"')
    return Place(kind, namespace, name, subresource, path, resource=resource)


def _without_proxied(catalog: Catalog, version: tuple[str, str], parts: list[str]) -> tuple[list[str], str]:
    """What is ours of a path, without slashes at its end, and what is the path of a proxied server."""
    is_within = len(parts) > 4 and parts[0] == "namespaces" and catalog.at(*version, parts[2]) is not None
    at = 4 if is_within else 2
    if len(parts) > at + 1 and parts[at] == PROXY:
        return parts[: at + 1], "/".join(("", *parts[at + 1 :]))
    ours = "/".join(parts).rstrip("/")
    return ours.split("/") if ours else [], ""
