"""Roles and their bindings, followed from the watch cache and found by who is bound: a check looks at no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from master.apiserver.authentication.user import User
from master.apiserver.authorization.attributes import Attributes
from master.apiserver.authorization.rules import Role
from master.apiserver.watchcache.cached_object import Event
from master.apiserver.watchcache.kind_window import KindWindow
from podlab.api.kinds import RBAC
from podlab.rbac.v1 import rbac_pb2

SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:"

Binding = rbac_pb2.RoleBinding | rbac_pb2.ClusterRoleBinding
SubjectKey = tuple[str, str]
"""User or Group, and its name. A service account is a user."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that a binding gives to one of its subjects. `namespace` is the binding's, empty for a cluster's."""

    binding: str
    namespace: str
    role_kind: str
    role: str
    subject: rbac_pb2.Subject

    def __str__(self) -> str:
        """As Kubernetes tells what allowed a request."""
        kind, name = ("RoleBinding", f"{self.binding}/{self.namespace}") if self.namespace else (_CLUSTER, self.binding)
        return f'{kind} "{name}" of {self.role_kind} "{self.role}" to {_described(self.subject, self.namespace)}'


_CLUSTER = "ClusterRoleBinding"


class RbacAuthorizer:
    """Lives in the event loop; the windows that it follows alone change it."""

    def __init__(self, windows: Mapping[str, KindWindow]) -> None:
        """`windows` are those of the four kinds, by name."""
        self._roles: dict[tuple[str, str], Role] = {}  # by namespace, which is empty for ClusterRoles, and name
        self._grants: dict[SubjectKey, dict[str, dict[str, Grant]]] = {}  # then by namespace, and by the binding's key
        for name in ("Role", "ClusterRole"):
            windows[name].follow(self._take_role)
        for name in ("RoleBinding", _CLUSTER):
            windows[name].follow(self._take_binding)

    def decide(self, user: User, wanted: Attributes) -> tuple[Grant | None, list[str]]:
        """What allows the request, or None; and which roles were not found on the way."""
        missing: list[str] = []
        for grant in self.grants(user, wanted.namespace):
            role = self.role(grant.role_kind, grant.namespace, grant.role)
            if role is None:
                missing.append(not_found(grant.role_kind, grant.role))
            elif role.allows(wanted):
                return grant, []
        return None, missing

    def rules(self, user: User, namespace: str) -> tuple[list[rbac_pb2.PolicyRule], list[str]]:
        """All rules that count for the user there, and which roles were not found."""
        rules: list[rbac_pb2.PolicyRule] = []
        missing: list[str] = []
        for grant in self.grants(user, namespace):
            role = self.role(grant.role_kind, grant.namespace, grant.role)
            if role is None:
                missing.append(not_found(grant.role_kind, grant.role))
            else:
                rules += role.rules
        return rules, missing

    def role(self, kind: str, namespace: str, name: str) -> Role | None:
        """The role that a binding in the namespace means."""
        return self._roles.get((namespace if kind == "Role" else "", name))

    def grants(self, user: User, namespace: str) -> Iterator[Grant]:
        """What the user has been given: everywhere, then in the namespace. A binding counts once."""
        holders = [("User", user.name), *(("Group", group) for group in user.groups)]
        held = [found for holder in holders if (found := self._grants.get(holder)) is not None]
        for scope in ("", namespace) if namespace else ("",):
            seen: set[str] = set()
            for by_namespace in held:
                for key, grant in by_namespace.get(scope, _NOTHING).items():
                    if key not in seen:
                        seen.add(key)
                        yield grant

    def _take_role(self, event: Event) -> None:
        old: Any = event.old_message() if event.new is None else None
        new: Any = event.new_message()
        if old is not None:
            self._roles.pop((old.metadata.namespace, old.metadata.name), None)
        if new is not None:
            self._roles[new.metadata.namespace, new.metadata.name] = Role(new.rules)

    def _take_binding(self, event: Event) -> None:
        old: Any = event.old_message()
        new: Any = event.new_message()
        if old is not None:
            for holder, _ in _holders(old):
                self._forget(holder, old.metadata.namespace, event.key)
        if new is not None:
            for holder, subject in _holders(new):
                self._keep(holder, new, event.key, subject)

    def _keep(self, holder: SubjectKey, binding: Binding, key: str, subject: rbac_pb2.Subject) -> None:
        metadata, role = binding.metadata, binding.roleRef
        grant = Grant(metadata.name, metadata.namespace, role.kind, role.name, subject)
        scopes = self._grants.setdefault(holder, {})
        scopes.setdefault(metadata.namespace, {}).setdefault(key, grant)

    def _forget(self, holder: SubjectKey, namespace: str, key: str) -> None:
        scopes = self._grants.get(holder)
        if scopes is None or namespace not in scopes:
            return  # the binding names the subject twice
        scopes[namespace].pop(key, None)
        if not scopes[namespace]:
            del scopes[namespace]
        if not scopes:
            del self._grants[holder]


_NOTHING: Mapping[str, Grant] = {}


def not_found(kind: str, name: str) -> str:
    """As Kubernetes tells of a role that a binding names and nobody has made."""
    return f'{kind.lower()}.{RBAC} "{name}" not found'


def _holders(binding: Binding) -> Iterator[tuple[SubjectKey, rbac_pb2.Subject]]:
    """Who is bound, in the order in which the binding says it."""
    for subject in binding.subjects:
        if subject.kind in ("User", "Group"):
            yield (subject.kind, subject.name), subject
        elif subject.kind == "ServiceAccount" and (home := subject.namespace or binding.metadata.namespace):
            yield ("User", f"{SERVICE_ACCOUNT_PREFIX}{home}:{subject.name}"), subject


def _described(subject: rbac_pb2.Subject, namespace: str) -> str:
    name = subject.name
    if subject.kind == "ServiceAccount":
        name = f"{name}/{subject.namespace or namespace}"
    return f'{subject.kind} "{name}"'
