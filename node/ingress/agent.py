"""The loop that keeps the node's HAProxy true to the API: a new configuration, or only other endpoints."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from node.command import CommandError
from node.ingress import certificates, page, status
from node.ingress.config import Listening
from node.ingress.front import Front
from node.ingress.page_server import SOCKET, PageServer
from node.ingress.routes import CertificateClaim, Owner, Problem, ours
from node.ingress.secrets import NamedSecrets
from node.ingress.server import Server, ServerError
from node.ingress.settings import IngressSettings
from node.ingress.wanted import Cluster, Place, Wanted, wanted
from podlab.api.ingresses import CONTROLLER, DEFAULT_CLASS_ANNOTATION
from podlab.api.ingresses import certificates as named_secrets
from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change, Informer
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.errors import AlreadyExists, ApiError, Conflict, NotFound
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.networking.v1.ingress_pb2 import Ingress, IngressClass

log = logging.getLogger(__name__)

VERIFY_PERIOD_S = 5.0  # how soon a HAProxy that was started anew, or changed by hand, is put right
RETRY_S = 1.0
CLASS = "podlab"
IPV6 = Path("/proc/self/net/if_inet6")  # there where the kernel has it
DEFAULT_CERTIFICATE = "default.pem"
# What comes at once is looked at once: a Deployment's pods, an Ingress with its Service and Secret.
GATHER_S = 0.01


class IngressAgent:
    """`run` for ever. `synced` once HAProxy does what the cluster's Ingresses say."""

    def __init__(self, client: Client, settings: IngressSettings, server: Server) -> None:
        self.synced = asyncio.Event()
        self._client = client
        self._settings = settings
        self._directory = server.directory
        self._default = server.directory / DEFAULT_CERTIFICATE
        self._front = Front(server)
        at = (settings.http_port, settings.https_port, settings.admin_address)
        self._listening = Listening(*at, server.directory / SOCKET, ipv6=IPV6.exists())
        self._page = PageServer(server.directory)
        self._ingresses = Informer(client, Ingress)
        self._classes = Informer(client, IngressClass)
        self._services = Informer(client, Service)
        self._slices = Informer(client, EndpointSlice)
        self._secrets = NamedSecrets(client, lambda: self._dirty.set())
        self._nodes = Informer(client, Node)
        self._events = EventRecorder(client, "podlab-ingress", settings.node_name)
        self._wanted = Wanted()
        self._told: dict[Owner, frozenset[Problem]] = {}
        self._dirty = asyncio.Event()
        self._status_dirty = asyncio.Event()
        self._follow()

    def _follow(self) -> None:
        self._ingresses.on_change(lambda change: self._look())
        self._classes.on_change(lambda change: self._look())
        self._services.on_change(
            lambda change: self._look_at(self._wanted.services, change.key.namespace, change.key.name)
        )
        self._slices.on_change(self._slice_changed)
        self._nodes.on_change(lambda change: self._status_dirty.set())

    def _look(self) -> None:
        self._dirty.set()
        self._status_dirty.set()

    def _look_at(self, places: frozenset[Place], namespace: str, name: str) -> None:
        if (namespace, name) in places:
            self._dirty.set()

    def _slice_changed(self, change: Change[EndpointSlice]) -> None:
        for each in (change.old, change.new):
            if each is not None:
                self._look_at(self._wanted.services, *_service_of(each))

    async def run(self) -> None:
        informers = (self._ingresses, self._classes, self._services, self._slices, self._nodes)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._events.run())
            group.create_task(self._page.run())
            group.create_task(self._secrets.run())
            for informer in informers:
                group.create_task(informer.run())
            for informer in informers:
                await informer.synced.wait()
            await self._make_class()
            group.create_task(self._write_status_forever())
            await self._sync_forever()

    async def _make_class(self) -> None:
        """Once, at the start: who takes the default away from it, or all of it, has it so until the next."""
        while self._classes.get(CLASS) is None:
            made = IngressClass(metadata=ObjectMeta(name=CLASS, annotations={DEFAULT_CLASS_ANNOTATION: "true"}))
            made.spec.controller = CONTROLLER
            try:
                await self._client.create(made)
            except AlreadyExists:
                return
            except ApiError as error:
                log.warning("IngressClass %s: %s; again in %.0f s", CLASS, error, RETRY_S)
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def _sync_forever(self) -> None:
        self._dirty.set()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._dirty.wait(), VERIFY_PERIOD_S)
                await asyncio.sleep(GATHER_S)
            self._dirty.clear()
            try:
                await self.sync()
                self.synced.set()
            except (ServerError, CommandError, OSError) as error:
                log.error("%s; again in %.0f s", error, RETRY_S)
                self._dirty.set()
                await asyncio.sleep(RETRY_S)

    async def sync(self) -> None:
        """Raises ServerError, CommandError, OSError."""
        await self._secrets.follow(self._named_secrets())
        places = await self._front.look()
        certificates.default(self._default, certificates.now())
        self._wanted = wanted(self._cluster(), self._listening, self._default, places)
        self._tell_problems()
        self._page.page = page.render(self._wanted.claims, self._wanted.backends)
        wait_s = await self._front.apply(self._wanted)
        if wait_s:
            asyncio.get_running_loop().call_later(wait_s, self._dirty.set)

    def _named_secrets(self) -> frozenset[Place]:
        classes = self._classes.list()
        served = (each for each in self._ingresses.list() if ours(each, classes))
        return frozenset(place for each in served for place in named_secrets(each))

    def _cluster(self) -> Cluster:
        slices: defaultdict[Place, list[EndpointSlice]] = defaultdict(list)
        for each in self._slices.store.values():
            slices[_service_of(each)].append(each)
        services = {(key.namespace, key.name): each for key, each in self._services.store.items()}
        return Cluster(self._ingresses.list(), self._classes.list(), services, slices, self._certificate)

    def _certificate(self, claim: CertificateClaim) -> certificates.Found:
        place = (claim.namespace, claim.secret)
        if not self._secrets.known(place):
            return certificates.Found()
        secret = self._secrets.get(place)
        return certificates.of_claim(claim, secret, self._directory, certificates.now())

    def _tell_problems(self) -> None:
        """Each once, for as long as it lasts."""
        found: defaultdict[Owner, set[Problem]] = defaultdict(set)
        for each in self._wanted.claims.problems:
            found[each.owner].add(each)
        for owner, problems in found.items():
            ingress = self._ingresses.get(owner[1], owner[0])
            for each in sorted(problems - self._told.get(owner, frozenset())):
                log.warning("Ingress %s: %s: %s", "/".join(owner), each.reason, each.message)
                if ingress is not None:
                    self._events.event(ingress, "Warning", each.reason, each.message)
        self._told = {owner: frozenset(problems) for owner, problems in found.items()}

    async def _write_status_forever(self) -> None:
        self._status_dirty.set()
        while True:
            await self._status_dirty.wait()
            self._status_dirty.clear()
            await self.synced.wait()
            try:
                await self._write_status()
            except ApiError as error:
                log.warning("status of Ingresses: %s; again in %.0f s", error, RETRY_S)
                self._status_dirty.set()
                await asyncio.sleep(RETRY_S)

    async def _write_status(self) -> None:
        """Raises ApiError. Agents of other nodes write the same: who comes second finds nothing to do."""
        classes, found = self._classes.list(), status.addresses(self._settings.hosts, self._nodes.list())
        for ingress in self._ingresses.list():
            made = status.changed(ingress, found) if ours(ingress, classes) else None
            if made is not None:
                with suppress(Conflict, NotFound):  # the change that came between brings us here again
                    await self._client.update_status(made)


def _service_of(each: EndpointSlice) -> Place:
    return each.metadata.namespace, each.metadata.labels.get(SERVICE_NAME_LABEL, "")
