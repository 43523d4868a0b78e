"""The local-path provisioner: makes volumes for claims whose node is chosen, and lets those go whose claim is gone."""

from __future__ import annotations

import logging
from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from master.controllers.storage.provisioner.decide import (
    holds_nothing,
    hostname,
    is_to_go,
    refusal,
    volume_for,
    volume_name,
)
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key, key
from podlab.api.pods import volumes
from podlab.api.pods.volumes import LOCAL_PATH, SELECTED_NODE, STORAGE_PROVISIONER
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.errors import AlreadyExists
from podlab.storage.v1.storageclass_pb2 import StorageClass

log = logging.getLogger(__name__)


class LocalPathProvisioner:
    """Keys are claims' and volumes'."""

    name: Final = "provisioner"

    def __init__(self, client: Client, informers: Informers, recorder: EventRecorder) -> None:
        self._client = client
        self._recorder = recorder
        self._claims = informers.claims
        self._volumes = informers.volumes
        self._classes = informers.storage_classes
        self._nodes = informers.nodes
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        informers.claims.on_change(self._claim_changed)
        informers.volumes.on_change(self._volume_changed)
        informers.nodes.on_change(self._node_changed)
        informers.storage_classes.on_change(self._class_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        if at.group_kind == GroupKind("", "PersistentVolume"):
            volume = self._volumes.store.get(at)
            if volume is not None:
                await self._let_go(at, volume)
            return
        claim = self._claims.store.get(at)
        if claim is not None and _is_ours(claim):
            await self._provision(claim)

    async def _provision(self, claim: PersistentVolumeClaim) -> None:
        storage_class = self._classes.get(claim.spec.storageClassName)
        if storage_class is None or self._volumes.get(volume_name(claim)) is not None:
            return
        chosen = claim.metadata.annotations.get(SELECTED_NODE, "")
        node = self._nodes.get(chosen) if chosen else None
        if chosen and node is None:
            await self._choose_again(claim, chosen)
            return
        why = refusal(claim, storage_class, node)
        if why or node is None:
            message = f'failed to provision volume with StorageClass "{storage_class.metadata.name}": {why}'
            self._recorder.event(claim, "Warning", "ProvisioningFailed", message)
            return
        about = f"{claim.metadata.namespace}/{claim.metadata.name}"
        message = f'External provisioner is provisioning volume for claim "{about}"'
        self._recorder.event(claim, "Normal", "Provisioning", message)
        made = volume_for(claim, storage_class, node)
        try:
            await self._client.create(made)
        except AlreadyExists as error:  # our own create, whose answer was lost or is not shown yet
            log.debug("%s: %s", key(made), error)
            return
        log.info("%s made for claim %s on node %s", key(made), about, chosen)
        message = f"Successfully provisioned volume {made.metadata.name}"
        self._recorder.event(claim, "Normal", "ProvisioningSucceeded", message)

    async def _choose_again(self, claim: PersistentVolumeClaim, gone: str) -> None:
        """The node went before it got the volume: the scheduler is to choose another."""
        message = (
            f'failed to provision volume with StorageClass "{claim.spec.storageClassName}":'
            f' error getting handle for node "{gone}": nodes "{gone}" not found'
        )
        self._recorder.event(claim, "Warning", "ProvisioningFailed", message)
        changed = PersistentVolumeClaim()
        changed.CopyFrom(claim)
        del changed.metadata.annotations[SELECTED_NODE]
        await self._client.update(changed)

    async def _let_go(self, at: Key, volume: PersistentVolume) -> None:
        if is_to_go(volume):
            await self._client.delete(PersistentVolume, at.name, uid=volume.metadata.uid)
            log.info("%s is to go: its claim is gone", at)
        elif holds_nothing(volume, {hostname(node) for node in self._nodes.store.values()}):
            changed = PersistentVolume()
            changed.CopyFrom(volume)
            changed.metadata.finalizers.remove(LOCAL_PATH)
            await self._client.update(changed)
            log.info("%s: nothing of it is to be removed from a node", at)

    def _claim_changed(self, change: Change[PersistentVolumeClaim]) -> None:
        if change.new is not None and _is_ours(change.new):
            self._loop.queue.add(change.key)

    def _volume_changed(self, change: Change[PersistentVolume]) -> None:
        if change.new is not None and volumes.is_local_path(change.new):
            self._loop.queue.add(change.key)

    def _class_changed(self, change: Change[StorageClass]) -> None:
        """One that was made anew may be right now."""
        if change.new is None:
            return
        for claim in self._claims.store.values():
            if claim.spec.storageClassName == change.key.name and _is_ours(claim):
                self._loop.queue.add(key(claim))

    def _node_changed(self, change: Change[Node]) -> None:
        if change.new is not None:
            return
        for volume in self._volumes.store.values():
            if volumes.is_going(volume):
                self._loop.queue.add(key(volume))


def _is_ours(claim: PersistentVolumeClaim) -> bool:
    asked = claim.metadata.annotations.get(STORAGE_PROVISIONER) == LOCAL_PATH
    return asked and not claim.spec.volumeName and not volumes.is_going(claim)
