"""A stand-in for scheduler and kubelets: it binds pods, says that they run, and beats for its nodes."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from master.controllers.framework.informers import Informers
from master.controllers.workloads.daemonset.placement import node_of
from podlab.api.objects import Key, condition
from podlab.api.values import times
from podlab.client.client import Client
from podlab.client.informer import Change
from podlab.client.workqueue import WorkQueue, run_workers
from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.errors import ApiError
from podlab.v1 import apiserver_pb2

HEARTBEAT_S = 0.3


class FakeNodes:
    """Binds every pod to `node`, says at once that it runs and is ready, and lets it go when its deletion is asked for.

    A pod whose affinity names a node goes there. Pods whose image is in `broken` never become ready. Nodes in `gone`
    are silent and do nothing.
    """

    def __init__(self, client: Client, informers: Informers) -> None:
        self.node = "n1"
        self.broken: set[str] = set()
        self.gone: set[str] = set()
        self._client = client
        self._names: list[str] = []
        self._pods = informers.pods
        self._queue: WorkQueue[Key] = WorkQueue()
        self._addresses = iter(f"10.244.{third}.{last}" for third in range(250) for last in range(1, 250))
        self._pods.on_change(self._changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(run_workers(self._queue, self._sync, workers=4, name="fake nodes"))
            group.create_task(self._beat())

    async def come_back(self, name: str) -> None:
        """As a kubelet does that can be heard again."""
        self.gone.discard(name)
        for at in self._pods.store:
            self._queue.add(at)
        node = await self._client.get(node_pb2.Node, name)
        node.metadata.resourceVersion = ""
        known = condition(node.status.conditions, "Ready")
        assert known is not None
        known.status, known.reason = "True", "KubeletReady"
        known.lastHeartbeatTime.CopyFrom(times.now())
        known.lastTransitionTime.CopyFrom(times.now())
        await self._client.update_status(node)

    async def end(self, pod: pod_pb2.Pod, phase: str, code: int = 1) -> None:
        """As a kubelet does when the pod's containers have ended: Succeeded, or Failed with an exit code."""
        ended = await self._client.get(pod_pb2.Pod, pod.metadata.name, pod.metadata.namespace)
        ended.metadata.resourceVersion = ""
        ended.status.phase = phase
        status = ended.status.containerStatuses.add(name=ended.spec.containers[0].name)
        status.state.terminated.exitCode = code if phase == "Failed" else 0
        status.state.terminated.finishedAt.CopyFrom(times.now())
        await self._client.update_status(ended)

    async def _beat(self) -> None:
        while True:
            for name in self._names:
                if name not in self.gone:
                    with suppress(ApiError):  # the server restarts, or the node is being deleted
                        lease = await self._client.get(lease_pb2.Lease, name, "kube-node-lease")
                        lease.spec.renewTime.CopyFrom(times.now_micro())
                        await self._client.update(lease)
            await asyncio.sleep(HEARTBEAT_S)

    async def add(self, name: str) -> None:
        node = node_pb2.Node()
        node.metadata.name = name
        node.status.conditions.add(type="Ready", status="True", reason="KubeletReady", lastTransitionTime=times.now())
        made = await self._client.create(node)
        made.status.CopyFrom(node.status)
        made.metadata.resourceVersion = ""  # the controllers may have given it its network already
        await self._client.update_status(made)
        lease = lease_pb2.Lease()
        lease.metadata.name, lease.metadata.namespace = name, "kube-node-lease"
        lease.spec.holderIdentity = name
        lease.spec.renewTime.CopyFrom(times.now_micro())
        await self._client.create(lease)
        self._names.append(name)

    def _changed(self, change: Change[pod_pb2.Pod]) -> None:
        self._queue.add(change.key)

    async def _sync(self, at: Key) -> None:
        pod = self._pods.store.get(at)
        if pod is None or pod.spec.nodeName in self.gone:
            return
        with suppress(ApiError):  # stale: the next change brings it back
            if pod.metadata.HasField("deletionTimestamp"):
                await self._client.delete(pod_pb2.Pod, at.name, at.namespace, grace_period_s=0, uid=pod.metadata.uid)
            elif not pod.spec.nodeName:
                binding = apiserver_pb2.Binding(
                    namespace=at.namespace, name=at.name, uid=pod.metadata.uid, node_name=node_of(pod) or self.node
                )
                await self._client.bind([binding])
            elif pod.status.phase == "Pending":
                await self._run(pod)

    async def _run(self, pod: pod_pb2.Pod) -> None:
        changed = pod_pb2.Pod()
        changed.CopyFrom(pod)
        changed.status.phase = "Running"
        changed.status.startTime.CopyFrom(times.now())
        changed.status.podIP = next(self._addresses)
        ready = "False" if pod.spec.containers[0].image in self.broken else "True"
        changed.status.conditions.add(type="Ready", status=ready, lastTransitionTime=times.now())
        await self._client.update_status(changed)
