"""Admission over the wire: what new objects get, what is refused, and quotas that nobody overruns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from podlab.client.client import Client
from podlab.core.v1 import namespace_pb2, pod_pb2, quota_pb2, service_pb2, serviceaccount_pb2
from podlab.errors import ApiError, Forbidden
from podlab.meta.v1 import meta_pb2
from podlab.scheduling.v1 import priorityclass_pb2

Pods = Callable[..., pod_pb2.Pod]
ALL_AT_ONCE = 24


def quota(name: str = "q", **hard: str) -> quota_pb2.ResourceQuota:
    made = quota_pb2.ResourceQuota(metadata=meta_pb2.ObjectMeta(name=name, namespace="default"))
    for resource, amount in hard.items():
        made.spec.hard[resource.replace("_", ".")].string = amount
    return made


async def used(client: Client, resource: str = "pods") -> str:
    found = await client.get(quota_pb2.ResourceQuota, "q", "default")
    return str(found.status.used[resource].string)


async def test_a_namespace_comes_with_its_account_and_pods_act_as_it(admin: Client, pod: Pods) -> None:
    await admin.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="team")))
    account = await admin.get(serviceaccount_pb2.ServiceAccount, "default", "team")
    assert account.metadata.uid
    made = await admin.create(pod(namespace="team"))
    assert made.spec.serviceAccountName == made.spec.serviceAccount == "default"
    assert [volume.name[:16] for volume in made.spec.volumes] == ["kube-api-access-"]
    stranger = pod("other", namespace="team")
    stranger.spec.serviceAccountName = "builder"
    with pytest.raises(Forbidden, match="error looking up service account team/builder"):
        await admin.create(stranger)


async def test_creates_that_race_do_not_overrun_a_quota(admin: Client, pod: Pods) -> None:
    await admin.create(quota(pods="10"))
    made = await asyncio.gather(
        *(admin.create(pod(f"web-{number}")) for number in range(ALL_AT_ONCE)), return_exceptions=True
    )
    refused = [one for one in made if isinstance(one, ApiError)]
    assert len(made) - len(refused) == 10
    for one in refused:
        assert isinstance(one, Forbidden)
        assert str(one).endswith("exceeded quota: q, requested: pods=1, used: pods=10, limited: pods=10")
    assert await used(admin) == "10"
    assert len((await admin.list(pod_pb2.Pod, "default")).items) == 10


async def test_what_goes_or_is_over_makes_room_at_once(admin: Client, pod: Pods) -> None:
    await admin.create(quota(pods="2"))
    await admin.create(pod("one"))
    over = await admin.create(pod("two"))
    with pytest.raises(Forbidden, match="exceeded quota"):
        await admin.create(pod("three"))
    over.status.phase = "Succeeded"
    await admin.update_status(over)
    await admin.delete(pod_pb2.Pod, "one", "default")
    assert await used(admin) == "0"
    await admin.create(pod("three"))
    assert await used(admin) == "1"


async def test_a_quota_that_comes_later_counts_what_is_there(admin: Client, pod: Pods) -> None:
    await admin.create(pod("one"))
    await admin.create(quota(pods="1"))
    with pytest.raises(Forbidden, match="used: pods=1, limited: pods=1"):
        await admin.create(pod("two"))
    with pytest.raises(Forbidden, match="exceeded quota"):
        await admin.create(pod("two"), dry_run=True)


async def test_a_dry_run_is_not_charged(admin: Client, pod: Pods) -> None:
    await admin.create(quota(pods="1"))
    await admin.create(pod("one"), dry_run=True)
    assert await used(admin) == "0"


async def test_a_change_is_charged_too(admin: Client, service: Callable[..., service_pb2.Service]) -> None:
    await admin.create(quota(services="5", services_nodeports="0"))
    made = await admin.create(service())
    made.spec.type = "NodePort"
    with pytest.raises(Forbidden, match=r"exceeded quota: q, requested: services\.nodeports=1"):
        await admin.update(made)
    assert await used(admin, "services") == "2"  # with `kubernetes`


async def test_a_quota_that_counts_nothing_of_a_pod_is_asked_all_the_same(admin: Client, pod: Pods) -> None:
    await admin.create(quota(requests_cpu="1"))
    told = r'^pods "silent" is forbidden: failed quota: q: must specify requests\.cpu for: \w+$'
    for dry_run in (True, False):
        with pytest.raises(Forbidden, match=told):
            await admin.create(pod("silent"), dry_run=dry_run)
    asking = pod("asking")
    asking.spec.containers[0].resources.requests["cpu"].string = "250m"
    await admin.create(asking)
    assert await used(admin, "requests.cpu") == "250m"


async def test_ports_and_load_balancers_follow_a_services_type(
    admin: Client, service: Callable[..., service_pb2.Service]
) -> None:
    await admin.create(quota(services_nodeports="1", services_loadbalancers="1"))

    async def counts() -> tuple[str, str]:
        return await used(admin, "services.nodeports"), await used(admin, "services.loadbalancers")

    made = await admin.create(service())
    seen = [await counts()]
    for kind in ("LoadBalancer", "NodePort", "ClusterIP"):
        made.spec.type = kind
        if kind == "ClusterIP":
            made.spec.ports[0].nodePort = 0
        made = await admin.update(made)
        seen.append(await counts())
    assert seen == [("0", "0"), ("1", "1"), ("1", "0"), ("0", "0")]


async def test_the_system_priority_classes_are_there_and_stay(admin: Client, pod: Pods) -> None:
    important = pod()
    important.spec.priorityClassName = "system-node-critical"
    assert (await admin.create(important)).spec.priority == 2_000_001_000
    with pytest.raises(Forbidden, match="this is a system priority class and cannot be deleted"):
        await admin.delete(priorityclass_pb2.PriorityClass, "system-node-critical")


async def test_limits_are_given_before_the_quality_of_service_is_judged(admin: Client, pod: Pods) -> None:
    bounds: Any = quota_pb2.LimitRange(metadata=meta_pb2.ObjectMeta(name="bounds", namespace="default"))
    item = bounds.spec.limits.add(type="Container")
    for resource, amount in (("cpu", "1"), ("memory", "1Gi")):
        item.default[resource].string = amount
        item.max[resource].string = amount
    await admin.create(bounds)
    made = await admin.create(pod())
    assert made.status.qosClass == "Guaranteed"
    large = pod("large")
    large.spec.containers[0].resources.limits["cpu"].string = "2"
    with pytest.raises(Forbidden, match="maximum cpu usage per Container is 1, but limit is 2"):
        await admin.create(large)


async def test_a_namespace_with_a_quota_empties(admin: Client, pod: Pods) -> None:
    await admin.create(quota(**{"count/resourcequotas": "3", "pods": "5"}))
    await admin.create(pod())
    gone = await admin.delete(quota_pb2.ResourceQuota, "q", "default")
    assert gone
    await admin.delete(pod_pb2.Pod, "web", "default")
