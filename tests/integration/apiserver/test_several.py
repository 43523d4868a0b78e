"""Who may write many statuses, or make pods go for others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from podlab_testing.cluster import Cluster

from podlab.client.client import Client
from podlab.core.v1 import pod_pb2
from podlab.errors import Conflict, Forbidden, NotFound
from podlab.v1.apiserver_pb2 import Victim

Pods = Callable[..., pod_pb2.Pod]


async def test_the_scheduler_makes_pods_go_and_tells_others_why_they_wait(
    cluster: Cluster, admin: Client, pod: Pods
) -> None:
    scheduler = await cluster.client("system:kube-scheduler")
    going, waiting = await admin.create(pod("a", node="n1")), await admin.create(pod("b"))
    waiting.status.nominatedNodeName = "n1"
    assert await scheduler.update_statuses([waiting]) == [None]
    assert (await admin.get(pod_pb2.Pod, "b", "default")).status.nominatedNodeName == "n1"
    (stale,) = await scheduler.update_statuses([waiting])
    assert isinstance(stale, Conflict)
    victims = [Victim(namespace="default", name=name, message="for b") for name in ("a", "missing")]
    first, second = await scheduler.preempt(victims)
    assert first is None
    assert isinstance(second, NotFound)
    gone = await admin.get(pod_pb2.Pod, "a", "default")
    assert gone.metadata.uid == going.metadata.uid
    assert gone.metadata.HasField("deletionTimestamp")


async def test_others_may_do_neither(cluster: Cluster, admin: Client, pod: Pods) -> None:
    standing = await admin.create(pod("a", node="n1"))
    jane = await cluster.client("jane")
    with pytest.raises(Forbidden, match='User "jane" cannot update resource "pods/status"'):
        await jane.update_statuses([standing])
    with pytest.raises(Forbidden, match='User "jane" cannot update resource "pods/status"'):
        await jane.preempt([Victim(namespace="default", name="a")])
    kubelet = await cluster.client("system:node:n2", "system:nodes")
    standing.status.message = "not mine"
    (refusal,) = await kubelet.update_statuses([standing])
    assert isinstance(refusal, Forbidden)
