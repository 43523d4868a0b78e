"""Puts the apiserver together, and runs it until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from master.apiserver import certificates, encryption, noderestriction, service
from master.apiserver.admission.chain import Admission
from master.apiserver.approving import Approver
from master.apiserver.audit.policy import Policy
from master.apiserver.audit.trail import Trail
from master.apiserver.audit.writer import Writer
from master.apiserver.authentication import discovery as oidc
from master.apiserver.authentication import jwt
from master.apiserver.authentication import static as static_tokens
from master.apiserver.authentication.authenticator import Authenticator
from master.apiserver.authentication.issuing import Issuer
from master.apiserver.authentication.lives import Lives
from master.apiserver.authorization import Attributes, Authorizer, escalation, policy
from master.apiserver.authorization.reconcile import DefaultRoles
from master.apiserver.bindings import Bindings
from master.apiserver.bootstrap import Bootstrap
from master.apiserver.cache import Cache
from master.apiserver.collection import Collections
from master.apiserver.expiry import EventExpiry
from master.apiserver.fairness.turns import Turns
from master.apiserver.gate import Gate
from master.apiserver.guard import Guard
from master.apiserver.identity import User
from master.apiserver.limits import REQUEST_BYTES, Limits
from master.apiserver.listing import Lister
from master.apiserver.measuring import Measuring
from master.apiserver.metering import Metering
from master.apiserver.metrics import Metrics
from master.apiserver.openapi.published import Published
from master.apiserver.registry.admission import all_of
from master.apiserver.registry.binding import Binder
from master.apiserver.registry.claims import Claims
from master.apiserver.registry.evictor import Evictor
from master.apiserver.registry.recording import Recording
from master.apiserver.registry.registry import Registry
from master.apiserver.registry.several import Several
from master.apiserver.registry.strategy import table
from master.apiserver.relay import Relay
from master.apiserver.rest import reviews
from master.apiserver.rest import server as rest
from master.apiserver.rest.api import Api
from master.apiserver.rest.approval import Approval
from master.apiserver.rest.evicting import Evicting
from master.apiserver.rest.general import GIT_VERSION, General
from master.apiserver.rest.health import Health
from master.apiserver.rest.logs import Logs
from master.apiserver.rest.metrics_api import MetricsApi
from master.apiserver.rest.openapi import OpenApi
from master.apiserver.rest.reading import Reading
from master.apiserver.rest.reviews import Reviews
from master.apiserver.rest.scaling import Scaling
from master.apiserver.rest.streams.commands import Commands
from master.apiserver.rest.streams.ports import Ports
from master.apiserver.rest.tokens import Tokens
from master.apiserver.rest.writing import Writing
from master.apiserver.settings import ApiServerSettings
from master.apiserver.watching import Watches
from master.store.contract import Store
from master.store.retention import retain
from master.store.sqlite import SqliteStore
from podlab.api import kinds
from podlab.component import GRPC_OPTIONS, bind, notify_ready, set_serving

STORE_FILE = "store.db"
# What calls in flight have to end when the server stops; watches are cut.
STOP_GRACE_S = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the server is made of, wired."""

    cache: Cache
    registry: Registry
    watches: Watches
    bootstrap: Bootstrap
    service: service.ApiService
    relay: Relay
    rest: Api
    trail: Trail | None


