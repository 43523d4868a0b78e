"""Keeps what every cluster has: system namespaces, priority and storage classes, and the `kubernetes` Service."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_address
from typing import Any

from google.protobuf.message import Message

from master.apiserver.admission.rules.namespaces import PERMANENT
from master.apiserver.admission.rules.serviceaccount import DEFAULT as DEFAULT_ACCOUNT
from master.apiserver.admission.write import Write, WriteContext
from master.apiserver.authentication.user import SERVER
from master.apiserver.registry.registry import Registry
from master.store.errors import Closed, StoreError
from podlab.api import kinds
from podlab.api.pods.volumes import LOCAL_PATH, LOCAL_PATH_DIRECTORY
from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.api.storageclasses import DEFAULT_CLASS
from podlab.core.v1 import endpoints_pb2, namespace_pb2, service_pb2, serviceaccount_pb2
from podlab.discovery.v1 import endpointslice_pb2
from podlab.errors import AlreadyExists, ApiError, Conflict, Invalid, NotFound
from podlab.kinds.validation.cluster.policy import SYSTEM_CLASSES
from podlab.meta.v1 import meta_pb2
from podlab.networking.v1 import serviceaddresses_pb2
from podlab.scheduling.v1 import priorityclass_pb2
from podlab.storage.v1 import storageclass_pb2

EVERY_S = 10.0
HTTPS = 443

log = logging.getLogger(__name__)
_WRITING = WriteContext(SERVER, manager="podlab-apiserver")


@dataclass(frozen=True, slots=True)
class SystemObjects:
    """`ensure` once before the server answers; `run` for ever."""

    registry: Registry
    service_network: IPv4Network
    advertise_address: str
    port: int
    told: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Look again and again; what is right is left alone."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.ensure()
            except Closed:
                return
            except (ApiError, StoreError) as error:
                log.warning("cannot keep the system objects in existence: %s; again in %.0f s", error, EVERY_S)

    async def ensure(self) -> None:
        """Make what is missing, correct what is wrong."""
        for name in PERMANENT:
            await self._ensure(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name=name)), ())
            account = meta_pb2.ObjectMeta(namespace=name, name=DEFAULT_ACCOUNT)
            await self._ensure(serviceaccount_pb2.ServiceAccount(metadata=account), ())
        for name, value in SYSTEM_CLASSES.items():
            await self._ensure(_priority_class(name, value), ())
        await self._ensure(_local_path_class(), ())
        await self._ensure(self._service_cidr(), ())
        await self._ensure(self._service(), ("spec",))
        await self._ensure(self._slice(), ("endpoints", "ports"))
        await self._ensure(self._endpoints(), ("subsets",))

    async def _ensure(self, wanted: Any, fields: tuple[str, ...]) -> None:
        """`fields` are put right in an object that exists."""
        kind, metadata = kinds.of(wanted), wanted.metadata
        try:
            found: Any = (await self.registry.get(kind, metadata.namespace, metadata.name)).message()
        except NotFound:
            try:
                await self.registry.write(Write.create(_WRITING, wanted))
                log.info("created %s %s", kind.singular, metadata.name)
            except AlreadyExists as error:
                log.debug("another apiserver was first: %s", error)
            return
        if isinstance(wanted, service_pb2.Service):
            self._keep_address(wanted, found.spec.clusterIP)
        for name in fields:
            _put_right(getattr(found, name), getattr(wanted, name), found, name)
        try:
            await self.registry.write(Write.update(_WRITING, found))
        except Conflict as error:
            log.debug("changed meanwhile, looked at again next time: %s", error)
        except Invalid as error:
            # Everything else works without it; a server that does not start helps nobody.
            self._tell(f"{kind.singular} {metadata.name} cannot be put right: {error}")

    def _keep_address(self, wanted: service_pb2.Service, address: str) -> None:
        """A Service keeps its address; after a change of the network it is not one that this server would give."""
        wanted.spec.clusterIP = address
        if ip_address(address) not in self.service_network:
            self._tell(
                f"service_cidr is {self.service_network}, but the cluster was made with another: Service kubernetes "
                f"keeps {address}; set podlab_service_cidr to what it was"
            )

    def _tell(self, problem: str) -> None:
        """Once, however often it is found again."""
        if problem not in self.told:
            self.told.add(problem)
            log.error("%s", problem)

    def _service_cidr(self) -> serviceaddresses_pb2.ServiceCIDR:
        """The network that Services get their addresses from."""
        made = serviceaddresses_pb2.ServiceCIDR(metadata=meta_pb2.ObjectMeta(name="kubernetes"))
        made.spec.cidrs.append(str(self.service_network))
        return made

    def _service(self) -> service_pb2.Service:
        service = service_pb2.Service(metadata=self._metadata())
        service.metadata.labels["component"] = "apiserver"
        service.metadata.labels["provider"] = "kubernetes"
        service.spec.clusterIP = str(self.service_network[1])
        service.spec.ports.add(
            name="https", protocol="TCP", port=HTTPS, targetPort=meta_pb2.IntOrString(intVal=self.port)
        )
        return service

    def _endpoints(self) -> endpoints_pb2.Endpoints:
        """The older form of the slice, which is not made of it."""
        endpoints = endpoints_pb2.Endpoints(metadata=self._metadata())
        endpoints.metadata.labels["endpointslice.kubernetes.io/skip-mirror"] = "true"
        subset = endpoints.subsets.add()
        subset.addresses.add(ip=self.advertise_address)
        subset.ports.add(name="https", protocol="TCP", port=self.port)
        return endpoints

    def _slice(self) -> endpointslice_pb2.EndpointSlice:
        endpoints = endpointslice_pb2.EndpointSlice(metadata=self._metadata(), addressType="IPv4")
        endpoints.metadata.labels[SERVICE_NAME_LABEL] = "kubernetes"
        endpoints.endpoints.add(
            addresses=[self.advertise_address], conditions=endpointslice_pb2.EndpointConditions(ready=True)
        )
        endpoints.ports.add(name="https", protocol="TCP", port=self.port)
        return endpoints

    @staticmethod
    def _metadata() -> meta_pb2.ObjectMeta:
        return meta_pb2.ObjectMeta(namespace="default", name="kubernetes")


def _put_right(found: Any, wanted: Any, owner: Any, field: str) -> None:
    if isinstance(found, Message):
        del found.ports[:]  # type: ignore[attr-defined]
        found.MergeFrom(wanted)
    else:
        owner.ClearField(field)
        getattr(owner, field).extend(wanted)


def _priority_class(name: str, value: int) -> priorityclass_pb2.PriorityClass:
    must = "must run in the cluster" if "cluster" in name else "must not be moved from their node"
    made = priorityclass_pb2.PriorityClass(metadata=meta_pb2.ObjectMeta(name=name), value=value)
    made.description = f"Used for system critical pods that {must}."
    return made


def _local_path_class() -> storageclass_pb2.StorageClass:
    """The class of claims that name none, unless an administrator takes that from it."""
    made = storageclass_pb2.StorageClass(metadata=meta_pb2.ObjectMeta(name="local-path"))
    made.metadata.annotations[DEFAULT_CLASS] = "true"
    made.provisioner, made.parameters["path"] = LOCAL_PATH, LOCAL_PATH_DIRECTORY
    made.reclaimPolicy, made.volumeBindingMode = "Delete", "WaitForFirstConsumer"
    return made
