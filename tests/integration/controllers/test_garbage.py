"""What goes with its owners, what stays, and what is said of owners that nobody can have."""

from __future__ import annotations

import pytest
from podlab_testing.cluster_view import ClusterView

from master.controllers.settings import ControllersSettings
from podlab.api.kinds import GroupKind
from podlab.core.v1 import config_pb2, namespace_pb2
from podlab.v1 import apiserver_pb2

ConfigMap = config_pb2.ConfigMap
BACKGROUND = apiserver_pb2.PROPAGATION_POLICY_BACKGROUND
FOREGROUND = apiserver_pb2.PROPAGATION_POLICY_FOREGROUND
ORPHAN = apiserver_pb2.PROPAGATION_POLICY_ORPHAN


async def make(
    seen: ClusterView, name: str, *owners: ConfigMap, namespace: str = "default", blocks: bool = True
) -> ConfigMap:
    made = ConfigMap()
    made.metadata.name, made.metadata.namespace = name, namespace
    for owner in owners:
        made.metadata.ownerReferences.add(
            apiVersion="v1",
            kind="ConfigMap",
            name=owner.metadata.name,
            uid=owner.metadata.uid,
            blockOwnerDeletion=blocks,
        )
    created: ConfigMap = await seen.client.create(made)
    return created


def names(seen: ClusterView, namespace: str = "default") -> set[str]:
    found = (one.metadata.name for one in seen.informers.by_kind[GroupKind("", "ConfigMap")].list(namespace))
    return {name for name in found if name != "kube-root-ca.crt"}


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        pytest.param(BACKGROUND, {"other", "shared"}, id="background"),
        pytest.param(FOREGROUND, {"other", "shared"}, id="foreground"),
        pytest.param(ORPHAN, {"child", "grandchild", "other", "shared"}, id="orphan"),
    ],
)
async def test_what_goes_with_its_owner(
    seen: ClusterView, controllers: ControllersSettings, policy: int, left: set[str]
) -> None:
    owner, other = await make(seen, "owner"), await make(seen, "other")
    child = await make(seen, "child", owner)
    await make(seen, "grandchild", child)
    await make(seen, "shared", owner, other)
    await seen.client.delete(ConfigMap, "owner", "default", propagation=policy)
    await seen.until(lambda: names(seen) == left, f"{left} to be left")
    kept = {child.metadata.uid, other.metadata.uid}

    def owners() -> set[str]:
        maps = seen.informers.by_kind[GroupKind("", "ConfigMap")].list("default")
        return {reference.uid for one in maps for reference in one.metadata.ownerReferences}

    await seen.until(lambda: owners() <= kept, "nothing to name the owner that is gone")


async def test_what_does_not_block_its_owner_goes_at_once_and_only_what_blocks_holds_it(
    seen: ClusterView, controllers: ControllersSettings
) -> None:
    owner = await make(seen, "owner")
    blocking = await make(seen, "blocking", owner)
    free = await make(seen, "free", owner, blocks=False)
    await make(seen, "below", free, blocks=False)
    held = await make(seen, "held", owner, blocks=False)
    for one in (blocking, held):
        one.metadata.finalizers.append("example.com/keep")
        one.metadata.resourceVersion = (await seen.client.update(one)).metadata.resourceVersion
    await seen.client.delete(ConfigMap, "owner", "default", propagation=FOREGROUND)
    await seen.until(lambda: names(seen) == {"owner", "blocking", "held"}, "the two that nothing holds to go")

    def going(name: str) -> bool:
        found = seen.informers.by_kind[GroupKind("", "ConfigMap")].get(name, "default")
        return found is not None and found.metadata.HasField("deletionTimestamp")

    await seen.until(lambda: going("held") and going("blocking"), "the others to be deleted too")
    for one, left in ((blocking, {"held"}), (held, set())):
        del one.metadata.finalizers[:]
        one.metadata.resourceVersion = ""
        await seen.client.update(one)
        await seen.until(lambda left=left: names(seen) == left, f"{left} to be left")


async def test_two_that_own_each_other_go_when_one_is_deleted_in_the_foreground(
    seen: ClusterView, controllers: ControllersSettings
) -> None:
    one = await make(seen, "one")
    other = await make(seen, "other", one)
    one.metadata.ownerReferences.add(
        apiVersion="v1", kind="ConfigMap", name="other", uid=other.metadata.uid, blockOwnerDeletion=True
    )
    await seen.client.update(one)
    await seen.client.delete(ConfigMap, "one", "default", propagation=FOREGROUND)
    await seen.until(lambda: not names(seen), "both to go")


async def test_an_owner_in_another_namespace_is_none_and_keeps_what_it_has(
    seen: ClusterView, controllers: ControllersSettings
) -> None:
    elsewhere = namespace_pb2.Namespace()
    elsewhere.metadata.name = "elsewhere"
    await seen.client.create(elsewhere)
    owner = await make(seen, "owner", namespace="elsewhere")
    await seen.until(lambda: names(seen, "elsewhere") == {"owner"}, "the owner to be seen")
    await make(seen, "stray", owner)
    told = (
        f"ownerRef [v1/ConfigMap, namespace: default, name: owner, uid: {owner.metadata.uid}] "
        'does not exist in namespace "default"'
    )
    await seen.until_told({("ConfigMap", "OwnerRefInvalidNamespace", told)})
    await seen.until(lambda: not names(seen), "the stray one to go")
    child = await make(seen, "child", owner, namespace="elsewhere")
    child.data["looked"] = "at again"
    await seen.client.update(child)
    other = await make(seen, "other")
    await make(seen, "owned", other)
    await seen.client.delete(ConfigMap, "other", "default")
    await seen.until(lambda: not names(seen), "the collector to have come by")
    assert names(seen, "elsewhere") == {"owner", "child"}