def assemble(settings: ApiServerSettings, store: Store) -> Parts:
    """Wire the parts; nothing runs yet. Raises ValueError for a service_cidr that is no IPv4 network."""
    network = IPv4Network(settings.service_cidr)
    cache = Cache(store)
    claims = Claims(network, lambda: cache.claims, random.SystemRandom())
    strategies, completion = table(settings.default_toleration_seconds), Admission(cache)
    registry = Registry(cache, strategies, claims, completion)
    recording = Recording(cache, registry, strategies["Event"], completion)
    windows = {kind.name: cache.window(kind) for kind in kinds.KINDS}
    authorizer = Authorizer(policy.Policy(windows), Bindings(windows["Pod"], windows["PersistentVolume"]))
    guard = Guard(cache, authorizer)
    watches = Watches(cache)
    limits, turns, trail = Limits(), Turns(), _trail(settings)
    metrics = Metrics(cache, watches, turns, trail)
    gate = Gate(guard, limits, turns, metrics, trail)

    def may(user: User, wanted: Attributes) -> bool:
        return authorizer.decide(user, wanted).allowed

    restricted = all_of(noderestriction.admission(cache), escalation.admission(authorizer))
    admission = certificates.admission(restricted, may)
    approver = Approver(registry, certificates.admission(restricted, may, approving=True))
    jwt_keys, issuer_name = jwt.load(settings.service_account_keys), settings.service_account_issuer
    issuer = Issuer(issuer_name, jwt_keys, registry, time.time)
    static = static_tokens.load(settings.token_file)
    authenticator = Authenticator(issuer_name, jwt_keys, Lives(cache), static, time.time)
    rest_address = f"{settings.advertise_address}:{settings.rest_port}"
    documents = {
        oidc.CONFIGURATION_PATH: oidc.configuration(issuer_name, rest_address, jwt_keys),
        oidc.KEYS_PATH: oidc.key_set(jwt_keys),
    }
    tokens = Tokens(issuer, authenticator, documents)
    binder, evictor = Binder(cache), Evictor(cache, registry)
    lister, collections = Lister(cache), Collections(cache, registry)
    relay = Relay(guard, gate, cache, settings.tls, settings.scheduler)
    measuring = Measuring(cache, Metering(relay.measured))
    return Parts(
        cache,
        registry,
        watches,
        Bootstrap(registry, network, settings.advertise_address, settings.rest_port),
        service.ApiService(
            gate,
            registry,
            collections,
            binder,
            Several(registry),
            evictor,
            recording,
            lister,
            watches,
            measuring,
            admission,
            approver,
            issuer,
            settings.cluster_name,
        ),
        relay,
        Api(
            gate,
            limits,
            General(Health(cache), OpenApi(Published(GIT_VERSION)), metrics, tokens),
            Reading(cache, registry, lister, watches),
            Writing(registry, collections, binder, admission),
            Scaling(registry, admission),
            Logs(relay),
            Reviews({**reviews.answerers(guard), "TokenReview": tokens.review}),
            MetricsApi(cache, measuring),
            tokens,
            Commands(registry, relay),
            Evicting(evictor, admission),
            Ports(registry, relay),
            Approval(approver),
        ),
        trail,
    )


def _trail(settings: ApiServerSettings) -> Trail | None:
    """Raises SettingsError for a policy that cannot be used, OSError for a log that cannot be written."""
    audit = settings.audit
    if audit is None:
        return None
    writer = Writer(audit.log, audit.most_bytes, audit.backups)
    writer.open()
    return Trail(Policy.load(audit.policy), writer)


async def serve(settings: ApiServerSettings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set. Raises RuntimeError when the port is taken, StoreError when the store cannot open."""
    async with running(settings):
        notify_ready()
        await stop.wait()


@asynccontextmanager
async def running(settings: ApiServerSettings) -> AsyncIterator[Parts]:
    """A server that answers; it has ended when the block is left."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    opened = await SqliteStore.open(settings.data_dir / STORE_FILE)
    try:
        store = await _encrypted(settings, opened)
        parts = assemble(settings, store)
        await parts.cache.load()
        loops: list[Coroutine[Any, Any, None]] = [
            parts.cache.run(),
            parts.watches.run(),
            parts.bootstrap.run(),
            EventExpiry(parts.cache).run(),
            retain(store, keep=settings.compact_keep_revisions),
        ]
        if parts.trail is not None:
            loops.append(parts.trail.writer.run())
        async with _background(loops):
            await DefaultRoles(parts.cache).ensure()
            await parts.bootstrap.ensure()
            async with (
                _listening(settings, parts),
                rest.listening(parts.rest, settings.tls, settings.bind_address, settings.rest_port),
            ):
                yield parts
    finally:
        await opened.close()


async def _encrypted(settings: ApiServerSettings, store: Store) -> Store:
    """Raises SettingsError, and Undecryptable for what was written with a key that is not there any more."""
    if settings.encryption is None:
        return store
    wrapped = encryption.encrypted(settings.encryption, store)
    await wrapped.renew()
    return wrapped


@asynccontextmanager
async def _background(loops: list[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """The loops run beside the block; one that fails ends it with its error."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(loop) for loop in loops]
            yield
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as errors:
        if len(errors.exceptions) == 1:  # the usual case, whose message should stand alone
            raise errors.exceptions[0] from None
        raise


@asynccontextmanager
async def _listening(settings: ApiServerSettings, parts: Parts) -> AsyncIterator[None]:
    size = ("grpc.max_receive_message_length", REQUEST_BYTES)
    server = grpc.aio.server(options=[*GRPC_OPTIONS, size])
    server.add_generic_rpc_handlers((parts.service.handler(), *parts.relay.handlers()))
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    names = [service.SERVICE, *parts.relay.services(), health.SERVICE_NAME, reflection.SERVICE_NAME]
    reflection.enable_server_reflection(names, server)
    address = f"{settings.bind_address}:{settings.port}"
    bind(server, address, settings.tls)
    await server.start()
    await set_serving(checks, True)
    log.info("serving cluster %s on %s, at revision %d", settings.cluster_name, address, parts.cache.revision)
    try:
        yield
    finally:
        await set_serving(checks, False)
        await server.stop(STOP_GRACE_S)
        await parts.relay.close()
