"""The ReplicaSet controller: reads pods, asks `decide`, creates and deletes, and tells how it stands."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

from master.controllers.adoption import settle
from master.controllers.expectations import Expectations
from master.controllers.informers import Informers
from master.controllers.loop import Loop
from master.controllers.ownership import claim
from master.controllers.podstate import is_going
from master.controllers.replicaset.decide import Failure, decide, next_availability_s, pod_for, status
from podlab.api import selectors
from podlab.api.objects import Key, controller_of, key
from podlab.apps.v1 import replicaset_pb2
from podlab.client.client import Client
from podlab.client.informer import Change
from podlab.client.recorder import Recorder
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError, BadRequest, Conflict, Forbidden, Invalid, NotFound

log = logging.getLogger(__name__)

# How long an outstanding write may take to show before the API server itself is asked about it.
CONFIRM_AFTER_S = 5.0
# Answers after which it is certain that nothing was created.
REFUSALS = (Invalid, Forbidden, BadRequest, NotFound, Conflict)


class ReplicaSetController:
    """Keys are ReplicaSets'."""

    name: Final = "replicaset"

    def __init__(self, client: Client, informers: Informers, recorder: Recorder) -> None:
        self._client = client
        self._informers = informers
        self._recorder = recorder
        self._expectations = Expectations()
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        informers.replica_sets.on_change(self._replica_set_changed)
        informers.pods.on_change(self._pod_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        replica_set = self._informers.replica_sets.store.get(at)
        if replica_set is None:
            return
        selector = selectors.from_message(replica_set.spec.selector)
        uid = replica_set.metadata.uid
        candidates = [
            *self._informers.pods_by_controller.get(uid),
            *self._informers.orphan_pods.get(at.namespace),
        ]
        pods = await settle(self._client, replica_set, claim(replica_set.metadata, selector, candidates))
        failure, error = None, None
        if await self._all_seen(replica_set):
            failure, error = await self._manage(replica_set, pods)
        await self._tell(replica_set, pods, failure)
        if error is not None:
            raise error

    async def _manage(
        self, replica_set: replicaset_pb2.ReplicaSet, pods: Sequence[pod_pb2.Pod]
    ) -> tuple[Failure | None, ApiError | None]:
        plan = decide(replica_set, pods, self._siblings(replica_set), time.time())
        try:
            if plan.create and not self._namespace_goes(replica_set):
                await self._create(replica_set, plan.create)
            if plan.delete:
                await self._delete(replica_set, plan.delete)
        except ApiError as error:
            return Failure("FailedCreate" if plan.create else "FailedDelete", error.message), error
        return None, None

    def _namespace_goes(self, replica_set: replicaset_pb2.ReplicaSet) -> bool:
        """Nothing can be created there any more."""
        namespace = self._informers.namespaces.get(replica_set.metadata.namespace)
        return namespace is None or namespace.metadata.HasField("deletionTimestamp")

    def _siblings(self, replica_set: replicaset_pb2.ReplicaSet) -> list[pod_pb2.Pod]:
        """Pods of all ReplicaSets that have the same controller, this one's included."""
        controller = controller_of(replica_set.metadata)
        family = self._informers.replica_sets_by_controller.get(controller.uid) if controller else [replica_set]
        return [pod for one in family for pod in self._informers.pods_by_controller.get(one.metadata.uid)]

    async def _create(self, replica_set: replicaset_pb2.ReplicaSet, count: int) -> None:
        """In batches that double, so that a template that is always refused costs one call and not hundreds."""
        uid = replica_set.metadata.uid
        pods = [pod_for(replica_set) for _ in range(count)]
        batch = 1
        while pods:
            now, pods = pods[:batch], pods[batch:]
            self._expectations.expect_created(uid, (pod.metadata.name for pod in now))
            outcomes = await asyncio.gather(*(self._create_one(replica_set, pod) for pod in now))
            error = next((outcome for outcome in outcomes if outcome is not None), None)
            if error is not None:
                raise error
            batch *= 2

    async def _create_one(self, replica_set: replicaset_pb2.ReplicaSet, pod: pod_pb2.Pod) -> ApiError | None:
        try:
            await self._client.create(pod)
        except ApiError as error:
            if isinstance(error, REFUSALS):
                self._expectations.seen_created(replica_set.metadata.uid, pod.metadata.name)
            else:
                self._expectations.doubt(replica_set.metadata.uid)
            self._recorder.event(replica_set, "Warning", "FailedCreate", f"Error creating: {error}")
            return error
        log.info("%s created pod %s", key(replica_set), pod.metadata.name)
        self._recorder.event(replica_set, "Normal", "SuccessfulCreate", f"Created pod: {pod.metadata.name}")
        return None

    async def _delete(self, replica_set: replicaset_pb2.ReplicaSet, pods: Sequence[pod_pb2.Pod]) -> None:
        outcomes = await asyncio.gather(*(self._delete_one(replica_set, pod) for pod in pods))
        error = next((outcome for outcome in outcomes if outcome is not None), None)
        if error is not None:
            raise error

    async def _delete_one(self, replica_set: replicaset_pb2.ReplicaSet, pod: pod_pb2.Pod) -> ApiError | None:
        uid, name = replica_set.metadata.uid, pod.metadata.name
        self._expectations.expect_deleted(uid, name, pod.metadata.uid)
        try:
            await self._client.delete(pod_pb2.Pod, name, pod.metadata.namespace, uid=pod.metadata.uid)
        except (NotFound, Conflict):  # gone already
            self._expectations.seen_deleted(uid, name)
            return None
        except ApiError as error:
            self._expectations.doubt(uid)
            self._recorder.event(replica_set, "Warning", "FailedDelete", f"Error deleting: {error}")
            return error
        log.info("%s deleted pod %s", key(replica_set), name)
        self._recorder.event(replica_set, "Normal", "SuccessfulDelete", f"Deleted pod: {name}")
        return None

    async def _all_seen(self, replica_set: replicaset_pb2.ReplicaSet) -> bool:
        """True when the informer shows all of our writes. What it may never show is asked of the API server."""
        uid, namespace = replica_set.metadata.uid, replica_set.metadata.namespace
        outstanding = self._expectations.outstanding(uid)
        if not outstanding:
            return True
        if not self._expectations.overdue(uid, CONFIRM_AFTER_S):
            self._loop.queue.add_after(key(replica_set), CONFIRM_AFTER_S)
            return False
        for name in outstanding.created:
            if await self._find(name, namespace) is None:
                self._expectations.seen_created(uid, name)
        for name, pod_uid in outstanding.deleted.items():
            found = await self._find(name, namespace)
            if found is None or found.metadata.uid != pod_uid or not is_going(found):
                self._expectations.seen_deleted(uid, name)
        if self._expectations.outstanding(uid):
            self._loop.queue.add_after(key(replica_set), CONFIRM_AFTER_S)
            return False
        return True

    async def _find(self, name: str, namespace: str) -> pod_pb2.Pod | None:
        try:
            return await self._client.get(pod_pb2.Pod, name, namespace)
        except NotFound:
            return None

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

    def _replica_set_changed(self, change: Change[replicaset_pb2.ReplicaSet]) -> None:
        if change.old is not None and (change.new is None or change.new.metadata.uid != change.old.metadata.uid):
            self._expectations.forget(change.old.metadata.uid)
        self._loop.queue.add(change.key)

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        for pod in (change.old, change.new):
            if pod is not None:
                self._enqueue_owner(pod)
        if change.new is not None:
            self._expectations_met(change.new, present=True)
        elif change.old is not None:
            self._expectations_met(change.old, present=False)

    def _expectations_met(self, pod: pod_pb2.Pod, *, present: bool) -> None:
        controller = controller_of(pod.metadata)
        if controller is None:
            return
        self._expectations.seen_created(controller.uid, pod.metadata.name)
        if not present or is_going(pod):
            self._expectations.seen_deleted(controller.uid, pod.metadata.name)

    def _enqueue_owner(self, pod: pod_pb2.Pod) -> None:
        controller = controller_of(pod.metadata)
        namespace = pod.metadata.namespace
        if controller is not None:
            if controller.kind == "ReplicaSet":
                self._loop.queue.add(Key("ReplicaSet", namespace, controller.name))
            return
        for replica_set in self._informers.replica_sets_by_namespace.get(namespace):
            if selectors.from_message(replica_set.spec.selector).matches(pod.metadata.labels):
                self._loop.queue.add(key(replica_set))
