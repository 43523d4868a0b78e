"""The RBAC authorizer. It follows roles and bindings in the watch cache, and finds bindings by their subjects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from master.apiserver.authentication.user import User
from master.apiserver.authorization.attributes import Attributes
from master.apiserver.authorization.rules import Role
from master.apiserver.watchcache.cached_object import CacheEvent
from master.apiserver.watchcache.kind_window import KindWindow
from podlab.api.kinds import RBAC
from podlab.rbac.v1 import rbac_pb2

SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:"

Binding = rbac_pb2.RoleBinding | rbac_pb2.ClusterRoleBinding
SubjectKey = tuple[str, str]
"""User or Group, and its name. A service account counts as a user."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that a binding gives to one of its subjects. `namespace` is empty for a ClusterRoleBinding."""

    binding: str
    namespace: str
    role_kind: str
    role: str
    subject: rbac_pb2.Subject

    def __str__(self) -> str:
        """The reason of a decision, in Kubernetes' words."""
        kind, name = ("RoleBinding", f"{self.binding}/{self.namespace}") if self.namespace else (_CLUSTER, self.binding)
        return f'{kind} "{name}" of {self.role_kind} "{self.role}" to {_described(self.subject, self.namespace)}'


_CLUSTER = "ClusterRoleBinding"


FOLLOWED = (rbac_pb2.Role, rbac_pb2.ClusterRole, rbac_pb2.RoleBinding, rbac_pb2.ClusterRoleBinding)


class RbacAuthorizer:
    """Lives in the event loop. Only the windows that it follows change it."""

    def __init__(self, windows: Mapping[str, KindWindow]) -> None:
        """`windows` are those of the four RBAC kinds, by kind name."""
        self._roles: dict[tuple[str, str], Role] = {}  # by namespace, which is empty for ClusterRoles, and name
        self._grants: dict[SubjectKey, dict[str, dict[str, Grant]]] = {}  # then by namespace, and by the binding's key
        for name in ("Role", "ClusterRole"):
            windows[name].follow(self._take_role)
        for name in ("RoleBinding", _CLUSTER):
            windows[name].follow(self._take_binding)

    def decide(self, user: User, wanted: Attributes) -> tuple[Grant | None, list[str]]:
        """The grant that allows the request, or None; and the errors for roles that were not found."""
        missing: list[str] = []
        for grant in self.grants(user, wanted.namespace):
            role = self.role(grant.role_kind, grant.namespace, grant.role)
            if role is None:
                missing.append(not_found(grant.role_kind, grant.role))
            elif role.allows(wanted):
                return grant, []
        return None, missing

    def rules(self, user: User, namespace: str) -> tuple[list[rbac_pb2.PolicyRule], list[str]]:
        """All rules that apply to the user there, and the errors for roles that were not found."""
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
        """The role that a binding in the namespace refers to."""
        return self._roles.get((namespace if kind == "Role" else "", name))

    def grants(self, user: User, namespace: str) -> Iterator[Grant]:
        """The user's grants: those for the whole cluster, then those in the namespace. A binding counts once."""
        subjects = [("User", user.name), *(("Group", group) for group in user.groups)]
        granted = [scopes for subject in subjects if (scopes := self._grants.get(subject)) is not None]
        for scope in ("", namespace) if namespace else ("",):
            seen: set[str] = set()
            for by_namespace in granted:
                for key, grant in by_namespace.get(scope, _NOTHING).items():
                    if key not in seen:
                        seen.add(key)
                        yield grant

    def _take_role(self, event: CacheEvent) -> None:
        old: Any = event.old_message() if event.new is None else None
        new: Any = event.new_message()
        if old is not None:
            self._roles.pop((old.metadata.namespace, old.metadata.name), None)
        if new is not None:
            self._roles[new.metadata.namespace, new.metadata.name] = Role(new.rules)

    def _take_binding(self, event: CacheEvent) -> None:
        old: Any = event.old_message()
        new: Any = event.new_message()
        if old is not None:
            for subject_key, _ in _subjects(old):
                self._remove(subject_key, old.metadata.namespace, event.key)
        if new is not None:
            for subject_key, subject in _subjects(new):
                self._add(subject_key, new, event.key, subject)

    def _add(self, subject_key: SubjectKey, binding: Binding, key: str, subject: rbac_pb2.Subject) -> None:
        metadata, role = binding.metadata, binding.roleRef
        grant = Grant(metadata.name, metadata.namespace, role.kind, role.name, subject)
        scopes = self._grants.setdefault(subject_key, {})
        scopes.setdefault(metadata.namespace, {}).setdefault(key, grant)

    def _remove(self, subject_key: SubjectKey, namespace: str, key: str) -> None:
        scopes = self._grants.get(subject_key)
        if scopes is None or namespace not in scopes:
            return  # the binding names the subject twice
        scopes[namespace].pop(key, None)
        if not scopes[namespace]:
            del scopes[namespace]
        if not scopes:
            del self._grants[subject_key]


_NOTHING: Mapping[str, Grant] = {}


def not_found(kind: str, name: str) -> str:
    """Kubernetes' error for a binding whose role does not exist."""
    return f'{kind.lower()}.{RBAC} "{name}" not found'


def _subjects(binding: Binding) -> Iterator[tuple[SubjectKey, rbac_pb2.Subject]]:
    """The binding's subjects in their order, each with its key."""
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
