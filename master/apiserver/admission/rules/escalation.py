"""Nobody gives what he has not got: who writes a role or a binding must have all that it allows. Pure.

Or be allowed to `escalate` the role, or to `bind` it.
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

from google.protobuf.message import Message

from master.apiserver.authentication.user import User
from master.apiserver.authorization.attributes import Attributes
from master.apiserver.authorization.authorizer import ADMINISTRATORS, Authorizer, joined
from master.apiserver.authorization.rbac import not_found
from master.apiserver.authorization.rules import Role
from podlab.api import kinds
from podlab.api.kinds import RBAC
from podlab.errors import Forbidden, NotFound
from podlab.rbac.v1 import rbac_pb2

PolicyRule = rbac_pb2.PolicyRule
EVERYTHING = (Attributes("*", "*", "*"), Attributes("*", path="*"))
# A rule of many groups, resources and names stands for as many single permissions as their product.
_MOST_PERMISSIONS = 20_000


def check(authorizer: Authorizer, user: User, new: Message, old: Message | None) -> None:
    """Raises Forbidden when the user may not write this role or binding, and NotFound for a binding to no role."""
    if ADMINISTRATORS in user.groups or (old is not None and _changes_only_ownership(new, old)):
        return
    if isinstance(new, rbac_pb2.Role | rbac_pb2.ClusterRole):
        _check_role(authorizer, user, new, old)
    elif isinstance(new, rbac_pb2.RoleBinding | rbac_pb2.ClusterRoleBinding):
        _check_binding(authorizer, user, new)


def _check_role(
    authorizer: Authorizer, user: User, new: rbac_pb2.Role | rbac_pb2.ClusterRole, old: Message | None
) -> None:
    kind, metadata = kinds.of(new), new.metadata
    # As the request does: what is created has no name yet.
    name = metadata.name if old is not None else ""
    if authorizer.decide(user, Attributes("escalate", RBAC, kind.plural, metadata.namespace, name)).allowed:
        return
    if why := _beyond(authorizer, user, metadata.namespace, new.rules):
        raise _forbidden(new, why)
    if _aggregates(new) or _aggregates(old):
        owned = Role(authorizer.rules(user, metadata.namespace).rules)
        if not all(owned.allows(part) for part in EVERYTHING):
            raise _forbidden(new, "must have cluster-admin privileges to use the aggregationRule")


def _check_binding(authorizer: Authorizer, user: User, new: rbac_pb2.RoleBinding | rbac_pb2.ClusterRoleBinding) -> None:
    role, namespace = new.roleRef, new.metadata.namespace
    plural = "roles" if role.kind == "Role" else "clusterroles"
    if authorizer.decide(user, Attributes("bind", RBAC, plural, namespace, role.name)).allowed:
        return
    given = authorizer.rbac.role(role.kind, namespace, role.name)
    if given is None:
        raise NotFound(not_found(role.kind, role.name), kind=f"{plural}.{RBAC}", name=role.name)
    if why := _beyond(authorizer, user, namespace, given.rules):
        raise _forbidden(new, why)


def _beyond(authorizer: Authorizer, user: User, namespace: str, granted: Iterable[PolicyRule]) -> str:
    """What the user would give without having it, in words; empty for nothing."""
    known = authorizer.rules(user, namespace)
    lacking = missing(Role(known.rules), granted)
    if not lacking:
        return ""
    groups = " ".join(f'"{group}"' for group in sorted(user.groups))
    lines = "\n".join(sorted(set(described(lacking))))
    told = (
        f'user "{user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:\n{lines}'
    )
    return f"{told}; resolution errors: [{joined(known.errors)}]" if known.errors else told


def missing(owned: Role, granted: Iterable[PolicyRule]) -> list[Attributes]:
    """The single permissions among those granted that are not owned.

    One permission is asked for as a request is, with the rule's own words, `*` among them: it takes the same to cover.
    """
    rules = tuple(granted)
    if all(owned.allows(part) for part in EVERYTHING):
        return []
    if sum(map(_size, rules)) > _MOST_PERMISSIONS:
        return list(EVERYTHING)  # too many to be looked at one by one: who has everything may give them
    return [part for rule in rules for part in _permissions(rule) if not owned.allows(part)]


def missing_rules(owned: Iterable[PolicyRule], wanted: Iterable[PolicyRule]) -> list[PolicyRule]:
    """Those of the wanted rules that allow something that the owned ones do not."""
    have = Role(owned)
    return [rule for rule in wanted if missing(have, [rule])]


def described(permissions: Iterable[Attributes]) -> Iterator[str]:
    """As Kubernetes writes rules in one line; all verbs on the same resource together."""
    verbs: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for one in permissions:
        if one.path:
            about: tuple[tuple[str, str], ...] = (("NonResourceURLs", one.path), ("Verbs", one.verb))
        else:
            named = (("ResourceNames", one.name), ("Verbs", one.verb)) if one.name else ()
            about = (("APIGroups", one.group), ("Resources", one.combined), *named)
        verbs.setdefault(about, []).append(one.verb)
    for about, found in verbs.items():
        told = [f'{name}:["{value}"]' for name, value in about]
        if about[-1][0] != "Verbs":
            told.append("Verbs:[{}]".format(" ".join(f'"{verb}"' for verb in found)))
        yield "{" + ", ".join(told) + "}"


def _permissions(rule: PolicyRule) -> Iterator[Attributes]:
    """The rule as rules of one verb and one resource, name or path."""
    for group, resource, verb in product(rule.apiGroups, rule.resources, rule.verbs):
        plural, _, subresource = resource.partition("/")
        for name in rule.resourceNames or [""]:
            yield Attributes(verb, group, plural, "", name, subresource)
    for url, verb in product(rule.nonResourceURLs, rule.verbs):
        yield Attributes(verb, path=url)


def _size(rule: PolicyRule) -> int:
    resources = len(rule.apiGroups) * len(rule.resources) * max(1, len(rule.resourceNames))
    return (resources + len(rule.nonResourceURLs)) * len(rule.verbs)


def _aggregates(role: Any) -> bool:
    return isinstance(role, rbac_pb2.ClusterRole) and role.HasField("aggregationRule")


def _changes_only_ownership(new: Any, old: Any) -> bool:
    """Owners and finalizers are what the garbage collector writes."""
    after, before = type(new)(), type(old)()
    after.CopyFrom(new)
    before.CopyFrom(old)
    for message in (after, before):
        for field in ("ownerReferences", "finalizers", "resourceVersion"):
            message.metadata.ClearField(field)
    return bool(after == before)


def _forbidden(message: Any, why: str) -> Forbidden:
    resource, name = kinds.of(message).resource, message.metadata.name
    return Forbidden(f'{resource} "{name}" is forbidden: {why}', kind=resource, name=name)
