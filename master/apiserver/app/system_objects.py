"""Keeps the objects that every cluster has.

They are the system namespaces with their service accounts, the system priority classes, the local-path storage class,
the Services `kubernetes` and `kube-dns` with what is behind them, and ConfigMap extension-apiserver-authentication.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from master.apiserver.admission.rules.namespaces import PERMANENT
from master.apiserver.admission.rules.serviceaccount import DEFAULT as DEFAULT_ACCOUNT
from master.apiserver.admission.write import Write, WriteContext
from master.apiserver.app import dns_service as dns
from master.apiserver.app.server_leases import ServerLeases
from master.apiserver.authentication.user import SERVER
from master.apiserver.registry import changes
from master.apiserver.registry.registry import Registry
from master.store.errors import Closed, StoreError
from podlab.api import kinds
from podlab.api.pods.volumes import LOCAL_PATH, LOCAL_PATH_DIRECTORY
from podlab.api.selection.labels import SERVICE_NAME_LABEL, SKIP_MIRROR_LABEL
from podlab.api.storageclasses import DEFAULT_CLASS
from podlab.api.values.ipfamilies import Network, family_of
from podlab.core.v1 import config_pb2, endpoints_pb2, namespace_pb2, service_pb2, serviceaccount_pb2
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
    """Call `ensure` once before the server answers, and let `run` run until the server stops."""

    registry: Registry
    service_networks: Sequence[Network]
    """One of each family, that of Service `kubernetes` first."""
    servers: ServerLeases
    port: int
    extension_authentication: Callable[[], config_pb2.ConfigMap] | None = None
    """By what API servers behind Services know their callers."""
    logged: set[str] = field(default_factory=set)
    """Problems that are in the log already."""

    async def run(self) -> None:
        """Call `ensure` every EVERY_S seconds, and when servers come and go, until the store is closed."""
        while True:
            await self._turn()
            try:
                await self.ensure()
            except Closed:
                return
            except (ApiError, StoreError) as error:
                log.warning("cannot keep the system objects in existence: %s; again in %.0f s", error, EVERY_S)

    async def _turn(self) -> None:
        try:
            async with asyncio.timeout(EVERY_S):
                await self.servers.changed.wait()
        except TimeoutError:
            return
        self.servers.changed.clear()

    async def ensure(self) -> None:
        """Create the objects that are missing, and correct those that differ."""
        for name in PERMANENT:
            await self._ensure(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name=name)), ())
            account = meta_pb2.ObjectMeta(namespace=name, name=DEFAULT_ACCOUNT)
            await self._ensure(serviceaccount_pb2.ServiceAccount(metadata=account), ())
        for name, value in SYSTEM_CLASSES.items():
            await self._ensure(_priority_class(name, value), ())
        await self._ensure(_local_path_class(), ())
        await self._ensure(_legacy_token_tracking(), ())
        await self._ensure(self._service_cidr(), ("spec",))
        await self._ensure(self._service(), ("spec",))
        await self._ensure(self._slice(), ("endpoints", "ports"))
        await self._ensure(self._endpoints(), ("subsets",))
        dns_address = str(self.service_networks[0][dns.ADDRESS])
        await self._ensure(dns.service(dns_address), ("spec",))
        await self._ensure(dns.endpoint_slice(dns_address), ("endpoints", "ports"))
        if self.extension_authentication is not None:
            await self._ensure(changes.copied(self.extension_authentication()), ("data",))

    async def _ensure(self, system_object: Any, fields: tuple[str, ...]) -> None:
        """Create the object, or correct these fields of the stored one."""
        kind, metadata = kinds.of(system_object), system_object.metadata
        try:
            stored: Any = (await self.registry.get(kind, metadata.namespace, metadata.name)).message()
        except NotFound:
            try:
                await self.registry.write(Write.create(_WRITING, system_object))
                log.info("created %s %s", kind.singular, metadata.name)
            except AlreadyExists as error:
                log.debug("another apiserver was first: %s", error)
            except Invalid as error:
                self._log_once(f"{kind.singular} {metadata.name} cannot be made: {error}")
            return
        if isinstance(system_object, service_pb2.Service):
            self._keep_address(system_object, stored.spec.clusterIP)
        found = type(stored)()
        found.CopyFrom(stored)
        for name in fields:
            _correct(stored, system_object, name)
        if stored == found:
            return  # nobody need be asked about it
        try:
            await self.registry.write(Write.update(_WRITING, stored))
        except Conflict as error:
            log.debug("changed meanwhile, looked at again next time: %s", error)
        except Invalid as error:
            # The server starts all the same: everything else works without this object.
            self._log_once(f"{kind.singular} {metadata.name} cannot be put right: {error}")

    def _keep_address(self, service: service_pb2.Service, address: str) -> None:
        """Keep the stored address. Logs an error when it is outside of the configured network."""
        service.spec.clusterIP = address
        network = self.service_networks[0]
        if service.metadata.name == "kubernetes" and ip_address(address) not in network:
            self._log_once(
                f"service_cidr is {network}, but the cluster was made with another: Service kubernetes "
                f"keeps {address}; set podlab_service_cidr to what it was"
            )

    def _log_once(self, problem: str) -> None:
        if problem not in self.logged:
            self.logged.add(problem)
            log.error("%s", problem)

    def _service_cidr(self) -> serviceaddresses_pb2.ServiceCIDR:
        """The network that Services get their addresses from."""
        made = serviceaddresses_pb2.ServiceCIDR(metadata=meta_pb2.ObjectMeta(name="kubernetes"))
        made.spec.cidrs.extend(map(str, self.service_networks))
        return made

    def _service(self) -> service_pb2.Service:
        service = service_pb2.Service(metadata=self._metadata())
        service.metadata.labels["component"] = "apiserver"
        service.metadata.labels["provider"] = "kubernetes"
        service.spec.clusterIP = str(self.service_networks[0][1])
        service.spec.ports.add(
            name="https", protocol="TCP", port=HTTPS, targetPort=meta_pb2.IntOrString(intVal=self.port)
        )
        return service

    def _endpoints(self) -> endpoints_pb2.Endpoints:
        """The Endpoints. The mirroring controller makes no EndpointSlice of them, because `_slice` is there."""
        endpoints = endpoints_pb2.Endpoints(metadata=self._metadata())
        endpoints.metadata.labels[SKIP_MIRROR_LABEL] = "true"
        subset = endpoints.subsets.add()
        for host in self._hosts():
            subset.addresses.add(ip=host)
        subset.ports.add(name="https", protocol="TCP", port=self.port)
        return endpoints

    def _slice(self) -> endpointslice_pb2.EndpointSlice:
        hosts = self._hosts()
        endpoints = endpointslice_pb2.EndpointSlice(metadata=self._metadata(), addressType=family_of(hosts[0]))
        endpoints.metadata.labels[SERVICE_NAME_LABEL] = "kubernetes"
        for host in hosts:
            endpoints.endpoints.add(addresses=[host], conditions=endpointslice_pb2.EndpointConditions(ready=True))
        endpoints.ports.add(name="https", protocol="TCP", port=self.port)
        return endpoints

    def _hosts(self) -> list[str]:
        """The servers' addresses, of this one's family: a slice has one."""
        family = family_of(self.servers.host)
        return [host for host in self.servers.hosts() if family_of(host) == family]

    @staticmethod
    def _metadata() -> meta_pb2.ObjectMeta:
        return meta_pb2.ObjectMeta(namespace="default", name="kubernetes")


def _correct(stored: Any, system_object: Any, field: str) -> None:
    """Repeated fields and maps are replaced.

    A Service's spec keeps fields that the server does not set, but for its ports. A ServiceCIDR may gain a family.
    """
    value = getattr(system_object, field)
    if isinstance(value, service_pb2.ServiceSpec):
        del stored.spec.ports[:]
        stored.spec.MergeFrom(value)
    elif isinstance(value, serviceaddresses_pb2.ServiceCIDRSpec):
        if list(value.cidrs[:1]) == list(stored.spec.cidrs):
            stored.spec.cidrs[:] = value.cidrs
    else:
        stored.ClearField(field)
        getattr(stored, field).MergeFrom(value)


def _priority_class(name: str, value: int) -> priorityclass_pb2.PriorityClass:
    must = "must run in the cluster" if "cluster" in name else "must not be moved from their node"
    made = priorityclass_pb2.PriorityClass(metadata=meta_pb2.ObjectMeta(name=name), value=value)
    made.description = f"Used for system critical pods that {must}."
    return made


def _legacy_token_tracking() -> config_pb2.ConfigMap:
    """Since when tokens in Secrets are known: clients read it before they judge a Secret to be unused.

    https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#legacy-serviceaccount-token-tracking-controller
    """
    metadata = meta_pb2.ObjectMeta(namespace="kube-system", name="kube-apiserver-legacy-service-account-token-tracking")
    return config_pb2.ConfigMap(metadata=metadata, data={"since": f"{datetime.now(UTC):%Y-%m-%d}"})


def _local_path_class() -> storageclass_pb2.StorageClass:
    """It is the default class of claims until an administrator removes the annotation."""
    made = storageclass_pb2.StorageClass(metadata=meta_pb2.ObjectMeta(name="local-path"))
    made.metadata.annotations[DEFAULT_CLASS] = "true"
    made.provisioner, made.parameters["path"] = LOCAL_PATH, LOCAL_PATH_DIRECTORY
    made.reclaimPolicy, made.volumeBindingMode = "Delete", "WaitForFirstConsumer"
    return made
