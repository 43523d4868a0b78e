"""ClusterRoles that are made of others follow them."""

from __future__ import annotations

from podlab_testing.cluster_view import ClusterView

from master.controllers.settings import ControllersSettings
from podlab.api.kinds import GroupKind
from podlab.rbac.v1 import rbac_pb2


async def test_a_role_with_the_label_widens_view_edit_and_admin(
    seen: ClusterView, controllers: ControllersSettings
) -> None:
    added = rbac_pb2.ClusterRole()
    added.metadata.name = "crontabs-view"
    added.metadata.labels["rbac.authorization.k8s.io/aggregate-to-view"] = "true"
    added.rules.add(verbs=["get"], apiGroups=["stable.example.com"], resources=["crontabs"])
    roles = seen.informers.by_kind[GroupKind("rbac.authorization.k8s.io", "ClusterRole")]

    def have_it() -> set[str]:
        return {name for name in ("view", "edit", "admin") if added.rules[0] in roles.get(name).rules}

    await seen.client.create(added)
    await seen.until(lambda: have_it() == {"view", "edit", "admin"}, "the rule in all three roles")
    await seen.client.delete(rbac_pb2.ClusterRole, "crontabs-view")
    await seen.until(lambda: not have_it(), "the rule gone from all three roles")
