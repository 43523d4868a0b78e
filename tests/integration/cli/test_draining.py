"""cordon and drain against a real API server, with the kubelet's part played by the test."""

from __future__ import annotations

import asyncio

import pytest
from podlab_testing.command_line import Podlab
from podlab_testing.waiting import WITHIN_S

from podlab.client.client import Client
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import Conflict, TooManyRequests
from podlab.meta.v1 import meta_pb2
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget

OWNER = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u", "controller": True}


@pytest.fixture
async def node(admin: Client) -> Node:
    return await admin.create(Node(metadata=meta_pb2.ObjectMeta(name="n9")))


async def running(admin: Client, name: str) -> Pod:
    made = Pod(metadata={"name": name, "namespace": "default", "labels": {"a": "web"}, "ownerReferences": [OWNER]})
    made.spec.nodeName = "n9"
    made.spec.containers.add(name="c", image="podlab.local/hello:1.0")
    made = await admin.create(made)
    made.status.phase = "Running"
    made.status.conditions.add(type="Ready", status="True")
    return await admin.update_status(made)


async def budget(admin: Client, allowed: int) -> PodDisruptionBudget:
    made = PodDisruptionBudget(metadata=meta_pb2.ObjectMeta(name="b", namespace="default"))
    made.spec.selector.matchLabels["a"] = "web"
    made.spec.minAvailable.intVal = 1
    made = await admin.create(made)
    made.status.observedGeneration = made.metadata.generation
    made.status.disruptionsAllowed = allowed
    made.status.currentHealthy, made.status.desiredHealthy, made.status.expectedPods = 2, 1, 2
    return await admin.update_status(made)


async def both_going(admin: Client) -> None:
    going = set()
    async for batch in admin.watch(Pod, "", "default"):
        going |= {change.object.metadata.name for change in batch if change.object and is_going(change.object)}
        if len(going) == 2:
            return


def is_going(pod: Pod) -> bool:
    return pod.metadata.HasField("deletionTimestamp")


async def test_a_node_is_cordoned_once_and_uncordoned(podlab: Podlab, admin: Client, node: Node) -> None:
    assert await podlab.ok("cordon", "n9") == "node/n9 cordoned\n"
    assert (await admin.get(Node, "n9")).spec.unschedulable
    assert await podlab.ok("cordon", "n9") == "node/n9 already cordoned\n"
    assert await podlab.ok("uncordon", "n9") == "node/n9 uncordoned\n"
    assert not (await admin.get(Node, "n9")).spec.unschedulable


async def test_an_eviction_keeps_the_budget_and_the_uid(admin: Client, node: Node) -> None:
    pods = [await running(admin, name) for name in ("web-1", "web-2")]
    await budget(admin, 1)
    with pytest.raises(Conflict):
        await admin.evict("web-1", "default", uid="another")
    assert not await admin.evict("web-1", "default", uid=pods[0].metadata.uid), "its node has to end it"
    assert (await admin.get(Pod, "web-1", "default")).metadata.HasField("deletionTimestamp")
    with pytest.raises(TooManyRequests, match="Cannot evict pod as it would violate the pod's disruption budget"):
        await admin.evict("web-2", "default")


async def test_a_drain_ends_when_the_pods_are_gone_and_says_what_is_left(
    podlab: Podlab, admin: Client, node: Node
) -> None:
    for name in ("web-1", "web-2"):
        await running(admin, name)
    made = await budget(admin, 1)
    told = await podlab.fails("drain", "n9", "--timeout", "2")
    assert "Cannot evict pod as it would violate the pod's disruption budget" in told
    assert 'error: node "n9" is not drained after 2 s: still there: default/web-' in told
    assert "(it was asked to end, and has 30 s for that), default/web-" in told or "budget.), default/web-" in told
    made = await admin.get(PodDisruptionBudget, "b", "default")
    made.status.disruptionsAllowed = 1
    await admin.update_status(made)
    process = await podlab.start("drain", "n9")
    async with asyncio.timeout(WITHIN_S):
        await both_going(admin)
        for name in ("web-1", "web-2"):
            await admin.delete(Pod, name, "default", grace_period_s=0)
        out, _ = await process.communicate()
    assert process.returncode == 0
    assert sorted(out.decode().splitlines()) == [
        "node/n9 already cordoned",
        "node/n9 drained",
        "pod/web-1 evicted",
        "pod/web-2 evicted",
    ]


async def test_why_pods_are_left_is_told_also_when_there_was_no_time_to_ask(
    podlab: Podlab, admin: Client, node: Node
) -> None:
    await running(admin, "web-1")
    await budget(admin, 0)
    told = await podlab.fails("drain", "n9", "--timeout", "0.000001")
    why = "Cannot evict pod as it would violate the pod's disruption budget."
    assert f'error: node "n9" is not drained after 1e-06 s: still there: default/web-1 ({why})' in told
    await admin.delete(PodDisruptionBudget, "b", "default")
    told = await podlab.fails("drain", "n9", "--timeout", "0.000001")
    assert "still there: default/web-1 (there was no time to evict it)" in told
    assert not is_going(await admin.get(Pod, "web-1", "default"))
    told = await podlab.fails("drain", "n9", "--timeout", "1")
    assert "still there: default/web-1 (it was asked to end, and has 30 s for that)" in told


async def test_a_dry_run_says_what_would_go_and_leaves_it(podlab: Podlab, admin: Client, node: Node) -> None:
    await running(admin, "web-1")
    assert await podlab.ok("drain", "n9", "--dry-run") == "pod/web-1 evicted (dry run)\nnode/n9 drained (dry run)\n"
    assert not is_going(await admin.get(Pod, "web-1", "default"))
    assert not (await admin.get(Node, "n9")).spec.unschedulable


async def test_pods_that_nobody_replaces_stand_in_the_way(podlab: Podlab, admin: Client, node: Node) -> None:
    lone = Pod(metadata={"name": "lone", "namespace": "default"})
    lone.spec.nodeName = "n9"
    lone.spec.containers.add(name="c", image="podlab.local/hello:1.0")
    await admin.create(lone)
    told = await podlab.fails("drain", "n9")
    why = "cannot delete Pods that declare no controller (use --force to override): default/lone"
    assert told == f'error: unable to drain node "n9": {why}\n'
    assert not (await admin.get(Pod, "lone", "default")).metadata.HasField("deletionTimestamp")
