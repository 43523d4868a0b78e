"""Requests in another's name: who is meant, and what the caller must be allowed for it. Pure.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import unquote

from master.apiserver.authentication.user import ANONYMOUS, AUTHENTICATED, User
from master.apiserver.authorization import Attributes
from master.apiserver.authorization.rbac import SERVICE_ACCOUNT_PREFIX
from podlab.api.kinds import AUTHENTICATION
from podlab.api.values import names
from podlab.errors import BadRequest

_PREFIX = "impersonate-"
_EXTRA = "impersonate-extra-"
_UNAUTHENTICATED = "system:unauthenticated"


@dataclass(frozen=True, slots=True)
class Acting:
    """Who is answered. `impersonator` is who really asks, when it is another, and `wanted` what that one must be
    allowed."""

    user: User
    impersonator: User | None = None
    wanted: tuple[Attributes, ...] = ()


@dataclass(slots=True)
class _Claim:
    """What the headers say."""

    user: str = ""
    groups: list[str] = field(default_factory=list)
    uid: str = ""
    extra: dict[str, list[str]] = field(default_factory=dict)


def is_header(name: str) -> bool:
    """Whether a header says who is impersonated."""
    return name[: len(_PREFIX)].lower() == _PREFIX


def acting(caller: User, headers: Iterable[tuple[str, str | bytes]]) -> Acting:
    """As whom the caller acts. Raises BadRequest for groups, a uid or more of nobody."""
    said = [(name.lower(), str(value)) for name, value in headers if is_header(name)]
    if not said:
        return Acting(caller)
    claim = _claim(said)
    if not claim.user:
        if claim.groups or claim.uid or claim.extra:
            raise BadRequest("groups, a uid or extra cannot be impersonated without impersonating a user")
        return Acting(caller)
    account = _service_account(claim.user)
    wanted = [
        Attributes("impersonate", "", "serviceaccounts", *account)
        if account
        else Attributes("impersonate", "", "users", name=claim.user),
        *(Attributes("impersonate", "", "groups", name=group) for group in claim.groups),
        *(
            Attributes("impersonate", AUTHENTICATION, "userextras", name=value, subresource=key)
            for key, values in claim.extra.items()
            for value in values
        ),
    ]
    if claim.uid:
        wanted.append(Attributes("impersonate", AUTHENTICATION, "uids", name=claim.uid))
    extra = MappingProxyType({key: tuple(values) for key, values in claim.extra.items()})
    user = User(claim.user, _groups(claim, account), claim.uid, extra)
    return Acting(user, caller, tuple(wanted))


def _claim(said: Iterable[tuple[str, str]]) -> _Claim:
    """From headers whose names are in lower case."""
    claim = _Claim()
    for name, value in said:
        match name:
            case "impersonate-user":
                claim.user = claim.user or value
            case "impersonate-group":
                claim.groups.append(value)
            case "impersonate-uid":
                claim.uid = claim.uid or value
            case key if key.startswith(_EXTRA):
                claim.extra.setdefault(unquote(key.removeprefix(_EXTRA)).lower(), []).append(value)
    return claim


def _groups(claim: _Claim, account: tuple[str, str] | None) -> frozenset[str]:
    """Those that are named; a service account's are known. Everybody is authenticated but who is anonymous."""
    groups = set(claim.groups)
    if account and not groups:
        groups = {"system:serviceaccounts", f"system:serviceaccounts:{account[0]}"}
    if claim.user == ANONYMOUS.name:
        groups.add(_UNAUTHENTICATED)
    elif _UNAUTHENTICATED not in groups:
        groups.add(AUTHENTICATED)
    return frozenset(groups)


def _service_account(user: str) -> tuple[str, str] | None:
    """Namespace and name, when the user is a service account."""
    if not user.startswith(SERVICE_ACCOUNT_PREFIX):
        return None
    namespace, _, name = user.removeprefix(SERVICE_ACCOUNT_PREFIX).partition(":")
    if names.rfc1123_label(namespace) or names.rfc1123_subdomain(name):
        return None
    return namespace, name
