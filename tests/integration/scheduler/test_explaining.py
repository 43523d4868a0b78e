"""Decisions told through the API server."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.scheduling_cluster import AddNode, Explain, RunningScheduler, SchedulerPods
from podlab_testing.waiting import WITHIN_S

from podlab.api.objects import condition
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import BadRequest, Forbidden, NotFound, from_rpc_error
from podlab.v1 import scheduler_pb2, scheduler_pb2_grpc

NO_CPU = "0/1 nodes are available: 1 Insufficient cpu."


async def test_a_decision_is_explained(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode, explain: Explain
) -> None:
    await add_node("full", "1")
    await add_node("roomy", "4")
    await pods.create("web", cpu="2")
    assert await pods.bound("web") == "roomy"
    told = await explain("web")
    assert (told.node_name, told.attempts, told.recomputed) == ("roomy", 1, False)
    full, roomy = sorted(told.nodes, key=lambda node: node.node_name)
    assert (told.filters[full.refused_by], list(full.reasons)) == ("NodeResourcesFit", ["Insufficient cpu"])
    assert not full.raw
    assert not roomy.HasField("refused_by")
    weighted = [score.weight * each for score, each in zip(told.scores, roomy.normalized, strict=True)]
    assert roomy.total == sum(weighted) > 0
    assert len(roomy.raw) == len(weighted)


async def test_the_same_sentence_stands_in_condition_event_and_explanation(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode, explain: Explain
) -> None:
    await add_node("n1", "1")
    await pods.create("big", cpu="3")
    preemption = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    sentence = f"{NO_CPU} no new claims to deallocate, {preemption}"
    told = condition((await pods.refused("big", NO_CPU)).status.conditions, "PodScheduled")
    assert told is not None
    assert told.message == sentence
    await pods.event("big", "FailedScheduling", lambda message: message == sentence)
    explained = await explain("big")
    assert explained.message == sentence
    assert explained.preemption.message == preemption


async def test_what_was_forgotten_is_judged_again_and_says_so(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode, explain: Explain
) -> None:
    await add_node("n1", "1")
    await pods.create("web", cpu="600m")
    await pods.bound("web")
    await scheduler.stop()
    await scheduler.start()
    await pods.create("next", cpu="600m")
    await pods.event("next", "FailedScheduling")
    told = await explain("web")
    assert told.recomputed
    assert told.node_name == "n1", "it does not stand in its own way"


async def test_a_placed_pod_can_be_judged_now(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode, explain: Explain
) -> None:
    await add_node("n1", "1")
    await pods.create("web", cpu="600m")
    await pods.bound("web")
    await add_node("n2", "8")
    assert len((await explain("web")).nodes) == 1
    await pods.create("seen", change=lambda pod: pod.spec.nodeSelector.update({"kubernetes.io/hostname": "n2"}))
    await pods.bound("seen")
    told = await explain("web", now=True)
    assert (told.recomputed, told.node_name, len(told.nodes)) == (True, "n2", 2)


async def test_what_a_pod_would_meet_is_told_and_nothing_is_made(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    await add_node("n1", "1")
    await pods.create("low", cpu="600m")
    await pods.bound("low")
    pod = Pod()
    pod.metadata.name, pod.metadata.namespace = "high", "default"
    pod.spec.containers.add(name="main", image="x").resources.requests["cpu"].string = "600m"
    told = await _foresee(pods.client, await pods.client.create(pod, dry_run=True))
    assert (told.node_name, told.recomputed) == ("", True)
    assert told.message.startswith("0/1 nodes are available: 1 Insufficient cpu.")
    with pytest.raises(NotFound):
        await pods.client.get(Pod, "high", "default")


async def test_a_gated_pod_is_told_where_it_would_go(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode, explain: Explain
) -> None:
    await add_node("n1")
    await pods.create("gated", change=lambda pod: pod.spec.schedulingGates.add(name="example.com/quota"))
    await pods.create("web")
    await pods.bound("web")
    told = await explain("gated")
    assert (list(told.gates), told.node_name) == (["example.com/quota"], "n1")


async def test_a_pod_of_another_scheduler_or_none_is_not_explained(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode, explain: Explain
) -> None:
    await add_node("n1")
    await pods.create("other", change=lambda pod: setattr(pod.spec, "schedulerName", "other"))
    await pods.create("web")
    await pods.bound("web")
    with pytest.raises(BadRequest, match='names the scheduler "other": no profile here has that name'):
        await explain("other")
    with pytest.raises(NotFound, match='pods "unknown" not found'):
        await explain("unknown")


async def test_who_may_not_get_the_pod_may_not_ask(
    scheduler: RunningScheduler, cluster: Cluster, pods: SchedulerPods, add_node: AddNode, explain: Explain
) -> None:
    await add_node("n1")
    await pods.create("web")
    await pods.bound("web")
    jane = await cluster.client("jane")
    with pytest.raises(Forbidden, match='cannot get resource "pods"'):
        await explain("web", client=jane)
    with pytest.raises(Forbidden, match='cannot create resource "pods"'):
        await _foresee(jane, await pods.client.get(Pod, "web", "default"))


async def _foresee(client: Any, pod: Pod) -> scheduler_pb2.Explanation:
    stub: Any = scheduler_pb2_grpc.SchedulerStub(client.channel)
    try:
        answer: scheduler_pb2.ForeseeResponse = await stub.Foresee(
            scheduler_pb2.ForeseeRequest(pod=pod), timeout=WITHIN_S
        )
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
    return answer.explanation
