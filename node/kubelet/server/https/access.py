"""What somebody must be allowed to do who asks the kubelet over HTTPS, and who shows which certificate. Pure.

https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
PROXY = "proxy"
# Whoever may not do all may still do these, by the first part of the path. Of the first kind nothing else is asked.
_ALONE = {"stats": "stats", "metrics": "metrics", "logs": "log", "checkpoint": "checkpoint"}
_FINER = {"pods": "pods", "runningpods": "pods", "healthz": "healthz", "configz": "configz"}


@dataclass(frozen=True)
class User:
    """Who asks."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Access:
    """The verb, and the subresources of the node of which one has to be allowed, in the order in which they are
    asked about."""

    verb: str
    subresources: tuple[str, ...]


def wanted(method: str, path: str) -> Access:
    """What a request takes."""
    first = path.removeprefix("/").partition("/")[0].lower()
    verb = _VERBS.get(method, "")
    if first in _ALONE:
        return Access(verb, (_ALONE[first],))
    return Access(verb, (_FINER[first], PROXY) if first in _FINER else (PROXY,))


def forbidden(user: User, access: Access) -> str:
    """The answer to who may not."""
    subresources = " ".join(access.subresources)
    return f"Forbidden (user={user.name}, verb={access.verb}, resource=nodes, subresource(s)=[{subresources}])\n"


def of_certificate(subject: tuple[tuple[tuple[str, str], ...], ...]) -> User | None:
    """Whose a certificate is, by its subject as ssl tells it; None when it names not just one user."""
    parts = [pair for several in subject for pair in several]
    names = [value for name, value in parts if name == "commonName"]
    groups = tuple(value for name, value in parts if name == "organizationName")
    return User(names[0], groups) if len(names) == 1 and names[0] else None
