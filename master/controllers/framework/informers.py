"""The cluster as the controllers see it: one informer per kind, and the objects by what they are looked up by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from master.controllers.framework.elsewhere import KindsElsewhere
from podlab.api import kinds
from podlab.api.kinds import GroupKind, Kind
from podlab.api.objects import ApiObject, Key, controller_of
from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.apiregistration.v1.apiservice_pb2 import APIService
from podlab.apps.v1 import controllerrevision_pb2, daemonset_pb2, deployment_pb2, replicaset_pb2, statefulset_pb2
from podlab.batch.v1 import job_pb2
from podlab.client.client import Client
from podlab.client.informer import Change, Informer
from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import namespace_pb2, node_pb2, pod_pb2, service_pb2, volume_pb2
from podlab.discovery.v1 import endpointslice_pb2
from podlab.kinds import builtin
from podlab.kinds.catalog import Catalog
from podlab.kinds.current import CurrentCatalog
from podlab.kinds.custom.served import ServedDefinitions
from podlab.spans.spans import Spans
from podlab.storage.v1 import storageclass_pb2

M = TypeVar("M", bound=Message)

# Events own nothing and are owned by nothing; there are many of them.
NOT_FOLLOWED = frozenset({GroupKind("", "Event")})
Handler = Callable[[Change[Any]], None]


class Index(Generic[M]):
    """An informer's objects by properties of theirs; follows the informer, so make it before the informer runs."""

    def __init__(self, informer: Informer[M], properties: Callable[[M], Iterable[Hashable]]) -> None:
        self._informer = informer
        self._properties = properties
        self._keys: dict[Hashable, dict[Key, None]] = {}
        informer.on_change(self._take)

    def get(self, of: Hashable) -> list[M]:
        """The objects with that property, in the order in which they came."""
        return [self._informer.store[key] for key in self._keys.get(of, ()) if key in self._informer.store]

    def count(self, of: Hashable) -> int:
        return len(self._keys.get(of, ()))

    def _take(self, change: Change[M]) -> None:
        old = set(self._properties(change.old)) if change.old is not None else set()
        new = set(self._properties(change.new)) if change.new is not None else set()
        for lost in old - new:
            keys = self._keys[lost]
            del keys[change.key]
            if not keys:
                del self._keys[lost]
        for gained in new - old:
            self._keys.setdefault(gained, {})[change.key] = None


