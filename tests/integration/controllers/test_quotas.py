"""The quota controller puts right what is not."""

from __future__ import annotations

from typing import Any

from podlab_testing.cluster_view import ClusterView

from master.controllers.settings import ControllersSettings
from podlab.api.kinds import GroupKind
from podlab.core.v1 import config_pb2, quota_pb2
from podlab.meta.v1 import meta_pb2


def shown(seen: ClusterView) -> Any:
    return seen.informers.by_kind[GroupKind("", "ResourceQuota")].get("q", "default")


async def test_a_quota_that_changes_is_counted_anew(seen: ClusterView, controllers: ControllersSettings) -> None:
    for name in ("one", "two"):
        await seen.client.create(config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name=name, namespace="default")))
    quota = quota_pb2.ResourceQuota(metadata=meta_pb2.ObjectMeta(name="q", namespace="default"))
    quota.spec.hard["pods"].string = "5"
    quota = await seen.client.create(quota)
    quota.spec.hard["configmaps"].string = "9"
    await seen.client.update(quota)
    await seen.until(lambda: "configmaps" in shown(seen).status.used, "ConfigMaps are counted")
    listed = await seen.client.list(config_pb2.ConfigMap, "default")
    assert shown(seen).status.hard["configmaps"].string == "9"
    assert int(shown(seen).status.used["configmaps"].string) == len(listed.items)
