"""The real scheduler against the real API server."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from podlab_testing.cluster import Cluster
from podlab_testing.scheduling_cluster import AddNode, Explain, RunningScheduler, SchedulerPods

from podlab.api.objects import condition
from podlab.core.v1.node_pb2 import Taint
from podlab.core.v1.pod_pb2 import Pod
from podlab.v1 import scheduler_pb2, scheduler_pb2_grpc

NO_CPU = "0/1 nodes are available: 1 Insufficient cpu."


async def test_many_pods_are_bound_and_spread(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    for name in ("n1", "n2"):
        await add_node(name)
    await asyncio.gather(*(pods.create(f"web-{number}", cpu="10m") for number in range(100)))
    homes = await asyncio.gather(*(pods.bound(f"web-{number}") for number in range(100)))
    assert min(Counter(homes).values()) >= 45  # of nodes that score alike one is drawn


async def test_pods_that_wait_together_are_bound_in_few_commits(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    await scheduler.stop()
    await add_node("n1")
    names = [f"web-{number}" for number in range(100)]
    await asyncio.gather(*(pods.create(name) for name in names))
    await scheduler.start()
    found = await asyncio.gather(*(pods.wait(name, lambda pod: pod.spec.nodeName) for name in names))
    assert len({pod.metadata.resourceVersion for pod in found}) <= 4


async def test_a_bound_pod_says_so_in_its_condition_and_an_event(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    await add_node("n1")
    await pods.create("web")
    pod = await pods.wait("web", lambda pod: pod.spec.nodeName)
    told = condition(pod.status.conditions, "PodScheduled")
    assert told is not None
    assert told.status == "True"
    event = await pods.event("web", "Scheduled")
    assert (event.type, event.message) == ("Normal", "Successfully assigned default/web to n1")
    assert event.source.component == "default-scheduler"


async def test_a_pod_without_room_stays_pending_with_a_reason(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    await add_node("n1", "1")
    await pods.create("big", cpu="3")
    pod = await pods.refused("big", NO_CPU)
    assert not pod.spec.nodeName
    assert pod.status.phase == "Pending"
    told = condition(pod.status.conditions, "PodScheduled")
    assert told is not None
    assert (told.status, told.reason) == ("False", "Unschedulable")
    event = await pods.event("big", "FailedScheduling", lambda message: message.startswith(NO_CPU))
    assert event.type == "Warning"


async def test_a_waiting_pod_is_bound_when_a_node_appears(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    await pods.create("web")
    await pods.refused("web", "no nodes available to schedule pods")
    await add_node("n1")
    assert await pods.bound("web") == "n1"


async def test_a_waiting_pod_is_bound_when_another_goes(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    await add_node("n1", "1")
    await pods.create("first", cpu="800m")
    assert await pods.bound("first") == "n1"
    await pods.create("second", cpu="800m")
    await pods.refused("second", NO_CPU)
    await pods.client.delete(Pod, "first", "default", grace_period_s=0)
    assert await pods.bound("second") == "n1"


async def test_a_waiting_pod_is_bound_when_another_is_done(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    await add_node("n1", "1")
    await pods.create("first", cpu="800m")
    done = await pods.wait("first", lambda pod: pod.spec.nodeName)
    await pods.create("second", cpu="800m")
    await pods.refused("second", NO_CPU)
    done.status.phase = "Succeeded"
    await pods.client.update_status(done)
    assert await pods.bound("second") == "n1"


async def test_a_waiting_pod_is_bound_when_a_taint_goes(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    node = await add_node("n1", taints=[Taint(key="dedicated", value="db", effect="NoSchedule")])
    await pods.create("web")
    await pods.refused("web", "0/1 nodes are available: 1 node(s) had untolerated taint(s).")
    del node.spec.taints[:]
    await pods.client.update(node)
    assert await pods.bound("web") == "n1"


async def test_pods_go_where_affinity_and_tolerations_let_them(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    await add_node("db", taints=[Taint(key="dedicated", value="db", effect="NoSchedule")])
    await add_node("fast", labels={"disk": "ssd"})
    await add_node("slow", labels={"disk": "hdd"})

    def wants_slow(pod: Pod) -> None:
        required = pod.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution
        required.nodeSelectorTerms.add().matchExpressions.add(key="disk", operator="In", values=["hdd"])

    def wants_db(pod: Pod) -> None:
        pod.spec.tolerations.add(key="dedicated", operator="Equal", value="db", effect="NoSchedule")
        pod.spec.nodeSelector["kubernetes.io/hostname"] = "db"

    await pods.create("selected", change=lambda pod: pod.spec.nodeSelector.update({"disk": "ssd"}))
    await pods.create("required", change=wants_slow)
    await pods.create("tolerating", change=wants_db)
    assert await pods.bound("selected") == "fast"
    assert await pods.bound("required") == "slow"
    assert await pods.bound("tolerating") == "db"
    await pods.create("nowhere", change=lambda pod: pod.spec.nodeSelector.update({"disk": "tape"}))
    await pods.refused(
        "nowhere",
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), "
        "2 node(s) didn't match Pod's node affinity/selector.",
    )


async def test_of_waiting_pods_the_one_with_the_highest_priority_gets_the_room(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    await scheduler.stop()
    for name, priority in (("low", 1), ("high", 1000), ("middle", 100)):
        await pods.create(name, cpu="800m", priority=priority)
    await add_node("n1", "1")
    await scheduler.start()
    assert await pods.bound("high") == "n1"
    await pods.refused("middle", NO_CPU)
    await pods.refused("low", NO_CPU)


async def test_a_pod_that_names_another_scheduler_or_its_node_is_left_alone(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    await add_node("n1")
    await pods.create("other", change=lambda pod: setattr(pod.spec, "schedulerName", "other"))
    await pods.create("fixed", change=lambda pod: setattr(pod.spec, "nodeName", "n9"))
    await pods.create("web")
    assert await pods.bound("web") == "n1"  # judged after the others were seen
    assert not (await pods.client.get(Pod, "other", "default")).spec.nodeName
    assert (await pods.client.get(Pod, "fixed", "default")).spec.nodeName == "n9"


async def test_a_restarted_scheduler_counts_what_stands_and_goes_on(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    await add_node("n1", "1")
    await pods.create("first", cpu="800m")
    await pods.bound("first")
    await scheduler.stop()
    await pods.create("second", cpu="800m")
    await scheduler.start()
    await pods.refused("second", NO_CPU)
    await add_node("n2", "1")
    assert await pods.bound("second") == "n2"


async def test_the_scheduler_outlives_a_restart_of_the_api_server(
    scheduler: RunningScheduler, cluster: Cluster, pods: SchedulerPods, add_node: AddNode
) -> None:
    await add_node("n1", "1")
    await pods.create("first", cpu="800m")
    await pods.bound("first")
    await cluster.stop()
    await cluster.start()
    await pods.create("second", cpu="100m")
    assert await pods.bound("second") == "n1"
    await pods.create("third", cpu="800m")
    await pods.refused("third", NO_CPU)


async def test_what_fails_while_the_api_server_is_away_is_made_up_for(
    scheduler: RunningScheduler, cluster: Cluster, pods: SchedulerPods, add_node: AddNode
) -> None:
    names = [f"web-{number}" for number in range(40)]
    await asyncio.gather(*(pods.create(name, cpu="100m") for name in names))
    await add_node("n1", "2")
    await cluster.stop()  # some are bound by now, some are on their way
    await cluster.start()
    await add_node("n2", "2")
    homes = Counter(await asyncio.gather(*(pods.bound(name) for name in names)))
    assert homes == {"n1": 20, "n2": 20}  # and none was counted twice, or there would be no room


async def test_the_scheduler_itself_answers_nobody_but_the_api_server(
    scheduler: RunningScheduler, cluster: Cluster, pods: SchedulerPods, add_node: AddNode
) -> None:
    await add_node("n1")
    await pods.create("web")
    await pods.bound("web")
    options = (("grpc.use_local_subchannel_pool", 1),)
    credentials = cluster.authority.tls("kubernetes-admin").channel_credentials()
    async with grpc.aio.secure_channel(cluster.settings.scheduler, credentials, options=options) as channel:
        explain: Explain = scheduler_pb2_grpc.SchedulerStub(channel).Explain
        health: Any = health_pb2_grpc.HealthStub(channel).Check
        for call, request in (
            (explain, scheduler_pb2.ExplainRequest(namespace="default", name="web")),
            (health, health_pb2.HealthCheckRequest()),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call(request, timeout=10)
            assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
