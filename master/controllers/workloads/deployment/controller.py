"""The Deployment controller: reads ReplicaSets, asks `decide`, writes what it says, in that order."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from typing import Final

from master.controllers.framework import remembered
from master.controllers.framework.adoption import adopt_and_release
from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from master.controllers.objects.ownership import claim
from master.controllers.workloads.deployment.bounds import is_rolling
from master.controllers.workloads.deployment.decide import DeploymentPlan, decide
from master.controllers.workloads.deployment.progress import has_deadline, set_condition
from master.controllers.workloads.deployment.template import find_new, same_template
from podlab.api.objects import Key, controller_of, is_owner, key
from podlab.api.pods.podphase import is_terminal
from podlab.api.selection import selectors
from podlab.api.selection.labels import REVISION_ANNOTATION
from podlab.apps.v1 import deployment_pb2, replicaset_pb2
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change
from podlab.core.v1 import pod_pb2
from podlab.errors import NAMESPACE_TERMINATING, AlreadyExists, ApiError

log = logging.getLogger(__name__)


class DeploymentController:
    """Keys are Deployments'."""

    name: Final = "deployment"

    def __init__(self, client: Client, informers: Informers, recorder: EventRecorder) -> None:
        self._client = client
        self._informers = informers
        self._recorder = recorder
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        informers.deployments.on_change(self._deployment_changed)
        informers.replica_sets.on_change(self._replica_set_changed)
        informers.pods.on_change(self._pod_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        deployment = self._informers.deployments.store.get(at)
        if deployment is None:
            return
        selector = selectors.from_message(deployment.spec.selector)
        candidates = [
            *self._informers.replica_sets_by_controller.get(deployment.metadata.uid),
            *self._informers.orphan_replica_sets.get(at.namespace),
        ]
        claimed = claim(deployment.metadata, selector, candidates)
        replica_sets = await adopt_and_release(self._client, deployment, claimed)
        left = self._pods_of_old_left(deployment, replica_sets)
        plan = decide(deployment, replica_sets, pods_of_old_left=left, now=time.time())
        await self._carry_out(deployment, replica_sets, plan)
        if plan.look_again_s is not None:
            self._loop.queue.add_after(at, plan.look_again_s)

    def _pods_of_old_left(
        self, deployment: deployment_pb2.Deployment, replica_sets: Sequence[replicaset_pb2.ReplicaSet]
    ) -> bool:
        new = find_new(deployment, replica_sets)
        return any(
            not is_terminal(pod)
            for replica_set in replica_sets
            if replica_set is not new
            for pod in self._informers.pods_by_controller.get(replica_set.metadata.uid)
        )

    async def _carry_out(
        self,
        deployment: deployment_pb2.Deployment,
        replica_sets: Iterable[replicaset_pb2.ReplicaSet],
        plan: DeploymentPlan,
    ) -> None:
        if plan.create is not None and not await self._create(deployment, plan):
            return
        before = {one.metadata.uid: one.spec.replicas for one in replica_sets}
        for changed in plan.update:
            await self._client.update(changed)
            self._record_scaling(deployment, changed, before[changed.metadata.uid])
        for outdated in plan.delete:
            metadata = outdated.metadata
            await self._client.delete(replicaset_pb2.ReplicaSet, metadata.name, metadata.namespace, uid=metadata.uid)
            log.info("%s deleted %s, which its history limit has no room for", key(deployment), key(outdated))
        deployment = await self._note_revision(deployment, plan.revision)
        await self._write_status(deployment, plan.status)

    async def _create(self, deployment: deployment_pb2.Deployment, plan: DeploymentPlan) -> bool:
        """True when the ReplicaSet is there. A name that another one has is counted, so that the next hash differs."""
        wanted = plan.create
        assert wanted is not None
        spans = self._informers.spans
        began_s = spans.now()
        try:
            made = await self._client.create(wanted)
        except AlreadyExists:
            found = await self._client.get(replicaset_pb2.ReplicaSet, wanted.metadata.name, wanted.metadata.namespace)
            controller = controller_of(found.metadata)
            if (
                controller is not None
                and controller.uid == deployment.metadata.uid
                and same_template(deployment, found)
            ):
                return True
            log.warning("%s: the name %s is taken by another template", key(deployment), wanted.metadata.name)
            plan.status.collisionCount = deployment.status.collisionCount + 1
            await self._write_status(deployment, plan.status)
            return False
        except ApiError as error:
            if any(cause.reason == NAMESPACE_TERMINATING for cause in error.causes):
                raise  # it goes itself
            message = f'Failed to create new replica set "{wanted.metadata.name}": {error}'
            if has_deadline(deployment):
                set_condition(plan.status, "Progressing", "False", "ReplicaSetCreateError", message, now=time.time())
            self._recorder.event(deployment, "Warning", "ReplicaSetCreateError", message)
            await self._write_status(deployment, plan.status)
            raise
        remembered.created(spans, made, deployment, began_s)
        self._record_scaling(deployment, wanted, 0)
        return True

    def _record_scaling(
        self, deployment: deployment_pb2.Deployment, replica_set: replicaset_pb2.ReplicaSet, before: int
    ) -> None:
        after = replica_set.spec.replicas
        if before == after:
            return
        direction = "up" if after > before else "down"
        message = f"Scaled {direction} replica set {replica_set.metadata.name} from {before} to {after}"
        log.info("%s: %s", key(deployment), message)
        self._recorder.event(deployment, "Normal", "ScalingReplicaSet", message)

    async def _note_revision(self, deployment: deployment_pb2.Deployment, revision: str) -> deployment_pb2.Deployment:
        if not revision or deployment.metadata.annotations.get(REVISION_ANNOTATION) == revision:
            return deployment
        changed = deployment_pb2.Deployment()
        changed.CopyFrom(deployment)
        changed.metadata.annotations[REVISION_ANNOTATION] = revision
        return await self._client.update(changed)

    async def _write_status(
        self, deployment: deployment_pb2.Deployment, status: deployment_pb2.DeploymentStatus
    ) -> None:
        if status == deployment.status:
            return
        changed = deployment_pb2.Deployment()
        changed.CopyFrom(deployment)
        changed.status.CopyFrom(status)
        await self._client.update_status(changed)

    def _deployment_changed(self, change: Change[deployment_pb2.Deployment]) -> None:
        remembered.owner_changed(self._informers.spans, change)
        self._loop.queue.add(change.key)

    def _replica_set_changed(self, change: Change[replicaset_pb2.ReplicaSet]) -> None:
        for replica_set in (change.old, change.new):
            if replica_set is None:
                continue
            controller = controller_of(replica_set.metadata)
            if controller is None:
                self._enqueue_adopters(replica_set)
            elif is_owner(controller, deployment_pb2.Deployment):
                self._loop.queue.add(Key.of(deployment_pb2.Deployment, replica_set.metadata.namespace, controller.name))

    def _enqueue_adopters(self, orphan: replicaset_pb2.ReplicaSet) -> None:
        for deployment in self._informers.deployments_by_namespace.get(orphan.metadata.namespace):
            if selectors.from_message(deployment.spec.selector).matches(orphan.metadata.labels):
                self._loop.queue.add(key(deployment))

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        """The end of a pod may be what strategy Recreate waits for."""
        if change.old is None or (change.new is not None and not is_terminal(change.new)):
            return
        controller = controller_of(change.old.metadata)
        if controller is None or not is_owner(controller, replicaset_pb2.ReplicaSet):
            return
        replica_set = self._informers.replica_sets.get(controller.name, change.key.namespace)
        owner = controller_of(replica_set.metadata) if replica_set is not None else None
        if owner is None:
            return
        deployment = self._informers.deployments.get(owner.name, change.key.namespace)
        if deployment is not None and not is_rolling(deployment):
            self._loop.queue.add(key(deployment))
