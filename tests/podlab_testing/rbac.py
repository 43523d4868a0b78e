"""Roles and bindings for tests, and a policy over windows into which they are put or from which they are taken."""

from __future__ import annotations

from typing import Any

from master.apiserver.authorization.rbac import RbacAuthorizer
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.kind_window import KindWindow
from podlab.api import kinds
from podlab.api.kinds import RBAC
from podlab.client.client import Client
from podlab.rbac.v1 import rbac_pb2
from podlab_testing import builtin_kinds

RBAC_KINDS = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


class Rbac:
    """`policy` follows what is put and taken."""

    def __init__(self) -> None:
        self._windows = {name: KindWindow(builtin_kinds.named(name)) for name in RBAC_KINDS}
        self._revision = 1
        for window in self._windows.values():
            window.load({}, 1)
        self.policy = RbacAuthorizer(self._windows)

    def put(self, *objects: Any) -> None:
        for one in objects:
            self._apply(one, one.SerializeToString())

    def take(self, one: Any) -> None:
        self._apply(one, None)

    def _apply(self, one: Any, value: bytes | None) -> None:
        kind = kinds.of(one)
        self._revision += 1
        key = keys.object_key(kind, one.metadata.namespace, one.metadata.name)
        self._windows[kind.name].apply(key, value, self._revision)


def role(name: str, *rules: rbac_pb2.PolicyRule, namespace: str = "") -> Any:
    made = rbac_pb2.Role(rules=rules) if namespace else rbac_pb2.ClusterRole(rules=rules)
    made.metadata.name, made.metadata.namespace = name, namespace
    return made


def binding(name: str, role_kind: str, role_name: str, *subjects: str, namespace: str = "") -> Any:
    """Subjects as User:jane, Group:dev, ServiceAccount:ns/robot."""
    made = rbac_pb2.RoleBinding() if namespace else rbac_pb2.ClusterRoleBinding()
    made.metadata.name, made.metadata.namespace = name, namespace
    made.roleRef.CopyFrom(rbac_pb2.RoleRef(apiGroup=RBAC, kind=role_kind, name=role_name))
    for subject in subjects:
        kind, _, who = subject.partition(":")
        if kind == "ServiceAccount":
            home, _, who = who.rpartition("/")
            made.subjects.add(kind=kind, name=who, namespace=home)
        else:
            made.subjects.add(kind=kind, name=who, apiGroup=RBAC)
    return made


async def grant(admin: Client, user: str, verbs: str, resources: str) -> None:
    """Let a user do this with core resources, in all namespaces."""
    rule = rbac_pb2.PolicyRule(verbs=verbs.split(), apiGroups=[""], resources=resources.split())
    await admin.create(role(f"of-{user}", rule))
    await admin.create(binding(f"of-{user}", "ClusterRole", f"of-{user}", f"User:{user}"))
