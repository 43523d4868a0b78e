"""What stands in every namespace: its default service account, and the CA that its pods trust the API server by."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key
from podlab.client.client import Client
from podlab.client.informer import Change, Informer
from podlab.core.v1 import namespace_pb2
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount
from podlab.errors import AlreadyExists
from podlab.meta.v1 import meta_pb2
from podlab.renewed import Renewed, changes

DEFAULT_ACCOUNT = "default"
ROOT_CA = "kube-root-ca.crt"
_DESCRIPTION = "The certificate authority by which pods know the API server."

O = TypeVar("O", ConfigMap, ServiceAccount)  # noqa: E741
log = logging.getLogger(__name__)


class DefaultObjectController(Generic[O]):
    """Keeps one object in each namespace as it is wanted. Keys are namespaces'. `same` compares what is kept of it.

    What is wanted may change: `wanted` says it, and is asked again and again.
    """

    def __init__(
        self,
        name: str,
        client: Client,
        informers: Informers,
        wanted: Callable[[], O],
        same: Callable[[O, O], bool],
    ) -> None:
        self.name = name
        self._client = client
        self._namespaces = informers.namespaces
        self._wanted: O = wanted()
        self._asked: Callable[[], O] = wanted
        self._objects: Informer[O] = informers.of(type(self._wanted))
        self._same: Callable[[O, O], bool] = same
        self._loop: Loop[Key] = Loop(name, self.reconcile)
        self._namespaces.on_change(self._namespace_changed)
        self._objects.on_change(self._object_changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._loop.run())
            group.create_task(self._follow())

    async def _follow(self) -> None:
        async for wanted in changes(self._asked, self._wanted):
            self._wanted = wanted
            for at in self._namespaces.store:
                self._loop.queue.add(at)

    async def reconcile(self, at: Key) -> None:
        namespace = self._namespaces.store.get(at)
        if namespace is None or namespace.metadata.HasField("deletionTimestamp"):
            return
        found = self._objects.get(self._wanted.metadata.name, at.name)
        if found is None:
            await self._create(at.name)
        elif not self._same(found, self._wanted):
            corrected = type(found)()
            corrected.CopyFrom(self._wanted)
            corrected.metadata.CopyFrom(found.metadata)
            await self._client.update(corrected)
            log.info("%s: corrected in namespace %s", self.name, at.name)

    async def _create(self, namespace: str) -> None:
        made = type(self._wanted)()
        made.CopyFrom(self._wanted)
        made.metadata.namespace = namespace
        try:
            await self._client.create(made)
        except AlreadyExists as error:
            log.debug("%s: another was first in namespace %s: %s", self.name, namespace, error)
        else:
            log.info("%s: made in namespace %s", self.name, namespace)

    def _namespace_changed(self, change: Change[namespace_pb2.Namespace]) -> None:
        if change.new is not None:
            self._loop.queue.add(change.key)

    def _object_changed(self, change: Change[O]) -> None:
        if change.key.name == self._wanted.metadata.name:
            self._loop.queue.add(Key(GroupKind("", "Namespace"), "", change.key.namespace))


def default_service_accounts(client: Client, informers: Informers) -> DefaultObjectController[ServiceAccount]:
    """What users make of the account is theirs: it has only to be there."""
    wanted = ServiceAccount(metadata=meta_pb2.ObjectMeta(name=DEFAULT_ACCOUNT))
    return DefaultObjectController("serviceaccount", client, informers, lambda: wanted, lambda _, __: True)


def root_ca_publisher(client: Client, informers: Informers, certificate: Path) -> DefaultObjectController[ConfigMap]:
    """Whoever could change it could lead pods to another server. Follows the file, in which there may be several
    authorities. Raises OSError when the certificate is not there."""
    wanted = Renewed(lambda: _root_ca(certificate.read_text()), [certificate])
    return DefaultObjectController("root-ca-certificate-publisher", client, informers, wanted, _same_data)


def _root_ca(authorities: str) -> ConfigMap:
    made = ConfigMap(metadata=meta_pb2.ObjectMeta(name=ROOT_CA), data={"ca.crt": authorities})
    made.metadata.annotations["kubernetes.io/description"] = _DESCRIPTION
    return made


def _same_data(found: ConfigMap, wanted: ConfigMap) -> bool:
    return found.data == wanted.data and not found.binaryData
