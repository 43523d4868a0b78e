"""Wishes that volumes of drivers be attached to the nodes of the pods that use them, and takes the wishes back.

Drivers' own controllers fulfil them. https://kubernetes-csi.github.io/docs/external-attacher.html
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

from master.controllers.framework.informers import Index, Informers
from master.controllers.framework.loop import Loop
from podlab.api import kinds
from podlab.api.objects import Key, key
from podlab.api.pods import volumes
from podlab.api.pods.attachments import attachment_name, driver_of, is_attached_by
from podlab.client.client import Client
from podlab.client.informer import Change
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.errors import AlreadyExists
from podlab.storage.v1.csi_pb2 import CSIDriver
from podlab.storage.v1.volumeattachment_pb2 import VolumeAttachment

log = logging.getLogger(__name__)

Claim = tuple[str, str]
"""Namespace and name."""
_ATTACHMENTS = kinds.of(VolumeAttachment)


class AttachDetachController:
    """Keys are pods' and VolumeAttachments'. A volume stays attached as long as there is a pod on the node that may
    have it mounted: the kubelet lets a pod go when its drivers have taken back what it had."""

    name: Final = "attachdetach"

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._pods = informers.pods
        self._claims = informers.claims
        self._volumes = informers.volumes
        self._drivers = informers.of(CSIDriver)
        self._attachments = informers.of(VolumeAttachment)
        self._pods_by_claim = Index(informers.pods, _claims_on_a_node)
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        informers.pods.on_change(self._pod_changed)
        informers.claims.on_change(self._claim_changed)
        informers.volumes.on_change(self._volume_changed)
        self._drivers.on_change(self._driver_changed)
        self._attachments.on_change(self._attachment_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        if at.group_kind == _ATTACHMENTS.group_kind:
            await self._take_back(at)
        elif (pod := self._pods.store.get(at)) is not None:
            for volume in self._volumes_of(pod):
                await self._attach(volume, pod.spec.nodeName)

    async def _attach(self, volume: PersistentVolume, node: str) -> None:
        driver = driver_of(volume)
        if not driver or not is_attached_by(self._drivers.get(driver)):
            return
        made = VolumeAttachment()
        made.metadata.name = attachment_name(driver, volume.spec.persistentVolumeSource.csi.volumeHandle, node)
        if self._attachments.get(made.metadata.name) is not None:
            return
        made.spec.attacher, made.spec.nodeName = driver, node
        made.spec.source.persistentVolumeName = volume.metadata.name
        try:
            await self._client.create(made)
        except AlreadyExists:  # which the informer has not seen yet
            return
        log.info("volume %s is to be attached to node %s by %s", volume.metadata.name, node, driver)

    async def _take_back(self, at: Key) -> None:
        """One that nobody needs any more, of those that were made here."""
        found = self._attachments.store.get(at)
        if found is None or found.metadata.HasField("deletionTimestamp"):
            return
        volume = self._volumes.get(found.spec.source.persistentVolumeName)
        if volume is None or not _is_own(found, volume) or self._is_used(found, volume):
            return
        listed = (await self._client.list(pod_pb2.Pod, field_selector=f"spec.nodeName={found.spec.nodeName}")).items
        if any(volume.metadata.name == each.metadata.name for pod in listed for each in self._volumes_of(pod)):
            return  # the informer lags behind
        await self._client.delete(VolumeAttachment, at.name, uid=found.metadata.uid)
        log.info("volume %s is to be detached from node %s", volume.metadata.name, found.spec.nodeName)

    def _is_used(self, wish: VolumeAttachment, volume: PersistentVolume) -> bool:
        claim = (volume.spec.claimRef.namespace, volume.spec.claimRef.name)
        return any(pod.spec.nodeName == wish.spec.nodeName for pod in self._pods_by_claim.get(claim))

    def _volumes_of(self, pod: pod_pb2.Pod) -> Iterator[PersistentVolume]:
        """Those of the pod's claims, as far as they are bound."""
        for name in volumes.claims_of(pod):
            claim = self._claims.get(name, pod.metadata.namespace)
            volume = self._volumes.get(claim.spec.volumeName) if claim is not None else None
            if claim is not None and volume is not None and volume.spec.claimRef.uid == claim.metadata.uid:
                yield volume

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        pod = change.new or change.old
        if pod is None or not pod.spec.nodeName or not volumes.claims_of(pod):
            return
        if change.new is not None:
            self._loop.queue.add(change.key)
            return
        for wish in self._attachments.list():  # by the node: its claims may be gone already
            if wish.spec.nodeName == pod.spec.nodeName:
                self._loop.queue.add(key(wish))

    def _claim_changed(self, change: Change[PersistentVolumeClaim]) -> None:
        for pod in self._pods_by_claim.get((change.key.namespace, change.key.name)):
            self._loop.queue.add(key(pod))

    def _volume_changed(self, change: Change[PersistentVolume]) -> None:
        if change.new is not None and driver_of(change.new):
            claim = change.new.spec.claimRef
            for pod in self._pods_by_claim.get((claim.namespace, claim.name)):
                self._loop.queue.add(key(pod))

    def _driver_changed(self, change: Change[CSIDriver]) -> None:
        for volume in self._volumes.list():
            if driver_of(volume) == change.key.name:
                self._volume_changed(Change(key(volume), None, volume))

    def _attachment_changed(self, change: Change[VolumeAttachment]) -> None:
        if change.new is not None:
            self._loop.queue.add(change.key)
        elif (volume := self._volumes.get(_volume_named(change.old))) is not None:
            self._volume_changed(Change(key(volume), None, volume))  # it may be needed


def _is_own(wish: VolumeAttachment, volume: PersistentVolume) -> bool:
    handle = volume.spec.persistentVolumeSource.csi.volumeHandle
    return bool(wish.metadata.name == attachment_name(driver_of(volume), handle, wish.spec.nodeName))


def _volume_named(wish: VolumeAttachment | None) -> str:
    return str(wish.spec.source.persistentVolumeName) if wish is not None else ""


def _claims_on_a_node(pod: pod_pb2.Pod) -> tuple[Claim, ...]:
    return tuple((pod.metadata.namespace, name) for name in volumes.claims_of(pod) if pod.spec.nodeName)
