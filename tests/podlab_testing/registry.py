"""A registry as the server has it, with shorter words for what an administrator writes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Any

from google.protobuf.message import Message

from master.apiserver.admission import chain
from master.apiserver.admission.chain import Admission
from master.apiserver.admission.plugin import NOTHING, AdmissionRequest, Alongside, Plugin
from master.apiserver.admission.plugins.webhooks.figures import WebhookFigures
from master.apiserver.admission.plugins.webhooks.invocation import WebhookCalls
from master.apiserver.admission.rules.podsecurity.policy import Configuration
from master.apiserver.admission.write import Change, Deletion, Operation, Write, WriteContext
from master.apiserver.app.service_addresses import service_allocator
from master.apiserver.authentication.user import User
from master.apiserver.authorization import Authorizer
from master.apiserver.egress.client import OutgoingRequest, WholeAnswer
from master.apiserver.egress.destinations import Destination
from master.apiserver.registry.registry import Registry, Written
from master.apiserver.request.info import Exchange, RequestInfo
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CachedObject
from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.api.values.ipfamilies import Network
from podlab.core.v1 import service_pb2
from podlab.errors import Forbidden, ServiceUnavailable
from podlab_testing import builtin_kinds
from podlab_testing.rbac import Rbac

ADMIN = User("kubernetes-admin", frozenset({"system:masters", "system:authenticated"}))
BY_ADMIN = WriteContext(ADMIN)


class NoPods:
    """Implements authorization.node.Graph: nothing runs anywhere."""

    def node_of(self, namespace: str, pod: str) -> str | None:
        return None

    def uses(self, node: str, resource: str, namespace: str, name: str) -> bool:
        return False


class NoIngresses:
    """Implements authorization.ingress.Certificates: nothing is served to anybody."""

    def claimed(self, namespace: str, secret: str) -> bool:
        return False


class NoWay:
    """Implements admission's Egress: there is nobody out there."""

    async def call(self, to: Destination, request: OutgoingRequest, *, most_bytes: int) -> WholeAnswer:
        raise ServiceUnavailable(f"{to} cannot be reached")


class Refusing(Plugin):
    """Refuses all writes of objects of these names."""

    name = "Refusing"

    def __init__(self, *names: str) -> None:
        self._names = names

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        return True

    async def validate(self, request: AdmissionRequest) -> Alongside:
        if request.write.name in self._names:
            raise Forbidden("not yours")
        return NOTHING


def asked_by(user: User) -> Exchange:
    """A request of the user's that may read any state."""
    return Exchange(RequestInfo(user=user, wanted=(), uri="", verb=""))


class WritableRegistry(Registry):
    """Each of these is one write."""

    async def create(self, message: Message, *, user: User = ADMIN, dry_run: bool = False) -> CachedObject:
        return (await self.write(Write.create(WriteContext(user, dry_run=dry_run), message))).entry

    async def update(self, message: Message, *, user: User = ADMIN, dry_run: bool = False) -> CachedObject:
        return (await self.write(Write.update(WriteContext(user, dry_run=dry_run), message))).entry

    async def update_status(self, message: Message) -> CachedObject:
        return (await self.write(Write.update_status(BY_ADMIN, message))).entry

    async def patch(self, kind: str, namespace: str, name: str, change: Change) -> CachedObject:
        write = Write.patch(BY_ADMIN, builtin_kinds.named(kind), change, namespace=namespace, name=name)
        return (await self.write(write)).entry

    async def delete(self, kind: str, namespace: str, name: str, *, dry_run: bool = False, **terms: Any) -> Written:
        deletion = Deletion(builtin_kinds.named(kind), namespace, name, **terms)
        return await self.write(Write.delete(WriteContext(ADMIN, dry_run=dry_run), deletion))


def admission_of(cache: Cache, *others: Plugin) -> Admission:
    """The server's plugins, and others behind them."""
    calls = WebhookCalls(NoWay(), WebhookFigures())
    return chain.assemble(
        cache, Authorizer(Rbac().policy, NoPods(), NoIngresses()), 300, Configuration(), calls, others
    )


def registry_of(
    cache: Cache,
    *others: Plugin,
    networks: Sequence[Network] = (IPv4Network("10.96.0.0/16"),),
    chance: random.Random | None = None,
) -> WritableRegistry:
    """With all that a server's has."""
    allocator = service_allocator(cache, networks, chance or random.Random(1))
    services = kinds.of(service_pb2.Service).group_resource
    return WritableRegistry(cache, {services: allocator}, admission_of(cache, *others))
