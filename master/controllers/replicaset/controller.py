"""The ReplicaSet controller: reads pods, asks `decide`, creates and deletes, and tells how it stands."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from master.controllers.informers import Informers
from master.controllers.loop import Loop
from master.controllers.podcontrol import PodControl
from master.controllers.replicaset.decide import Failure, decide, next_availability_s, pod_for, status
from podlab.api.objects import Key, controller_of, key
from podlab.apps.v1 import replicaset_pb2
from podlab.client.client import Client
from podlab.client.recorder import Recorder
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError


class ReplicaSetController:
    """Keys are ReplicaSets'."""

    name: Final = "replicaset"

    def __init__(self, client: Client, informers: Informers, recorder: Recorder) -> None:
        self._client = client
        self._informers = informers
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        self._pods = PodControl(replicaset_pb2.ReplicaSet, client, informers, recorder, self._loop.queue)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        replica_set = self._informers.replica_sets.store.get(at)
        if replica_set is None:
            return
        settled = await self._pods.settled(replica_set)
        pods = await self._pods.pods_of(replica_set)
        failure, error = None, None
        if settled:
            failure, error = await self._manage(replica_set, pods)
        await self._tell(replica_set, pods, failure)
        if error is not None:
            raise error

    async def _manage(
        self, replica_set: replicaset_pb2.ReplicaSet, pods: Sequence[pod_pb2.Pod]
    ) -> tuple[Failure | None, ApiError | None]:
        plan = decide(replica_set, pods, self._siblings(replica_set), time.time())
        try:
            await self._pods.create(replica_set, (pod_for(replica_set) for _ in range(plan.create)))
            await self._pods.delete(replica_set, plan.delete)
        except ApiError as error:
            return Failure("FailedCreate" if plan.create else "FailedDelete", error.message), error
        return None, None

    def _siblings(self, replica_set: replicaset_pb2.ReplicaSet) -> list[pod_pb2.Pod]:
        """Pods of all ReplicaSets that have the same controller, this one's included."""
        controller = controller_of(replica_set.metadata)
        family = self._informers.replica_sets_by_controller.get(controller.uid) if controller else [replica_set]
        return [pod for one in family for pod in self._informers.pods_by_controller.get(one.metadata.uid)]

    async def _tell(
        self, replica_set: replicaset_pb2.ReplicaSet, pods: Sequence[pod_pb2.Pod], failure: Failure | None
    ) -> None:
        now = time.time()
        wanted = status(replica_set, pods, failure, now)
        wait_s = next_availability_s(replica_set, pods, now)
        if wait_s is not None:
            self._loop.queue.add_after(key(replica_set), wait_s)
        if wanted == replica_set.status:
            return
        changed = replicaset_pb2.ReplicaSet()
        changed.CopyFrom(replica_set)
        changed.status.CopyFrom(wanted)
        await self._client.update_status(changed)
