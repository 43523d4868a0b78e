"""What is served, as clients discover it: group by group, or all at once. Pure."""

from __future__ import annotations

from collections.abc import Callable

from master.apiserver.request.paths import subresources
from podlab.api.kinds import MEASURED, REVIEWS, SERVED, Kind
from podlab.errors import NotFound

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
REVIEW_VERBS = ("create",)
MEASURED_VERBS = ("get", "list")
SUBRESOURCES: dict[str, tuple[tuple[str, str, str] | None, tuple[str, ...]]] = {
    # What is read or written there (None: the kind itself), and the verbs.
    "status": (None, ("get", "patch", "update")),
    "attach": (("", "v1", "PodAttachOptions"), ("create", "get")),
    "eviction": (("policy", "v1", "Eviction"), ("create",)),
    "exec": (("", "v1", "PodExecOptions"), ("create", "get")),
    "ephemeralcontainers": (None, ("get", "patch", "update")),
    "log": (None, ("get",)),
    "portforward": (("", "v1", "PodPortForwardOptions"), ("create", "get")),
    "binding": (("", "v1", "Binding"), ("create",)),
    "approval": (None, ("get", "patch", "update")),
    "finalize": (None, ("update",)),
    "token": (("authentication.k8s.io", "v1", "TokenRequest"), ("create",)),
    "scale": (("autoscaling", "v1", "Scale"), ("get", "patch", "update")),
}


def verbs_of(kind: Kind) -> tuple[str, ...]:
    """What can be done with objects of the kind."""
    return REVIEW_VERBS if kind in REVIEWS else MEASURED_VERBS if kind in MEASURED else VERBS


def versions(address: str) -> dict[str, object]:
    """What /api answers."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def groups() -> dict[str, object]:
    """What /apis answers."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in _names() if name]}


def group(name: str) -> dict[str, object]:
    """What /apis/<group> answers. Raises NotFound."""
    if not name or name not in _names():
        raise NotFound("the server could not find the requested resource")
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name)}


def resources(name: str, version: str) -> dict[str, object]:
    """What /api/v1 and /apis/<group>/<version> answer. Raises NotFound."""
    found = [kind for kind in SERVED if (kind.group, kind.version) == (name, version)]
    if not found:
        raise NotFound("the server could not find the requested resource")
    listed = [one for kind in found for one in (_resource(kind), *_subresources_of(kind))]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": found[0].api_version, "resources": listed}


def aggregated(version: str, wanted: Callable[[str], bool]) -> dict[str, object]:
    """An APIGroupDiscoveryList of the groups that are wanted."""
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [
            {"metadata": {"name": name, "creationTimestamp": None}, "versions": _discovered(name)}
            for name in _names()
            if wanted(name)
        ],
    }


def _names() -> list[str]:
    return list(dict.fromkeys(kind.group for kind in SERVED))


def _versions(name: str) -> list[str]:
    return list(dict.fromkeys(kind.version for kind in SERVED if kind.group == name))


def _group(name: str) -> dict[str, object]:
    served = [{"groupVersion": f"{name}/{version}", "version": version} for version in _versions(name)]
    return {"name": name, "versions": served, "preferredVersion": served[0]}


def _resource(kind: Kind) -> dict[str, object]:
    return {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": verbs_of(kind),
        **_names_of(kind),
    }


def _subresources_of(kind: Kind) -> list[dict[str, object]]:
    listed = []
    for name in subresources(kind):
        other, verbs = SUBRESOURCES[name]
        group_version = {"group": other[0], "version": other[1]} if other and other[0] else {}
        listed.append(
            {
                "name": f"{kind.plural}/{name}",
                "singularName": "",
                "namespaced": kind.namespaced,
                **group_version,
                "kind": other[2] if other else kind.name,
                "verbs": verbs,
            }
        )
    return listed


def _discovered(name: str) -> list[dict[str, object]]:
    return [
        {
            "version": version,
            "freshness": "Current",
            "resources": [_discovered_kind(kind) for kind in SERVED if (kind.group, kind.version) == (name, version)],
        }
        for version in _versions(name)
    ]


def _discovered_kind(kind: Kind) -> dict[str, object]:
    below = []
    for name in subresources(kind):
        other, verbs = SUBRESOURCES[name]
        below.append({"subresource": name, "responseKind": _kind(*(other or _own(kind))), "verbs": verbs})
    return {
        "resource": kind.plural,
        "responseKind": _kind(*_own(kind)),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": verbs_of(kind),
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
