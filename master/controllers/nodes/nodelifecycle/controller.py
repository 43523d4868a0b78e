"""The node lifecycle controller: listens for heartbeats, and says of silent nodes what can no longer be known."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.lastwrites import LastWrites
from master.controllers.framework.loop import Loop
from master.controllers.nodes.nodelifecycle.decide import (
    EvictionMode,
    pods_to_mark,
    taints,
    with_unknown_conditions,
)
from master.controllers.nodes.nodelifecycle.heartbeats import ApiServerReachability, Heartbeats
from master.controllers.nodes.nodelifecycle.zones import EvictionRateLimiter, Zone, ZoneState, all_out, states, zone_of
from master.controllers.objects.nodestate import readiness
from master.controllers.objects.podconditions import set_condition
from master.controllers.settings import EvictionSettings
from podlab.api.objects import Key, key
from podlab.api.pods.tolerations import NOT_READY, UNREACHABLE
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change
from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.errors import ApiError, NotFound

log = logging.getLogger(__name__)

LEASE_NAMESPACE = "kube-node-lease"


class NodeLifecycleController:
    """Keys are nodes'. Time is a trigger here: each node is looked at when its grace period would end."""

    name: Final = "nodelifecycle"

    def __init__(
        self,
        client: Client,
        informers: Informers,
        recorder: EventRecorder,
        *,
        grace_s: float,
        eviction: EvictionSettings,
    ) -> None:
        self._client = client
        self._informers = informers
        self._recorder = recorder
        self._grace_s = grace_s
        self._heartbeats = Heartbeats()
        self._reachability = ApiServerReachability(client.version, time.monotonic, grace_s)
        self._last_pod_writes = LastWrites(informers.pods)
        # The uids of pods that were marked since their node is not ready.
        self._marked: dict[Key, set[str]] = {}
        self._eviction = eviction
        self._zones: dict[Zone, ZoneState] = {}
        self._limiter = EvictionRateLimiter()
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        informers.nodes.on_change(self._node_changed)
        informers.leases.on_change(self._lease_changed)
        informers.pods.on_change(self._pod_changed)

    async def run(self) -> None:
        self._judge_disruption()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._reachability.run())
            group.create_task(self._loop.run())

    async def reconcile(self, at: Key) -> None:
        node = self._informers.nodes.store.get(at)
        if node is None:
            self._marked.pop(at, None)
            return
        self._heartbeats.observe(node, self._informers.leases.get(at.name, LEASE_NAMESPACE), time.monotonic())
        if await self._fell_silent(node):
            return  # the change comes back, counted in what is known of the whole cluster
        await self._write_taints(node)
        await self._mark_pods(at, node)

    async def _fell_silent(self, node: node_pb2.Node) -> bool:
        """True when that was news, and the node's conditions now say that nothing is known."""
        silence_s = self._heartbeats.silence_s(node, self._reachability.since(), time.monotonic())
        if silence_s < self._grace_s:
            # While nothing is heard, silence is minus infinity: look again when the grace could be over.
            self._loop.queue.add_after(key(node), self._grace_s - max(0.0, silence_s))
            return False
        status = with_unknown_conditions(node.status, time.time())
        if status == node.status or await self._was_heard_meanwhile(node):
            return False
        changed = node_pb2.Node()
        changed.CopyFrom(node)
        changed.status.CopyFrom(status)
        await self._client.update_status(changed)
        log.warning("%s has not been heard of for %.0f s", key(node), silence_s)
        return True

    async def _was_heard_meanwhile(self, node: node_pb2.Node) -> bool:
        """Whether the API server knows of a heartbeat that has not come to us: nobody is blamed for our being late."""
        try:
            lease = await self._client.get(lease_pb2.Lease, node.metadata.name, LEASE_NAMESPACE)
        except NotFound:
            return False
        self._heartbeats.observe(node, lease, time.monotonic())
        silence_s = self._heartbeats.silence_s(node, self._reachability.since(), time.monotonic())
        if silence_s >= self._grace_s:
            return False
        self._loop.queue.add_after(key(node), self._grace_s - max(0.0, silence_s))
        return True

    async def _write_taints(self, node: node_pb2.Node) -> None:
        wanted = taints(node, self._evicting(node), time.time())
        if wanted == list(node.spec.taints):
            return
        changed = node_pb2.Node()
        changed.CopyFrom(node)
        changed.spec.ClearField("taints")
        changed.spec.taints.extend(wanted)
        if begins := _evicts(wanted) and not _evicts(node.spec.taints):
            self._limiter.start(zone_of(node), time.monotonic())
        try:
            await self._client.update(changed)
        except ApiError:
            if begins:
                self._limiter.cancel(zone_of(node))
            raise
        listed = ", ".join(f"{taint.key}:{taint.effect}" for taint in wanted) or "none"
        log.info("%s: taints are now %s", key(node), listed)

    async def _mark_pods(self, at: Key, node: node_pb2.Node) -> None:
        """Each once while the node is not ready, as in Kubernetes. A kubelet that lives and knows better would be
        contradicted without end."""
        if readiness(node) == "True":
            self._marked.pop(at, None)
            return
        pods = list(self._informers.pods_by_node.get(at.name))
        marked = self._marked.setdefault(at, set())
        marked &= {pod.metadata.uid for pod in pods}
        for pod in pods_to_mark(node, pods):
            if pod.metadata.uid not in marked and self._last_pod_writes.is_current(pod):
                await self._mark_not_ready(pod)
                marked.add(pod.metadata.uid)

    async def _mark_not_ready(self, pod: pod_pb2.Pod) -> None:
        changed = pod_pb2.Pod()
        changed.CopyFrom(pod)
        set_condition(changed.status, "Ready", "False", now=time.time())
        try:
            self._last_pod_writes.note(await self._client.update_status(changed))
        except NotFound:
            return
        log.info("%s is not ready: its node %s is not", key(pod), pod.spec.nodeName)
        self._recorder.event(pod, "Warning", "NodeNotReady", "Node is not ready")

    def _evicting(self, node: node_pb2.Node) -> EvictionMode:
        """Whether the node's turn to be evicted from has come; when not, it is looked at again when it may have."""
        if all_out(self._zones):
            return EvictionMode.STOP
        zone = zone_of(node)
        rate = self._zones[zone].rate if zone in self._zones else self._eviction.nodes_per_s
        wait_s = self._limiter.wait_s(zone, rate, time.monotonic())
        if wait_s == 0:
            return EvictionMode.START
        if readiness(node) != "True" and wait_s != float("inf"):
            self._loop.queue.add_after(key(node), wait_s)
        return EvictionMode.PAUSE

    def _judge_disruption(self) -> None:
        """Looks at all nodes again when it turned out to be more or less than single nodes' fault."""
        now = states(self._informers.nodes.store.values(), self._eviction)
        if now == self._zones:
            return
        for zone, state in now.items():
            if zone not in self._zones or self._zones[zone] != state:
                name = "/".join(part for part in zone if part) or "(nodes without a zone)"
                log.info("zone %s: %s, %g nodes a second are evicted from", name, state.disruption.value, state.rate)
        self._zones = now
        for node in self._informers.nodes.store:
            self._loop.queue.add(node)

    def _node_changed(self, change: Change[node_pb2.Node]) -> None:
        old, new = change.old, change.new
        if old is not None and (new is None or new.metadata.uid != old.metadata.uid):
            self._heartbeats.forget(old)
            self._record_event(
                old, "RemovingNode", f"Node {change.key.name} event: Removing Node {change.key.name} from Controller"
            )
            old = None
        before = readiness(old) if old is not None else None
        after = readiness(new) if new is not None else None
        if new is not None:
            if old is None:
                name = change.key.name
                self._record_event(new, "RegisteredNode", f"Node {name} event: Registered Node {name} in Controller")
            elif before == "True" != after:
                self._record_event(new, "NodeNotReady", f"Node {change.key.name} status is now: NodeNotReady")
            self._loop.queue.add(change.key)
        moved = old is None or new is None or zone_of(old) != zone_of(new)
        if (before != after or moved) and self._informers.nodes.synced.is_set():
            self._judge_disruption()

    def _record_event(self, node: node_pb2.Node, reason: str, message: str) -> None:
        self._recorder.event(node, "Normal", reason, message)

    def _lease_changed(self, change: Change[lease_pb2.Lease]) -> None:
        """Only takes the time: a node that is heard of needs no other work."""
        if change.new is None or change.key.namespace != LEASE_NAMESPACE:
            return
        node = self._informers.nodes.get(change.key.name)
        if node is not None:
            self._heartbeats.observe(node, change.new, time.monotonic())

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        if change.new is None or not change.new.spec.nodeName:
            return
        node = self._informers.nodes.get(change.new.spec.nodeName)
        if node is not None and readiness(node) != "True":
            self._loop.queue.add(key(node))


def _evicts(found: Iterable[node_pb2.Taint]) -> bool:
    return any(taint.effect == "NoExecute" and taint.key in (NOT_READY, UNREACHABLE) for taint in found)
