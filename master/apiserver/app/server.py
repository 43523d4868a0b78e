"""Runs the apiserver until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from master.apiserver.app import encryption
from master.apiserver.app.assembly import KeptObjects, Parts, assemble
from master.apiserver.app.cutoff import neighbours
from master.apiserver.app.cutoff.cutoff import Cutoff
from master.apiserver.app.encryption import FollowedKeys
from master.apiserver.app.event_expiry import EventExpiry
from master.apiserver.app.opening import open_store
from master.apiserver.app.tracing.collector import Collector
from master.apiserver.app.tracing.exporter import TimelineExporter
from master.apiserver.flowcontrol.inflight_limits import REQUEST_BYTES
from master.apiserver.flowcontrol.write_rates import ChargedStore
from master.apiserver.rest import server as rest
from master.apiserver.rpc import service, timeline
from master.apiserver.settings import ApiServerSettings
from master.store.contract import Store
from master.store.retention import retain
from podlab.component import GRPC_OPTIONS, bind, notify_ready, set_serving, tell_certificates
from podlab.errors import ApiError
from podlab.kinds import builtin
from podlab.kinds.current import CurrentCatalog
from podlab.renewed import Renewed
from podlab.tls import digest

# How long calls in flight may take to end when the server stops. Watches are cut.
STOP_GRACE_S = 1.0

log = logging.getLogger(__name__)


async def serve(settings: ApiServerSettings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set. Raises RuntimeError when the port is taken, StoreError when the store cannot open."""
    async with running(settings):
        notify_ready()
        await stop.wait()


@asynccontextmanager
async def running(settings: ApiServerSettings) -> AsyncIterator[Parts]:
    """The server answers while the block runs. Raises as `serve`."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    opened, writing = await open_store(settings)
    try:
        async with serving(settings, opened, lambda: writing.written_bytes) as parts:
            yield parts
    finally:
        await opened.close()


@asynccontextmanager
async def serving(settings: ApiServerSettings, opened: Store, written_bytes: Callable[[], int]) -> AsyncIterator[Parts]:
    """The server answers from the store while the block runs, beside other servers of it if there are such.

    `written_bytes` tells how much has been written to the store.
    """
    catalog = CurrentCatalog(builtin.catalog())
    encrypting, keys = await _encrypted(settings, opened, catalog)
    store = ChargedStore(encrypting)
    parts = assemble(settings, store, catalog)
    await parts.cache.load()
    parts.definitions.start()
    parts.aggregator.start()
    loops: list[Coroutine[object, object, None]] = [
        parts.cache.run(),
        parts.watches.run(),
        *(each.run() for each in parts.kept),
        parts.definitions.run(),
        parts.aggregator.run(),
        parts.legacy_tokens.run(),
        EventExpiry(parts.cache).run(),
        retain(opened, written_bytes, keep=settings.compact_keep_revisions),
        tell_certificates(_in_force(settings, keys)),
    ]
    loops += _wished(settings, parts, keys)
    try:
        async with _background(loops):
            for each in parts.kept:
                await _begin(each)
            async with _answering(settings, parts, opened):
                yield parts
            await parts.servers.give_up()
    finally:
        await parts.outward.close()  # after the loops, which ask others as well


def _wished(
    settings: ApiServerSettings, parts: Parts, keys: FollowedKeys | None
) -> list[Coroutine[object, object, None]]:
    """What runs only where the settings ask for it. Raises SettingsError."""
    loops: list[Coroutine[object, object, None]] = []
    if keys is not None:
        loops.append(keys.run())
    if parts.trail is not None:
        loops.append(parts.trail.writer.run())
    if settings.otlp_endpoint:
        loops.append(TimelineExporter(parts.cache, parts.timelines, Collector(settings.otlp_endpoint)).run())
    return loops


async def _begin(kept: KeptObjects) -> None:
    """Have it look at its objects before anybody asks. Whoever refuses a write, as a webhook does whose pods are not
    reached yet, does not keep the server from answering: what is kept is looked at again later."""
    try:
        await kept.ensure()
    except ApiError as error:
        log.warning("%s: not all is there yet: %s", type(kept).__name__, error)


async def _encrypted(
    settings: ApiServerSettings, store: Store, catalog: CurrentCatalog
) -> tuple[Store, FollowedKeys | None]:
    """Raises SettingsError, and Undecryptable for what was written with a key that is not there any more."""
    if settings.encryption is None:
        return store, None
    wrapped = encryption.encrypted(settings.encryption, store, catalog.catalog)
    await wrapped.renew()
    return wrapped, FollowedKeys(settings.encryption, wrapped)


@asynccontextmanager
async def _background(loops: list[Coroutine[object, object, None]]) -> AsyncIterator[None]:
    """Run the loops while the block runs. When a loop fails, the block is cancelled and the loop's error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(loop) for loop in loops]
            yield
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as errors:
        if len(errors.exceptions) == 1:  # callers expect the error itself, not a group of one
            raise errors.exceptions[0] from None
        raise


