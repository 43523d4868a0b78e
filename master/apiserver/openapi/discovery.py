"""What is served, as clients discover it: group by group, or all at once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from podlab.api.kinds import Kind
from podlab.errors import NotFound
from podlab.kinds.catalog import Catalog

Order = Mapping[str, Sequence[str]]
"""Groups, the ones to prefer first, each with its versions, the ones to prefer first."""


class Elsewhere(Protocol):
    """What another server says that it has of a group version, and whether it said so when it was asked last."""

    @property
    def resources(self) -> Sequence[Mapping[str, object]]: ...
    @property
    def is_current(self) -> bool: ...


def core_versions(address: str) -> dict[str, object]:
    """What /api answers."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def groups(order: Order) -> dict[str, object]:
    """What /apis answers."""
    listed = [_group(name, served) for name, served in order.items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def group(order: Order, name: str) -> dict[str, object]:
    """What /apis/<group> answers. Raises NotFound."""
    if not name or name not in order:
        raise NotFound("the server could not find the requested resource")
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, order[name])}


def resources(catalog: Catalog, name: str, version: str) -> dict[str, object]:
    """What /api/v1 and /apis/<group>/<version> answer. Raises NotFound."""
    found = [kind for kind in catalog.kinds if (kind.group, kind.version) == (name, version)]
    if not found:
        raise NotFound("the server could not find the requested resource")
    listed = [one for kind in found for one in (_resource(catalog, kind), *_subresources_of(catalog, kind))]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": found[0].api_version, "resources": listed}


def aggregated(
    catalog: Catalog,
    version: str,
    order: Order,
    elsewhere: Callable[[str, str], Elsewhere | None],
    wanted: Callable[[str], bool],
) -> dict[str, object]:
    """An APIGroupDiscoveryList of the groups that are wanted; `elsewhere` tells of a group and version."""

    def discovered(name: str, served: str) -> dict[str, object]:
        if (other := elsewhere(name, served)) is None:
            return _discovered(catalog, name, served)
        freshness = "Current" if other.is_current else "Stale"
        told = {"resources": other.resources} if other.resources else {}
        return {"version": served, **told, "freshness": freshness}

    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [
            {
                "metadata": {"name": name, "creationTimestamp": None},
                "versions": [discovered(name, served) for served in versions],
            }
            for name, versions in order.items()
            if wanted(name)
        ],
    }


def _group(name: str, versions: Sequence[str]) -> dict[str, object]:
    served = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": served, "preferredVersion": served[0]}


def _resource(catalog: Catalog, kind: Kind) -> dict[str, object]:
    return {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": catalog.resource(kind).verbs,
        **_names_of(kind),
    }


def _subresources_of(catalog: Catalog, kind: Kind) -> list[dict[str, object]]:
    listed = []
    for one in catalog.resource(kind).served_below:
        group, version, name = one.shown_as(kind)
        is_other = (group, version, name) != _own(kind)
        group_version = {"group": group, "version": version} if is_other and group else {}
        listed.append(
            {
                "name": f"{kind.plural}/{one.name}",
                "singularName": "",
                "namespaced": kind.namespaced,
                **group_version,
                "kind": name,
                "verbs": one.verbs,
            }
        )
    return listed


def _discovered(catalog: Catalog, name: str, version: str) -> dict[str, object]:
    found = (kind for kind in catalog.kinds if (kind.group, kind.version) == (name, version))
    return {
        "version": version,
        "freshness": "Current",
        "resources": [_discovered_kind(catalog, kind) for kind in found],
    }


def _discovered_kind(catalog: Catalog, kind: Kind) -> dict[str, object]:
    resource = catalog.resource(kind)
    below = [
        {"subresource": one.name, "responseKind": _kind(*one.shown_as(kind)), "verbs": one.verbs}
        for one in resource.served_below
    ]
    return {
        "resource": kind.plural,
        "responseKind": _kind(*_own(kind)),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": catalog.resource(kind).verbs,
        **_names_of(kind),
        **({"subresources": below} if below else {}),
    }


def _own(kind: Kind) -> tuple[str, str, str]:
    return kind.group, kind.version, kind.name


def _kind(name: str, version: str, kind: str) -> dict[str, str]:
    return {"group": name, "version": version, "kind": kind}


def _names_of(kind: Kind) -> dict[str, object]:
    names: dict[str, object] = {"shortNames": kind.short_names} if kind.short_names else {}
    return names | ({"categories": kind.categories} if kind.categories else {})
