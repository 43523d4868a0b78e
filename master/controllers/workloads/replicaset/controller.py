"""The controller of ReplicaSets or ReplicationControllers: reads pods, asks `decide`, does it, and tells what is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Generic

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from master.controllers.framework.podcontrol import PodControl
from master.controllers.objects.podstate import next_availability_s, replacement_delay_s
from master.controllers.objects.podtemplate import new_pod
from master.controllers.workloads.replicaset.decide import R, ReplicaFailure, decide, with_status
from podlab.api.objects import Key, controller_of, key
from podlab.apps.v1 import replicaset_pb2
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Informer
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError


class ReplicaSetController(Generic[R]):
    """Keys are those of `kind`."""

    def __init__(self, kind: type[R], client: Client, informers: Informers, recorder: EventRecorder) -> None:
        self.name = kind.DESCRIPTOR.name.lower()
        self._client = client
        self._informers = informers
        self._replica_sets: Informer[R] = informers.of(kind)
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        self._pods: PodControl[R] = PodControl(kind, client, informers, recorder, self._loop.queue)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        replica_set = self._replica_sets.store.get(at)
        if replica_set is None:
            return
        settled = await self._pods.settled(replica_set)
        pods = await self._pods.pods_of(replica_set)
        failure, error = None, None
        if settled:
            failure, error = await self._manage(replica_set, pods)
        await self._write_status(replica_set, pods, failure)
        if error is not None:
            raise error

    async def _manage(
        self, replica_set: R, pods: Sequence[pod_pb2.Pod]
    ) -> tuple[ReplicaFailure | None, ApiError | None]:
        now = time.time()
        plan = decide(replica_set, pods, self._siblings(replica_set), now)
        if held_s := max((replacement_delay_s(pod, now) for pod in pods), default=0.0):
            self._loop.queue.add_after(key(replica_set), held_s)
        try:
            template = replica_set.spec.template
            await self._pods.create(replica_set, (new_pod(replica_set, template) for _ in range(plan.create)))
            await self._pods.delete(replica_set, plan.delete)
        except ApiError as error:
            return ReplicaFailure("FailedCreate" if plan.create else "FailedDelete", error.message), error
        return None, None

    def _siblings(self, replica_set: R) -> list[pod_pb2.Pod]:
        """Pods of all ReplicaSets that have the same controller, this one's included."""
        controller = controller_of(replica_set.metadata)
        by_controller = self._informers.replica_sets_by_controller
        family: list[replicaset_pb2.ReplicaSet] = by_controller.get(controller.uid) if controller is not None else []
        uids = {replica_set.metadata.uid, *(one.metadata.uid for one in family)}
        return [pod for uid in uids for pod in self._informers.pods_by_controller.get(uid)]

    async def _write_status(self, replica_set: R, pods: Sequence[pod_pb2.Pod], failure: ReplicaFailure | None) -> None:
        now = time.time()
        wait_s = next_availability_s(pods, replica_set.spec.minReadySeconds, now)
        if wait_s is not None:
            self._loop.queue.add_after(key(replica_set), wait_s)
        updated = with_status(replica_set, pods, failure, now)
        if updated.status != replica_set.status:
            await self._client.update_status(updated)
