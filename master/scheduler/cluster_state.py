"""What pods are judged by besides nodes and pods: namespaces' labels, what Services and controllers select, volumes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.queue.cluster_events import Event, What
from podlab.api import selectors
from podlab.api.selectors import Selector
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.client.client import Client
from podlab.client.informer import Change, Informer
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.replicationcontroller_pb2 import ReplicationController
from podlab.core.v1.service_pb2 import Service
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.storage.v1.storageclass_pb2 import StorageClass

WORKLOADS = (Service, ReplicaSet, StatefulSet, ReplicationController)
STORAGE = (PersistentVolumeClaim, PersistentVolume, StorageClass)


class Surroundings:
    """`run` for ever; `happened` is told of what may help pods that wait."""

    def __init__(self, client: Client, snapshot: Snapshot, happened: Callable[[Event], None]) -> None:
        self._snapshot = snapshot
        self._happened = happened
        namespaces = Informer(client, Namespace)
        namespaces.on_change(self._namespace_changed)
        self._informers: list[Informer[Any]] = [namespaces]
        for kind in WORKLOADS:
            informer: Informer[Any] = Informer(client, kind)
            informer.on_change(self._workload_changed)
            self._informers.append(informer)
        for storage in STORAGE:
            stored: Informer[Any] = Informer(client, storage)
            stored.on_change(self._storage_changed)
            self._informers.append(stored)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for informer in self._informers:
                group.create_task(informer.run())

    async def synced(self) -> None:
        """Returns when all is known."""
        for informer in self._informers:
            await informer.synced.wait()

    def _namespace_changed(self, change: Change[Namespace]) -> None:
        labels = dict(change.new.metadata.labels) if change.new is not None else None
        if change.old is None or change.new is None or change.old.metadata.labels != change.new.metadata.labels:
            self._snapshot.set_namespace(change.key.name, labels)
            self._happened(Event(What.NAMESPACES))

    def _workload_changed(self, change: Change[Any]) -> None:
        self._snapshot.workloads.set(change.key, _selector(change.new))

    def _storage_changed(self, change: Change[Any]) -> None:
        self._snapshot.storage.set(change.key, change.new)
        at = change.key
        claim = (at.namespace, at.name) if at.kind == "PersistentVolumeClaim" else None
        self._happened(Event(What.VOLUMES, claim=claim))


def _selector(workload: Any) -> Selector | None:
    if workload is None:
        return None
    given = workload.spec.selector
    if isinstance(workload, ReplicaSet | StatefulSet):
        return selectors.from_message(given)
    return selectors.from_labels(given) if given else None
