"""How every service of Podlab runs: settings, logging, event loop, signals, systemd, and its gRPC server.

What the service does is the caller's; this module only starts and ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import inspect
import logging
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from weakref import WeakKeyDictionary

import grpc
import uvloop
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from podlab import settings
from podlab.client.client import Client
from podlab.client.connection import LOOKED_AT_EVERY_S
from podlab.errors import Forbidden, ServicerContext, abort
from podlab.tls import Tls

Request = TypeVar("Request")
Response = TypeVar("Response")
T = TypeVar("T")
log = logging.getLogger(__name__)

IN_FORCE = "Certificates in force:"
# Names in which nothing is escaped, as those of Podlab's own components are.
_PLAIN = re.compile(r"(CN|O)=([A-Za-z0-9:._/@ -]+)")
# Components leave little to the collector of cycles: what they make goes by its count of references. It looks for more
# after so many objects, not after Python's 700, which was a twentieth of the API server's work.
_COLLECTED_AFTER = (10_000, 20, 20)
_called_back: WeakKeyDictionary[grpc.aio.Server, grpc.ServerCredentials] = WeakKeyDictionary()
GRPC_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),  # of each ping, a minute otherwise
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.so_reuseport", 0),  # a port that is taken must be an error
)


def run(name: str, settings_type: type[T], serve: Callable[[T, asyncio.Event], Awaitable[None]]) -> None:
    """Runs the service `name` until SIGTERM or SIGINT sets the event that `serve` is given; never returns.

    Exit codes: 0 after a signal, 1 when `serve` failed, 2 when the settings cannot be used.
    """
    gc.freeze()  # what has been imported stays: no collection has to go through it
    gc.set_threshold(*_COLLECTED_AFTER)
    arguments = argparse.ArgumentParser(prog=f"podlab-{name}")
    arguments.add_argument("--config", type=Path, default=Path(f"/etc/podlab/{name}.yaml"))
    path: Path = arguments.parse_args().config
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        loaded = settings.load(path, settings_type)
    except settings.SettingsError as error:
        log.critical("%s", error)
        sys.exit(2)
    try:
        uvloop.run(_serve_until_signal(loaded, serve))
    except settings.SettingsError as error:
        log.critical("%s", error)
        sys.exit(2)
    except (OSError, RuntimeError, ExceptionGroup) as error:
        log.critical("podlab-%s cannot go on: %s", name, error, exc_info=True)
        sys.exit(1)
    sys.exit(0)


async def _serve_until_signal(loaded: T, serve: Callable[[T, asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    await serve(loaded, stop)


def notify_ready() -> None:
    """Tells systemd that the service is ready (sd_notify(3)); does nothing when systemd does not ask."""
    _notify("READY=1")


def notify_certificates(digests: Mapping[str, str]) -> None:
    """Tells systemd which files' contents are in force, as `systemctl status` shows it: their digests (`tls.digest`)
    by the files' names."""
    _notify(f"STATUS={IN_FORCE} {', '.join(f'{name} {digest}' for name, digest in sorted(digests.items()))}")


async def tell_certificates(digests: Callable[[], Mapping[str, str]]) -> None:
    """Tells systemd of those that are in force now, and of others whenever they change, for ever."""
    told: Mapping[str, str] | None = None
    while True:
        if (now := digests()) != told:
            notify_certificates(now)
            told = now
        await asyncio.sleep(LOOKED_AT_EVERY_S)


def client(apiserver: str, tls: Tls, name: str) -> Client:
    """A component's client of the API server. Raises SettingsError."""
    return Client(apiserver, tls, user_agent=f"podlab-{name}", in_force=lambda now: notify_certificates(now.digests))


def _notify(state: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.connect("\0" + address[1:] if address.startswith("@") else address)
        notify.sendall(state.encode())


def common_name(context: ServicerContext) -> str:
    """The CN of the caller's certificate; empty when it has none, or does not name just one user.

    Whoever is a component is known by its subject as gRPC writes it (RFC 2253). Only for others cryptography is
    loaded, which costs a process that needs it for nothing else 9 MiB and 14 ms.
    """
    told = context.auth_context()
    for subject in told.get("x509_subject", ()):
        parts = [_PLAIN.fullmatch(part) for part in subject.decode(errors="replace").split(",")]
        names = [part[2] for part in parts if part is not None and part[1] == "CN"]
        if len(names) == 1 and None not in parts:
            return names[0]
    return next(map(_named, told.get("x509_pem_cert", ())), "")


def _named(pem: bytes) -> str:
    from cryptography import x509

    from podlab import subject

    try:
        return subject.read(x509.load_pem_x509_certificate(pem).subject).common_name
    except ValueError:
        return ""


class AllowedUsers(grpc.aio.ServerInterceptor):
    """Refuses callers whose certificate does not carry one of the common names."""

    def __init__(self, users: frozenset[str]) -> None:
        self._users = users

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Request, Response] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Request, Response] | None:
        handler = await continuation(handler_call_details)
        return _guarded(handler, self._users) if handler is not None else None


