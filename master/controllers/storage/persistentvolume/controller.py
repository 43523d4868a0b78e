"""The binder: reads claims, volumes and classes, asks `decide`, and writes both sides of each pair.

Each of the four writes of a binding can be the last one before a crash: the next pass takes up where it ended.
"""

from __future__ import annotations

import logging
from typing import Final

from master.controllers.framework.informers import Index, Informers
from master.controllers.framework.loop import Loop
from master.controllers.objects.events import ObjectEvent
from master.controllers.storage.persistentvolume import decide
from master.controllers.storage.persistentvolume.decide import Bind, ClaimContext, MarkLost, Provision
from master.controllers.storage.persistentvolume.view import StorageView
from podlab.api import storageclasses
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key, key
from podlab.api.pods import volumes
from podlab.api.pods.volumes import STORAGE_PROVISIONER
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.errors import NotFound
from podlab.storage.v1.storageclass_pb2 import StorageClass

log = logging.getLogger(__name__)


class PersistentVolumeController:
    """Keys are claims' and volumes'. One worker, so that no volume is chosen twice."""

    name: Final = "persistentvolume"

    def __init__(self, client: Client, informers: Informers, recorder: EventRecorder) -> None:
        self._client = client
        self._recorder = recorder
        self._view = StorageView(informers)
        self._pods_by_claim = Index(informers.pods, _claims_waited_for)
        # Versions of volumes that we have replaced, while the informer still shows them: volume's name to version.
        self._replaced: dict[str, str] = {}
        self._loop: Loop[Key] = Loop(self.name, self.reconcile, workers=1)
        self._view.claims.on_change(self._claim_changed)
        self._view.volumes.on_change(self._volume_changed)
        self._view.classes.on_change(self._class_changed)
        informers.pods.on_change(self._pod_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        if at.group_kind == GroupKind("", "PersistentVolume"):
            await self._reconcile_volume(at)
        else:
            await self._reconcile_claim(at)

    async def _reconcile_claim(self, at: Key) -> None:
        claim = self._view.claims.store.get(at)
        if claim is None or await self._gets_class(claim):
            return
        step = decide.decide_claim(claim, self._context(claim))
        if isinstance(step, Bind):
            await self._bind(claim, step.volume)
            if step.event is not None:
                self._record_event(claim, step.event)
        elif isinstance(step, MarkLost):
            if claim.status.phase != "Lost":
                self._record_event(claim, step.event)
                await self._client.update_status(decide.claim_status(claim, "Lost", None))
        else:
            if step.event is not None and not volumes.is_going(claim):
                self._record_event(claim, step.event)
            if isinstance(step, Provision):
                await self._ask_for(claim, step.provisioner)

    def _context(self, claim: PersistentVolumeClaim) -> ClaimContext:
        at, named = key(claim), claim.spec.volumeName
        candidates = [] if volumes.is_going(claim) else self._view.candidates(claim)
        return ClaimContext(
            named=self._view.volumes.get(named) if named else None,
            candidates=[one for one in candidates if not self._is_replaced(one)],
            storage_class=self._view.classes.get(claim.spec.storageClassName),
            pods=[pod.metadata.name for pod in self._pods_by_claim.get((at.namespace, at.name))],
        )

    def _is_replaced(self, volume: PersistentVolume) -> bool:
        return self._replaced.get(volume.metadata.name) == volume.metadata.resourceVersion

    async def _gets_class(self, claim: PersistentVolumeClaim) -> bool:
        """A claim that came before there was a default class gets it now, as it would have then."""
        if claim.spec.HasField("storageClassName") or claim.spec.volumeName:
            return False
        default = self._view.default_class()
        if default is None:
            return False
        changed = PersistentVolumeClaim()
        changed.CopyFrom(claim)
        changed.spec.storageClassName = default
        await self._client.update(changed)
        log.info("%s gets the default class %s", key(claim), default)
        return True

    async def _bind(self, claim: PersistentVolumeClaim, volume: PersistentVolume) -> None:
        before = volume.metadata.resourceVersion, claim.metadata.resourceVersion
        if (kept := volumes.given_to(volume, claim)) != volume:
            volume = await self._client.update(kept)
            self._replaced[volume.metadata.name] = before[0]
        if volume.status.phase != "Bound":
            volume = await self._set_phase(volume, "Bound")
        if (bound := decide.bound_claim(claim, volume)) != claim:
            claim = await self._client.update(bound)
        if (updated := decide.claim_status(claim, "Bound", volume)) != claim:
            claim = await self._client.update_status(updated)
        if (volume.metadata.resourceVersion, claim.metadata.resourceVersion) != before:
            log.info("%s is bound to %s", key(claim), key(volume))

    async def _ask_for(self, claim: PersistentVolumeClaim, provisioner: str) -> None:
        if claim.metadata.annotations.get(STORAGE_PROVISIONER) == provisioner:
            return
        changed = PersistentVolumeClaim()
        changed.CopyFrom(claim)
        changed.metadata.annotations[STORAGE_PROVISIONER] = provisioner
        await self._client.update(changed)

    async def _reconcile_volume(self, at: Key) -> None:
        volume = self._view.volumes.store.get(at)
        if volume is None:
            return
        claim = await self._claim_of(volume)
        step = decide.decide_volume(volume, claim)
        if step.unbind:
            volume = await self._client.update(decide.unbound(volume))
            log.info("%s is free again", at)
        if (volume.status.phase, volume.status.message) != (step.phase, step.message):
            if step.event is not None:
                self._record_event(volume, step.event)
            await self._set_phase(volume, step.phase, step.message)
            log.info("%s is %s", at, step.phase)
        for waiting in self._view.who_may_want(volume):
            self._loop.queue.add(key(waiting))

    async def _claim_of(self, volume: PersistentVolume) -> PersistentVolumeClaim | None:
        """Absence in the informer is only a hint: the API server is asked before a volume is given up."""
        kept = volume.spec.claimRef
        if not kept.uid:
            return None
        found = self._view.claims.get(kept.name, kept.namespace)
        if found is None or found.metadata.uid != kept.uid:
            try:
                found = await self._client.get(PersistentVolumeClaim, kept.name, kept.namespace)
            except NotFound:
                return None
        return found if found.metadata.uid == kept.uid else None

    async def _set_phase(self, volume: PersistentVolume, phase: str, message: str = "") -> PersistentVolume:
        changed = PersistentVolume()
        changed.CopyFrom(volume)
        changed.status.phase, changed.status.message = phase, message
        return await self._client.update_status(changed)

    def _record_event(self, obj: PersistentVolume | PersistentVolumeClaim, event: ObjectEvent) -> None:
        self._recorder.event(obj, *event)

    def _claim_changed(self, change: Change[PersistentVolumeClaim]) -> None:
        for claim in (change.old, change.new):
            if claim is not None and claim.spec.volumeName:
                self._loop.queue.add(Key(GroupKind("", "PersistentVolume"), "", claim.spec.volumeName))
        if change.new is not None:
            self._loop.queue.add(change.key)
            return
        for volume in self._view.kept_for(change.key):
            self._loop.queue.add(key(volume))

    def _volume_changed(self, change: Change[PersistentVolume]) -> None:
        self._replaced.pop(change.key.name, None)
        for volume in (change.old, change.new):
            if volume is not None and volume.spec.HasField("claimRef"):
                kept = volume.spec.claimRef
                self._loop.queue.add(Key(GroupKind("", "PersistentVolumeClaim"), kept.namespace, kept.name))
        for claim in self._view.naming(change.key.name):
            self._loop.queue.add(key(claim))
        self._loop.queue.add(change.key)

    def _class_changed(self, change: Change[StorageClass]) -> None:
        if change.new is None:
            return
        may_be_default = storageclasses.is_default(change.new)
        for claim in self._view.waiting(change.key.name, classless=may_be_default):
            self._loop.queue.add(key(claim))

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        """A claim without a volume says which pod it waits for."""
        if change.new is None or change.old is not None:
            return
        for name in volumes.claims_of(change.new):
            claim = self._view.claims.get(name, change.key.namespace)
            if claim is not None and not claim.spec.volumeName:
                self._loop.queue.add(key(claim))


def _claims_waited_for(pod: pod_pb2.Pod) -> tuple[tuple[str, str], ...]:
    names = () if pod.spec.nodeName else volumes.claims_of(pod)
    return tuple((pod.metadata.namespace, name) for name in names)
