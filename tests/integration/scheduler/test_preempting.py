"""More important pods get room, gated ones wait, and nobody wakes in vain."""

from __future__ import annotations

from podlab_testing.scheduling_cluster import AddNode, Explain, RunningScheduler, SchedulerPods

from podlab.api.objects import condition
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.scheduling.v1.priorityclass_pb2 import PriorityClass


async def test_preemption_frees_room(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode, explain: Explain
) -> None:
    await add_node("n1", "1")
    await add_node("n2", "1")
    for name, priority in (("low", 10), ("middle", 100)):
        await pods.create(name, cpu="800m", priority=priority)
        await pods.bound(name)
    home = (await pods.client.get(Pod, "low", "default")).spec.nodeName
    low = await pods.client.get(Pod, "low", "default")
    await pods.create("high", cpu="800m", priority=1000)
    nominated = await pods.wait("high", lambda pod: pod.status.nominatedNodeName)
    assert nominated.status.nominatedNodeName == home
    victim = await pods.wait("low", lambda pod: pod.metadata.HasField("deletionTimestamp"))
    told = condition(victim.status.conditions, "DisruptionTarget")
    assert told is not None
    assert (told.status, told.reason) == ("True", "PreemptionByScheduler")
    assert told.message == "default-scheduler: preempting to accommodate a higher priority pod"
    assert victim.metadata.deletionGracePeriodSeconds == 30
    event = await pods.event("low", "Preempted")
    assert event.message == f"Preempted by pod {nominated.metadata.uid} on node {home}"
    preemption = (await explain("high")).preemption
    assert preemption.node_name == home
    assert [victim.name for victim in preemption.candidates[0].victims] == ["low"]
    await pods.client.delete(Pod, "low", "default", grace_period_s=0, uid=low.metadata.uid)  # its kubelet has ended it
    assert await pods.bound("high") == home
    assert not (await pods.client.get(Pod, "middle", "default")).metadata.HasField("deletionTimestamp")


async def test_room_that_is_being_made_is_not_taken_by_a_less_important_pod(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    await add_node("n1", "1")
    await pods.create("low", cpu="800m", priority=10)
    await pods.bound("low")
    await pods.create("high", cpu="800m", priority=1000)
    await pods.wait("high", lambda pod: pod.status.nominatedNodeName)
    await pods.create("middle", cpu="800m", priority=100)
    await pods.event("middle", "FailedScheduling")
    await pods.client.delete(Pod, "low", "default", grace_period_s=0)
    assert await pods.bound("high") == "n1"
    assert not (await pods.client.get(Pod, "middle", "default")).spec.nodeName


async def test_a_restarted_scheduler_keeps_the_room_that_was_being_made(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    await add_node("n1", "1")
    await pods.create("low", cpu="800m", priority=10)
    await pods.bound("low")
    await pods.create("high", cpu="800m", priority=1000)
    await pods.wait("low", lambda pod: pod.metadata.HasField("deletionTimestamp"))
    await pods.wait("high", lambda pod: pod.status.nominatedNodeName)
    await scheduler.stop()
    await pods.create("middle", cpu="800m", priority=100)
    await scheduler.start()
    await pods.event("middle", "FailedScheduling")
    await pods.client.delete(Pod, "low", "default", grace_period_s=0)
    assert await pods.bound("high") == "n1"


async def test_when_the_node_goes_where_room_was_being_made_the_pod_says_so_no_more(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    await add_node("n1", "1")
    await pods.create("low", cpu="800m")
    await pods.bound("low")
    await pods.create("high", cpu="800m", priority=1000)
    await pods.wait("high", lambda pod: pod.status.nominatedNodeName == "n1")
    await pods.client.delete(Node, "n1")
    waiting = await pods.wait("high", lambda pod: not pod.status.nominatedNodeName)
    told = condition(waiting.status.conditions, "PodScheduled")
    assert told is not None
    assert told.message == "no nodes available to schedule pods"
    await add_node("n2", "1")
    assert await pods.bound("high") == "n2"


async def test_a_pod_that_is_never_to_preempt_waits(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    await add_node("n1", "1")
    await pods.create("low", cpu="800m")
    await pods.bound("low")
    polite = PriorityClass(metadata=ObjectMeta(name="polite"), value=1000, preemptionPolicy="Never")
    await pods.client.create(polite)
    await pods.create("polite", cpu="800m", change=lambda pod: setattr(pod.spec, "priorityClassName", "polite"))
    told = ". no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never."
    await pods.event("polite", "FailedScheduling", lambda message: message.endswith(told))
    assert not (await pods.client.get(Pod, "low", "default")).metadata.HasField("deletionTimestamp")


async def test_a_gated_pod_waits_for_its_gates(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode
) -> None:
    await add_node("n1")

    def gate(pod: Pod) -> None:
        pod.spec.schedulingGates.add(name="example.com/a")
        pod.spec.schedulingGates.add(name="example.com/b")

    made = await pods.create("gated", change=gate)
    told = condition(made.status.conditions, "PodScheduled")
    assert told is not None
    assert (told.status, told.reason) == ("False", "SchedulingGated")
    await pods.create("web")
    await pods.bound("web")
    for _ in range(2):
        made = await pods.client.get(Pod, "gated", "default")
        assert not made.spec.nodeName
        del made.spec.schedulingGates[-1]
        await pods.client.update(made)
    assert await pods.bound("gated") == "n1"
    events = await pods.client.list(Event, "default", field_selector="involvedObject.name=gated")
    assert {event.reason for event in events.items} <= {"Scheduled"}
