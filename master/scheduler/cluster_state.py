"""What scheduling depends on besides nodes and pods: namespaces, Services, controllers, storage and devices.

It fills the snapshot, and reports the events that may help waiting pods.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.queue.cluster_events import ClusterEvent, EventKind
from podlab.api.selection import selectors
from podlab.api.selection.selectors import Selector
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.client.client import Client
from podlab.client.informer import Change, Informer
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.replicationcontroller_pb2 import ReplicationController
from podlab.core.v1.service_pb2 import Service
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.resource.v1.deviceclass_pb2 import DeviceClass
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice
from podlab.storage.v1.csi_pb2 import CSINode
from podlab.storage.v1.storageclass_pb2 import StorageClass

Workload = Service | ReplicaSet | StatefulSet | ReplicationController
AnyInformer = (
    Informer[Namespace]
    | Informer[Service]
    | Informer[ReplicaSet]
    | Informer[StatefulSet]
    | Informer[ReplicationController]
    | Informer[PersistentVolumeClaim]
    | Informer[PersistentVolume]
    | Informer[StorageClass]
    | Informer[CSINode]
    | Informer[ResourceClaim]
    | Informer[DeviceClass]
    | Informer[ResourceSlice]
)


class ClusterState:
    """`run` for ever; `on_event` is called with what may help pods that wait."""

    def __init__(self, client: Client, snapshot: Snapshot, on_event: Callable[[ClusterEvent], None]) -> None:
        self._snapshot = snapshot
        self._on_event = on_event
        namespaces = Informer(client, Namespace)
        namespaces.on_change(self._namespace_changed)
        services = Informer(client, Service)
        services.on_change(self._workload_changed)
        replica_sets = Informer(client, ReplicaSet)
        replica_sets.on_change(self._workload_changed)
        stateful_sets = Informer(client, StatefulSet)
        stateful_sets.on_change(self._workload_changed)
        replication_controllers = Informer(client, ReplicationController)
        replication_controllers.on_change(self._workload_changed)
        claims = Informer(client, PersistentVolumeClaim)
        claims.on_change(self._claim_changed)
        volumes = Informer(client, PersistentVolume)
        volumes.on_change(self._volume_changed)
        classes = Informer(client, StorageClass)
        classes.on_change(self._class_changed)
        drivers = Informer(client, CSINode)
        drivers.on_change(self._drivers_changed)
        self._informers: list[AnyInformer] = [namespaces, services, replica_sets, stateful_sets]
        self._informers += [replication_controllers, claims, volumes, classes, drivers, *self._device_informers(client)]

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for informer in self._informers:
                group.create_task(informer.run())

    async def synced(self) -> None:
        """Returns when all informers have listed their objects."""
        for informer in self._informers:
            await informer.synced.wait()

    def _device_informers(self, client: Client) -> Sequence[AnyInformer]:
        claims, classes, slices = (
            Informer(client, ResourceClaim),
            Informer(client, DeviceClass),
            Informer(client, ResourceSlice),
        )
        claims.on_change(self._device_claim_changed)
        classes.on_change(self._device_class_changed)
        slices.on_change(self._resource_slice_changed)
        return claims, classes, slices

    def _namespace_changed(self, change: Change[Namespace]) -> None:
        labels = dict(change.new.metadata.labels) if change.new is not None else None
        if change.old is None or change.new is None or change.old.metadata.labels != change.new.metadata.labels:
            self._snapshot.set_namespace(change.key.name, labels)
            self._on_event(ClusterEvent(EventKind.NAMESPACE))

    def _workload_changed(
        self, change: Change[Service] | Change[ReplicaSet] | Change[StatefulSet] | Change[ReplicationController]
    ) -> None:
        selector = _selector(change.new) if change.new is not None else None
        self._snapshot.workload_selectors.set(change.key, selector)

    def _claim_changed(self, change: Change[PersistentVolumeClaim]) -> None:
        name = change.key.namespace, change.key.name
        self._snapshot.storage.set_claim(name, change.new)
        self._on_event(ClusterEvent(EventKind.STORAGE, claim=name))

    def _volume_changed(self, change: Change[PersistentVolume]) -> None:
        self._snapshot.storage.set_volume(change.key.name, change.new)
        self._on_event(ClusterEvent(EventKind.STORAGE))

    def _class_changed(self, change: Change[StorageClass]) -> None:
        self._snapshot.storage.set_class(change.key.name, change.new)
        self._on_event(ClusterEvent(EventKind.STORAGE))

    def _drivers_changed(self, change: Change[CSINode]) -> None:
        self._snapshot.storage.set_drivers(change.key.name, change.new)
        self._on_event(ClusterEvent(EventKind.STORAGE))

    def _device_claim_changed(self, change: Change[ResourceClaim]) -> None:
        self._snapshot.devices.set_claim((change.key.namespace, change.key.name), change.new)
        self._on_event(ClusterEvent(EventKind.DEVICE_CLAIM, device_claim=change.new, old_device_claim=change.old))

    def _device_class_changed(self, change: Change[DeviceClass]) -> None:
        self._snapshot.set_device_class(change.key.name, change.new)
        if change.new is not None:
            self._on_event(ClusterEvent(EventKind.DEVICE_CLASS))

    def _resource_slice_changed(self, change: Change[ResourceSlice]) -> None:
        self._snapshot.devices.set_slice(change.key.name, change.new)
        self._on_event(ClusterEvent(EventKind.RESOURCE_SLICE))


def _selector(workload: Workload) -> Selector | None:
    if isinstance(workload, ReplicaSet | StatefulSet):
        return selectors.from_message(workload.spec.selector)
    given = workload.spec.selector
    return selectors.from_labels(given) if given else None
