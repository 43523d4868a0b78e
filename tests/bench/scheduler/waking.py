"""What an event costs while many unschedulable pods wait, and how many of them are tried again for it.

In this process, without API server; CPU time of the thread. Each pod that is tried costs as much as a decision.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import shapes
from apiserver import tell

from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.event_handlers import EventHandlers
from master.scheduler.preemption.nominated_pods import NominatedPods
from master.scheduler.queue.claim_gate import ClaimGate
from master.scheduler.queue.scheduling_queue import SchedulingQueue
from podlab.api.objects import key
from podlab.client.informer import Change
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod

NODES, PODS, SHAPES, EVENTS = 1000, 10_000, 100, 100
LATER_S = 60.0  # back-offs are over, and no group is overdue


async def measure() -> None:
    """A pod that leaves too little room, a heartbeat, and a label that nobody asks for."""
    now_s = [0.0]
    snapshot, queue = Snapshot(), SchedulingQueue(lambda: now_s[0])
    handlers = EventHandlers({""}, snapshot, queue, NominatedPods(snapshot), ClaimGate((), snapshot.devices.claims_of))
    nodes = [shapes.node(number) for number in range(NODES)]
    for node in nodes:
        handlers.node_changed(Change(key(node), None, node))
    gone = [_standing(number) for number in range(EVENTS)]
    for pod in gone:
        handlers.pod_changed(Change(key(pod), None, pod))
    _wait(queue)
    now_s[0] = LATER_S
    _tell(queue, "a pod that goes", [lambda pod=pod: handlers.pod_changed(Change(key(pod), pod, None)) for pod in gone])
    for what, change in (("a heartbeat", _beat), ("a label of a node", _label)):
        pairs = [(node, change(node)) for node in nodes[:EVENTS]]
        _tell(queue, what, [lambda a=a, b=b: handlers.node_changed(Change(key(b), a, b)) for a, b in pairs])


def _wait(queue: SchedulingQueue) -> None:
    """All of them lack CPU, and a label."""
    for number in range(PODS):
        pod = shapes.basic(f"p{number}", "default")
        pod.metadata.uid = f"u{number}"
        pod.spec.containers[0].resources.requests["cpu"].string = f"{5000 + number % SHAPES}m"
        pod.spec.nodeSelector["example.com/none"] = "yes"
        info = pod_info(pod)
        queue.add(key(pod), 0)
        queue.pop(1)
        queue.add_unschedulable(key(pod), info, info.shape, frozenset({"NodeResourcesFit", "NodeAffinity"}))


def _tell(queue: SchedulingQueue, what: str, events: list[Callable[[], None]]) -> None:
    begun = time.thread_time()
    for event in events:
        event()
    title = f"{PODS} hopeless pods of {SHAPES} shapes, {what}"
    tell(f"{title}, CPU", (time.thread_time() - begun) / len(events) * 1e6, "us")
    tell(f"{title}, judged again", len(queue.pop(PODS)), "pods")


def _standing(number: int) -> Pod:
    pod = shapes.basic(f"s{number}", "default")
    pod.metadata.uid, pod.spec.nodeName = f"s{number}", f"n{number}"
    return pod


def _beat(node: Node) -> Node:
    made = Node()
    made.CopyFrom(node)
    made.status.conditions[0].lastHeartbeatTime.seconds += 10
    return made


def _label(node: Node) -> Node:
    made = Node()
    made.CopyFrom(node)
    made.metadata.labels["example.com/other"] = "yes"
    return made