class Informers:
    """Make all indexes and handlers, then `run`; after `synced` an absence can be trusted. `spans` remember what
    controllers saw when, and what they made of it."""

    def __init__(self, client: Client, catalog: CurrentCatalog | None = None, spans: Spans | None = None) -> None:
        self._client, self.spans = client, spans or Spans()
        self.catalog = catalog or CurrentCatalog(builtin.catalog())
        """The kinds that there are: what follows every kind follows this."""
        self.by_kind: dict[GroupKind, Informer[Any]] = {}
        self._handlers: list[Handler] = []
        self._running: dict[GroupKind, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self.catalog.follow(self._become)
        self._custom = ServedDefinitions(self.catalog)
        self.of(CustomResourceDefinition).on_change(self._definition_changed)
        self.elsewhere = KindsElsewhere(client, self.catalog, self.of(APIService))
        self.namespaces = self.of(namespace_pb2.Namespace)
        self.nodes = self.of(node_pb2.Node)
        self.leases = self.of(lease_pb2.Lease)
        self.pods = self.of(pod_pb2.Pod)
        self.services = self.of(service_pb2.Service)
        self.slices = self.of(endpointslice_pb2.EndpointSlice)
        self.claims = self.of(volume_pb2.PersistentVolumeClaim)
        self.volumes = self.of(volume_pb2.PersistentVolume)
        self.storage_classes = self.of(storageclass_pb2.StorageClass)
        self.deployments = self.of(deployment_pb2.Deployment)
        self.replica_sets = self.of(replicaset_pb2.ReplicaSet)
        self.stateful_sets = self.of(statefulset_pb2.StatefulSet)
        self.daemon_sets = self.of(daemonset_pb2.DaemonSet)
        self.revisions = self.of(controllerrevision_pb2.ControllerRevision)
        self.jobs = self.of(job_pb2.Job)
        self.pods_by_controller = Index(self.pods, controller_uid)
        self.pods_by_namespace = Index(self.pods, namespace)
        self.pods_by_node = Index(self.pods, lambda pod: (pod.spec.nodeName,) if pod.spec.nodeName else ())
        self.orphan_pods = Index(self.pods, orphaned_in)
        self.replica_sets_by_controller = Index(self.replica_sets, controller_uid)
        self.orphan_replica_sets = Index(self.replica_sets, orphaned_in)
        self.stateful_sets_by_namespace = Index(self.stateful_sets, namespace)
        self.revisions_by_controller = Index(self.revisions, controller_uid)
        self.orphan_revisions = Index(self.revisions, orphaned_in)
        self.deployments_by_namespace = Index(self.deployments, namespace)
        self.pods_by_label = Index(self.pods, labels)
        self.services_by_label = Index(self.services, _selected_by)
        self.slices_by_service = Index(self.slices, _service_of)

    async def run(self) -> None:
        """Follows all kinds until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            self._group.create_task(self.elsewhere.run(), name="kinds elsewhere")
            for kind in self.by_kind:
                self._start(kind, self._group)

    async def synced(self) -> None:
        """Returns when every informer has listed once, those of the custom kinds that there are included, and those of
        other API servers' kinds not."""
        await self.of(CustomResourceDefinition).synced.wait()
        for kind, informer in [*self.by_kind.items()]:
            if kind not in self.elsewhere.kinds:
                await informer.synced.wait()

    def of(self, kind: type[M]) -> Informer[M]:
        """Of one of the built-in kinds."""
        informer: Informer[M] = self.by_kind[kinds.of(kind).group_kind]
        return informer

    def on_any_change(self, handler: Handler) -> None:
        """Calls `handler` for every later change of an object, of kinds too that there are not yet."""
        self._handlers.append(handler)
        for informer in self.by_kind.values():
            informer.on_change(handler)

    def _definition_changed(self, change: Change[CustomResourceDefinition]) -> None:
        self._custom.take([(change.key.name, change.new)])

    def _become(self, catalog: Catalog) -> None:
        """Follow the kinds of a catalog, and no others."""
        wanted = {kind.group_kind: kind for kind in catalog.stored if kind.group_kind not in NOT_FOLLOWED}
        for gone in self.by_kind.keys() - wanted.keys():
            del self.by_kind[gone]
            if gone in self._running:
                self._running.pop(gone).cancel()
        for group_kind, kind in wanted.items():
            if group_kind not in self.by_kind:
                self._add(kind)

    def _add(self, kind: Kind) -> None:
        informer: Informer[Any] = Informer(self._client, kind)
        self.by_kind[kind.group_kind] = informer
        for handler in self._handlers:
            informer.on_change(handler)
        if self._group is not None:
            self._start(kind.group_kind, self._group)

    def _start(self, kind: GroupKind, group: asyncio.TaskGroup) -> None:
        self._running[kind] = group.create_task(self.by_kind[kind].run(), name=f"informer {kind}")


def controller_uid(obj: ApiObject) -> tuple[str, ...]:
    """The uid of what manages the object."""
    controller = controller_of(obj.metadata)
    return () if controller is None else (controller.uid,)


def namespace(obj: ApiObject) -> tuple[str, ...]:
    return (obj.metadata.namespace,)


def labels(obj: ApiObject) -> tuple[tuple[str, str, str], ...]:
    """Its namespace with each of its labels."""
    at = obj.metadata.namespace
    return tuple((at, name, value) for name, value in obj.metadata.labels.items())


def orphaned_in(obj: ApiObject) -> tuple[str, ...]:
    """The object's namespace, where nothing manages the object."""
    return () if controller_of(obj.metadata) is not None else (obj.metadata.namespace,)


def _selected_by(service: service_pb2.Service) -> tuple[tuple[str, str, str], ...]:
    """One of the labels that a pod of the Service must have, as `labels` gives them; none without a selector."""
    return tuple((service.metadata.namespace, *wanted) for wanted in sorted(service.spec.selector.items())[:1])


def _service_of(endpoints: endpointslice_pb2.EndpointSlice) -> tuple[tuple[str, str], ...]:
    service = endpoints.metadata.labels.get(SERVICE_NAME_LABEL)
    return ((endpoints.metadata.namespace, service),) if service else ()