def _general_handlers(checks: health.aio.HealthServicer, names: list[str]) -> tuple[grpc.GenericRpcHandler, ...]:
    """Of health and reflection.

    The generated functions would also register each method with the server, which then waits for the next call of each
    of them apart, anew with every call that comes.
    """
    by_name: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Check": grpc.unary_unary_rpc_method_handler(
            checks.Check, health_pb2.HealthCheckRequest.FromString, health_pb2.HealthCheckResponse.SerializeToString
        ),
        "Watch": grpc.unary_stream_rpc_method_handler(
            checks.Watch, health_pb2.HealthCheckRequest.FromString, health_pb2.HealthCheckResponse.SerializeToString
        ),
    }
    told = grpc.stream_stream_rpc_method_handler(
        reflection.aio.ReflectionServicer(names).ServerReflectionInfo,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return (
        grpc.method_handlers_generic_handler(health.SERVICE_NAME, by_name),
        grpc.method_handlers_generic_handler(reflection.SERVICE_NAME, {"ServerReflectionInfo": told}),
    )


def _in_force(settings: ApiServerSettings, keys: FollowedKeys | None) -> Callable[[], Mapping[str, str]]:
    """The digests of the files that are in force: each new connection, each token and each look at a front proxy reads
    those that changed; keys of the store are when nothing is written with another one. Raises OSError, ValueError."""
    said = settings.front_proxy
    more = [*settings.service_account_keys, *([said.ca, said.cert] if said is not None else [])]

    def digests() -> Mapping[str, str]:
        return {**settings.tls.load().digests, **{path.name: digest(path.read_bytes()) for path in more}}

    followed = Renewed(digests, [*settings.tls.paths(), *more])
    return lambda: {**followed(), **(keys.digests if keys is not None else {})}


@asynccontextmanager
async def _answering(settings: ApiServerSettings, parts: Parts, store: Store) -> AsyncIterator[None]:
    """The ports are open while the block runs, but not while this server is cut off from a store that it shares."""
    cutoff = Cutoff(store, parts.servers.others, partial(neighbours.ask, settings.tls.ca))
    listens = asyncio.Event()

    async def answer() -> None:
        while True:
            async with _listening(settings, parts), _rest_listening(settings, parts):
                listens.set()
                await cutoff.begun()
                log.error("the store cannot be reached from here: clients are left to other API servers until it can")
            await cutoff.ended()

    async with _background([answer()]):
        await listens.wait()
        yield


def _rest_listening(settings: ApiServerSettings, parts: Parts) -> AbstractAsyncContextManager[None]:
    front_proxy = settings.front_proxy.ca if settings.front_proxy is not None else None
    return rest.listening(parts.rest, settings.tls, settings.bind_address, settings.rest_port, front_proxy=front_proxy)


@asynccontextmanager
async def _listening(settings: ApiServerSettings, parts: Parts) -> AsyncIterator[None]:
    size = ("grpc.max_receive_message_length", REQUEST_BYTES)
    server = grpc.aio.server(options=[*GRPC_OPTIONS, size])
    server.add_generic_rpc_handlers((parts.service.handler(), parts.timelines.handler(), *parts.relay.handlers()))
    checks = health.aio.HealthServicer()
    own = (service.SERVICE, timeline.SERVICE)
    names = [*own, *parts.relay.services(), health.SERVICE_NAME, reflection.SERVICE_NAME]
    server.add_generic_rpc_handlers(_general_handlers(checks, names))
    address = f"{settings.bind_address}:{settings.port}"
    bind(server, address, settings.tls)
    try:
        await server.start()
        await set_serving(checks, True)
        log.info("serving cluster %s on %s, at revision %d", settings.cluster_name, address, parts.cache.revision)
        yield
    finally:
        await set_serving(checks, False)
        await server.stop(STOP_GRACE_S)
