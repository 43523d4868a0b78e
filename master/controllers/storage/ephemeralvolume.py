"""Makes the claims of pods' ephemeral volumes. They go with their pods: the garbage collector sees to that.

https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#generic-ephemeral-volumes
"""

from __future__ import annotations

import logging
from typing import Final

from master.controllers.framework.informers import Index, Informers
from master.controllers.framework.loop import Loop
from master.controllers.objects.ownership import reference_to
from podlab.api.objects import Key, key
from podlab.api.pods import volumes
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolumeClaim
from podlab.errors import AlreadyExists, ApiError

log = logging.getLogger(__name__)


def claim_for(pod: pod_pb2.Pod, volume: pod_pb2.Volume) -> PersistentVolumeClaim:
    """The claim as the volume's template says, owned by the pod."""
    template = volume.volumeSource.ephemeral.volumeClaimTemplate
    made = PersistentVolumeClaim(spec=template.spec)
    made.metadata.name, made.metadata.namespace = volumes.claim_name(pod, volume), pod.metadata.namespace
    made.metadata.labels.update(template.metadata.labels)
    made.metadata.annotations.update(template.metadata.annotations)
    made.metadata.ownerReferences.append(reference_to(pod))
    return made


class EphemeralVolumeController:
    """Keys are pods'."""

    name: Final = "ephemeral-volume"

    def __init__(self, client: Client, informers: Informers, recorder: EventRecorder) -> None:
        self._client = client
        self._recorder = recorder
        self._pods = informers.pods
        self._claims = informers.claims
        self._pods_by_claim = Index(informers.pods, _claims_to_make)
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        informers.pods.on_change(self._pod_changed)
        informers.claims.on_change(self._claim_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        pod = self._pods.store.get(at)
        if pod is None or pod.metadata.HasField("deletionTimestamp"):
            return
        for volume in pod.spec.volumes:
            if volume.volumeSource.HasField("ephemeral"):
                await self._make(pod, volume)

    async def _make(self, pod: pod_pb2.Pod, volume: pod_pb2.Volume) -> None:
        """A claim of that name which is not the pod's own is left alone, and the pod says so."""
        name, namespace = volumes.claim_name(pod, volume), pod.metadata.namespace
        found = self._claims.get(name, namespace)
        try:
            if found is None:
                found = await self._client.create(claim_for(pod, volume))
                log.info("%s: claim %s made for volume %s", key(pod), name, volume.name)
        except AlreadyExists:  # not seen yet: ours, or somebody else's
            found = await self._client.get(PersistentVolumeClaim, name, namespace)
        except ApiError as error:
            self._record_event(pod, volume, str(error))
            raise
        if why := volumes.why_foreign(pod, volume, found):
            self._record_event(pod, volume, why)

    def _record_event(self, pod: pod_pb2.Pod, volume: pod_pb2.Volume, why: str) -> None:
        self._recorder.event(pod, "Warning", "FailedBinding", f"ephemeral volume {volume.name}: {why}")

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        if change.new is not None and change.old is None and _claims_to_make(change.new):
            self._loop.queue.add(change.key)

    def _claim_changed(self, change: Change[PersistentVolumeClaim]) -> None:
        """One that stood in the way, or was deleted, has made room."""
        if change.new is None:
            for pod in self._pods_by_claim.get((change.key.namespace, change.key.name)):
                self._loop.queue.add(key(pod))


def _claims_to_make(pod: pod_pb2.Pod) -> tuple[tuple[str, str], ...]:
    own = (volume for volume in pod.spec.volumes if volume.volumeSource.HasField("ephemeral"))
    return tuple((pod.metadata.namespace, volumes.claim_name(pod, volume)) for volume in own)
