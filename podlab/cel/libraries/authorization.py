"""Kubernetes' authorizer: what a user may do, asked by policies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import ClassVar

from podlab.cel import costs
from podlab.cel.declarations import Library, Overload, method


@dataclass(frozen=True, slots=True)
class Check:
    """What is asked: a verb of a URL's path, or of a resource. `account` is the namespace and name of the
    ServiceAccount whose rights are asked about, None for the user who writes."""

    _: KW_ONLY
    account: tuple[str, str] | None = None
    path: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    verb: str = ""


@dataclass(frozen=True, slots=True)
class AuthorizerDecision:
    """Whether it is allowed, and why."""

    allowed: bool
    reason: str = ""
    error: str = ""

    cel_type: ClassVar[str] = "kubernetes.authorization.Decision"


Decide = Callable[[Check], AuthorizerDecision]


@dataclass(frozen=True, slots=True)
class AuthorizerValue:
    """Where questions begin."""

    decide: Decide
    check: Check = field(default_factory=Check)

    cel_type: ClassVar[str] = "kubernetes.authorization.Authorizer"


class PathCheck(AuthorizerValue):
    """A question about a path."""

    cel_type: ClassVar[str] = "kubernetes.authorization.PathCheck"


class GroupCheck(AuthorizerValue):
    """A question about a group's resources, of which none has been named."""

    cel_type: ClassVar[str] = "kubernetes.authorization.GroupCheck"


class ResourceCheck(AuthorizerValue):
    """A question about a resource."""

    cel_type: ClassVar[str] = "kubernetes.authorization.ResourceCheck"


def _path(authorizer: AuthorizerValue, path: str) -> PathCheck:
    return PathCheck(authorizer.decide, replace(authorizer.check, path=path))


def _group(authorizer: AuthorizerValue, group: str) -> GroupCheck:
    return GroupCheck(authorizer.decide, replace(authorizer.check, group=group))


def _account(authorizer: AuthorizerValue, namespace: str, name: str) -> AuthorizerValue:
    return AuthorizerValue(authorizer.decide, replace(authorizer.check, account=(namespace, name)))


def _resource(group: GroupCheck, resource: str) -> ResourceCheck:
    return ResourceCheck(group.decide, replace(group.check, resource=resource))


def _narrowed(part: str) -> Overload:
    def narrow(asked: ResourceCheck, value: str) -> ResourceCheck:
        check = asked.check
        match part:
            case "subresource":
                check = replace(check, subresource=value)
            case "namespace":
                check = replace(check, namespace=value)
            case "name":
                check = replace(check, name=value)
        return ResourceCheck(asked.decide, check)

    return method(ResourceCheck.cel_type, ResourceCheck.cel_type, narrow, "string")


def _decided(asked: AuthorizerValue, verb: str) -> AuthorizerDecision:
    return asked.decide(replace(asked.check, verb=verb))


def _check_cost(*_: object) -> int:
    return costs.AUTHORIZATION_CHECK


_AUTHORIZER, _DECISION = AuthorizerValue.cel_type, AuthorizerDecision.cel_type

LIBRARY = Library(
    functions={
        "path": (method(_AUTHORIZER, PathCheck.cel_type, _path, "string"),),
        "group": (method(_AUTHORIZER, GroupCheck.cel_type, _group, "string"),),
        "serviceAccount": (method(_AUTHORIZER, _AUTHORIZER, _account, "string", "string"),),
        "resource": (method(GroupCheck.cel_type, ResourceCheck.cel_type, _resource, "string"),),
        **{part: (_narrowed(part),) for part in ("subresource", "namespace", "name")},
        "check": (
            method(PathCheck.cel_type, _DECISION, _decided, "string", cost=_check_cost),
            method(ResourceCheck.cel_type, _DECISION, _decided, "string", cost=_check_cost),
        ),
        "allowed": (method(_DECISION, "bool", lambda decision: decision.allowed),),
        "reason": (method(_DECISION, "string", lambda decision: decision.reason),),
        "error": (method(_DECISION, "string", lambda decision: decision.error),),
        "errored": (method(_DECISION, "bool", lambda decision: bool(decision.error)),),
    },
    types={one.cel_type: one for one in (AuthorizerValue, AuthorizerDecision, PathCheck, GroupCheck, ResourceCheck)},
)
