"""Keeps claims that pods use, and volumes that claims have, until they are free: by a finalizer that goes last.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
"""

from __future__ import annotations

import logging
from typing import Any, Final

from master.controllers.framework.informers import Index, Informers
from master.controllers.framework.loop import Loop
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key
from podlab.api.pods import volumes
from podlab.api.pods.volumes import CLAIM_PROTECTION, VOLUME_PROTECTION
from podlab.client.client import Client
from podlab.client.informer import Change
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim

log = logging.getLogger(__name__)


def mounts(pod: pod_pb2.Pod, claim: str) -> bool:
    """Whether the pod may have the claim's volume. One without a node has not, and no kubelet starts it any more."""
    return bool(pod.spec.nodeName) and claim in volumes.claims_of(pod)


class StorageProtectionController:
    """Keys are claims' and volumes'."""

    name: Final = "storageprotection"

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._claims = informers.claims
        self._volumes = informers.volumes
        self._pods_by_claim = Index(informers.pods, _claims_mounted)
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        informers.claims.on_change(self._changed)
        informers.volumes.on_change(self._changed)
        informers.pods.on_change(self._pod_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        if at.group_kind == GroupKind("", "PersistentVolume"):
            volume = self._volumes.store.get(at)
            if volume is not None:
                await self._protect(at, volume, VOLUME_PROTECTION, used=volume.status.phase == "Bound")
            return
        claim = self._claims.store.get(at)
        if claim is not None:
            used = not volumes.is_going(claim) or await self._is_used(at)
            await self._protect(at, claim, CLAIM_PROTECTION, used=used)

    async def _is_used(self, at: Key) -> bool:
        """The informer may lag behind the scheduler: the API server is asked before a claim is let go."""
        if self._pods_by_claim.count((at.namespace, at.name)):
            return True
        return any(mounts(pod, at.name) for pod in (await self._client.list(pod_pb2.Pod, at.namespace)).items)

    async def _protect(
        self, at: Key, obj: PersistentVolume | PersistentVolumeClaim, finalizer: str, *, used: bool
    ) -> None:
        going, present = volumes.is_going(obj), finalizer in obj.metadata.finalizers
        if (going and not (present and not used)) or (not going and present):
            return
        changed: Any = type(obj)()
        changed.CopyFrom(obj)
        if going:
            changed.metadata.finalizers.remove(finalizer)
            log.info("%s is used no more: it may go", at)
        else:
            changed.metadata.finalizers.append(finalizer)
        await self._client.update(changed)

    def _changed(self, change: Change[Any]) -> None:
        if change.new is not None:
            self._loop.queue.add(change.key)

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        pod = change.new or change.old
        if pod is None:
            return
        for name in volumes.claims_of(pod):
            claim = self._claims.get(name, change.key.namespace)
            if claim is not None and volumes.is_going(claim):
                self._loop.queue.add(Key(GroupKind("", "PersistentVolumeClaim"), change.key.namespace, name))


def _claims_mounted(pod: pod_pb2.Pod) -> tuple[tuple[str, str], ...]:
    return tuple((pod.metadata.namespace, name) for name in volumes.claims_of(pod) if pod.spec.nodeName)
