"""Pods are bound in batches, each for itself."""

from __future__ import annotations

from collections.abc import Callable

from podlab.api.objects import condition
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2
from podlab.errors import Conflict, NotFound
from podlab.v1.apiserver_pb2 import Binding

Pods = Callable[..., pod_pb2.Pod]


async def test_each_result_of_a_batch_stands_alone(admin: Client, pod: Pods) -> None:
    created = [await admin.create(pod(f"p{number}")) for number in range(3)]
    await admin.create(pod("taken", node="n9"))
    results = await admin.bind(
        [
            Binding(namespace="default", name="p0", uid=created[0].metadata.uid, node_name="n1"),
            Binding(namespace="default", name="taken", node_name="n1"),
            Binding(namespace="default", name="missing", node_name="n1"),
            Binding(namespace="default", name="p1", uid="another", node_name="n1"),
            Binding(namespace="default", name="p2", node_name="n2"),
            Binding(namespace="default", name="p2", node_name="n3"),
        ]
    )
    assert [type(result) for result in results] == [type(None), Conflict, NotFound, Conflict, type(None), Conflict]
    assert 'already assigned to node "n9"' in str(results[1])
    bound = await admin.get(pod_pb2.Pod, "p2", "default")
    scheduled = condition(bound.status.conditions, "PodScheduled")
    assert bound.spec.nodeName == "n2"
    assert scheduled is not None
    assert scheduled.status == "True"


async def test_a_pod_that_is_going_is_not_bound(admin: Client, pod: Pods) -> None:
    wanted = pod("a")
    wanted.metadata.finalizers.append("example.com/wait")
    await admin.create(wanted)
    await admin.delete(pod_pb2.Pod, "a", "default")
    (result,) = await admin.bind([Binding(namespace="default", name="a", node_name="n1")])
    assert "being deleted" in str(result)