def _guarded(
    handler: grpc.RpcMethodHandler[Request, Response], users: frozenset[str]
) -> grpc.RpcMethodHandler[Request, Response]:
    async def check(context: ServicerContext) -> None:
        caller = common_name(context)
        if caller not in users:
            await abort(context, Forbidden(f'User "{caller}" may not call this component; call the apiserver'))

    async def unary(request: object, context: ServicerContext) -> object:
        await check(context)
        return await inner(request, context)

    async def stream(request: object, context: ServicerContext) -> AsyncIterator[object]:
        await check(context)
        responses = inner(request, context)
        if inspect.isawaitable(responses):  # it writes them itself, as Watch of gRPC's health checks does
            await responses
            return
        async for response in responses:
            yield response

    shapes: tuple[tuple[str, Callable[..., grpc.RpcMethodHandler[Request, Response]]], ...] = (
        ("unary_unary", grpc.unary_unary_rpc_method_handler),
        ("unary_stream", grpc.unary_stream_rpc_method_handler),
        ("stream_unary", grpc.stream_unary_rpc_method_handler),
        ("stream_stream", grpc.stream_stream_rpc_method_handler),
    )
    for shape, make in shapes:
        inner = getattr(handler, shape)
        if inner is not None:
            guarded = stream if shape.endswith("stream") else unary
            return make(guarded, handler.request_deserializer, handler.response_serializer)
    raise AssertionError("a handler has one of the four shapes")


def grpc_server(
    tls: Tls, address: str, services: Sequence[str], *, allowed_users: frozenset[str]
) -> tuple[grpc.aio.Server, health.aio.HealthServicer]:
    """A server with mTLS, health and reflection, bound to `address` ("host:port") and not yet started.

    `services` are the full names that reflection lists; the caller adds their servicers.
    Raises RuntimeError naming the address when it is taken.
    """
    server = grpc.aio.server(interceptors=[AllowedUsers(allowed_users)], options=list(GRPC_OPTIONS))
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    reflection.enable_server_reflection([*services, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    bind(server, address, tls)
    return server, checks


def bind(server: grpc.aio.Server, address: str, tls: Tls) -> None:
    """Binds the server with mTLS, which follows its files. Raises RuntimeError naming the address and the remedy when
    it is taken."""
    # gRPC's core calls back for each new connection, and does not keep alive what it calls.
    _called_back[server] = credentials = tls.server_credentials()
    try:
        server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise RuntimeError(f"cannot listen on {address}: is the port taken? `ss -ltnp` shows by whom") from error


async def serve_loop(
    server: grpc.aio.Server,
    checks: health.aio.HealthServicer,
    loop: Coroutine[object, None, None],
    synced: asyncio.Event,
    stop: asyncio.Event,
) -> None:
    """Starts the server and the component's loop; healthy once `synced` is set; ends both when `stop` is.

    Raises what ended the loop, if it was not us.
    """
    try:
        await server.start()
        notify_ready()
        await run_loop(loop, synced, stop, lambda: set_serving(checks, True))
    finally:
        await server.stop(1.0)


async def run_loop(
    loop: Coroutine[object, None, None],
    synced: asyncio.Event,
    stop: asyncio.Event,
    on_synced: Callable[[], Awaitable[None]],
) -> None:
    """A component's loop; `on_synced` is called once `synced` is set, and the loop ended when `stop` is.

    Raises what ended the loop, if it was not us.
    """
    running = asyncio.create_task(loop)
    waits = [asyncio.create_task(event.wait()) for event in (synced, stop)]
    try:
        await asyncio.wait({running, *waits}, return_when=asyncio.FIRST_COMPLETED)
        if synced.is_set():
            await on_synced()
        await asyncio.wait({running, waits[1]}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        for task in (running, *waits):
            task.cancel()
        await asyncio.gather(running, *waits, return_exceptions=True)


async def set_serving(checks: health.aio.HealthServicer, serving: bool) -> None:
    """Sets the answer of grpc.health.v1 for the whole server."""
    status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
    await checks.set("", status)
