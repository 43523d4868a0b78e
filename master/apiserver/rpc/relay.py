"""Relays calls to the component that answers them: kubelet and proxy of a node, and the scheduler.

A unary call looks like a stream of one message on the wire, so every method is relayed as a stream both ways, as bytes.
Only the first request is looked into: it names the pod or node.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from master.apiserver.egress.kubelet.dialing import Dialer
from master.apiserver.egress.kubelet.duplex import Duplex, told
from master.apiserver.egress.kubelet.target import Target
from master.apiserver.filters.handler_chain import HandlerChain
from master.apiserver.registry.registry import Registry
from master.apiserver.request.info import Exchange
from master.apiserver.rpc import request_info
from master.apiserver.rpc.connections import connection
from master.apiserver.rpc.errors import abort_on_error
from master.apiserver.rpc.request_info import Aim
from master.apiserver.rpc.routes import KUBELET, ROUTES, PodOrNode, Route, resolve
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.moment import Moment
from podlab.api import kinds
from podlab.core.v1 import pod_pb2
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import BadRequest, ServicerContext, ServiceUnavailable
from podlab.v1 import kubelet_pb2

_POD = kinds.of(Pod)
_Streams = grpc.aio.StreamStreamCall[bytes, bytes]


class Relay:
    """The services whose calls are answered elsewhere."""

    def __init__(self, chain: HandlerChain, cache: Cache, dialer: Dialer, scheduler: str, registry: Registry) -> None:
        self._chain = chain
        self._registry = registry
        self._cache = cache
        self._dialer = dialer
        self._scheduler = scheduler

    def services(self) -> tuple[str, ...]:
        """Their full names."""
        return tuple(ROUTES)

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """What a server is given."""
        return [grpc.method_handlers_generic_handler(name, self._methods(name, ROUTES[name])) for name in ROUTES]

    async def answers(
        self, service: str, method: str, request: bytes, *, moment: Moment
    ) -> AsyncGenerator[bytes, None]:
        """What a server-streaming method answers, whose caller was found to be allowed to. Raises what the component
        answers."""
        channel, target = await self._reached(ROUTES[service][method], request, moment)
        stream: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(f"/{service}/{method}")
        call = stream(request)
        try:
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as error:
            raise told(error, target) from error
        finally:
            call.cancel()

    @contextlib.asynccontextmanager
    async def opened(self, service: str, method: str, first: bytes, *, moment: Moment) -> AsyncIterator[Duplex]:
        """A call that streams both ways, begun with its first request. Its caller was found to be allowed to."""
        channel, target = await self._reached(ROUTES[service][method], first, moment)
        duplex = Duplex(_streams(channel, f"/{service}/{method}")(), target)
        try:
            await duplex.write(first)
            yield duplex
        finally:
            duplex.cancel()

    async def _reached(self, route: Route, first: bytes, moment: Moment) -> tuple[grpc.aio.Channel, Target]:
        await self._cache.reach(moment)
        target = resolve(route, route.parse(first), self._cache, self._scheduler)
        return await self._dialer.dial(target), target

    async def now(self) -> Moment:
        """The moment of what begins within a request that has lasted for a while."""
        return await self._cache.moments.now()

    async def waits_for_node(self, namespace: str, pod: str, moment: Moment) -> bool:
        """Whether there is such a pod, and no node that could answer for it."""
        await self._cache.reach(moment)
        entry = self._cache.get(_POD, keys.object_key(_POD, namespace, pod))
        return entry is not None and not entry.message_as(pod_pb2.Pod).spec.nodeName

    async def measured(self, node: str) -> kubelet_pb2.StatsResponse:
        """What a node's kubelet tells the server itself of its use. Raises what it answers, or that it is away."""
        request = kubelet_pb2.StatsRequest(node_name=node)
        target = resolve(ROUTES[KUBELET]["Stats"], PodOrNode(node=node), self._cache, self._scheduler)
        channel = await self._dialer.dial(target)
        stats: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{KUBELET}/Stats")
        try:
            answer = await stats(request.SerializeToString())
        except grpc.aio.AioRpcError as error:
            raise told(error, target) from error
        return kubelet_pb2.StatsResponse.FromString(answer)

    async def read(self, node: str, path: str) -> tuple[str, bytes]:
        """Type and body of what a node's kubelet tells at a path. Raises what it answers, or that it is away."""
        request = kubelet_pb2.ReadRequest(node_name=node, path=path)
        target = resolve(ROUTES[KUBELET]["Read"], PodOrNode(node=node), self._cache, self._scheduler)
        channel = await self._dialer.dial(target)
        reading: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(f"/{KUBELET}/Read")
        kind, parts = "", []
        try:
            async for answer in reading(request.SerializeToString()):
                part = kubelet_pb2.ReadResponse.FromString(answer)
                kind = part.content_type
                parts.append(part.body)
        except grpc.aio.AioRpcError as error:
            raise told(error, target) from error
        return kind, b"".join(parts)

    async def check(self, target: Target) -> None:
        """Whether the component answers, and says that it serves. Raises ServiceUnavailable, or what it answers."""
        channel = await self._dialer.dial(target)
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        except grpc.aio.AioRpcError as error:
            raise told(error, target) from error
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise ServiceUnavailable(f"{target} does not serve")

    def _methods(self, service: str, routes: Mapping[str, Route]) -> dict[str, grpc.RpcMethodHandler[bytes, bytes]]:
        return {
            name: grpc.stream_stream_rpc_method_handler(abort_on_error(self._relayed(f"/{service}/{name}", route)))
            for name, route in routes.items()
        }

    def _relayed(self, method: str, route: Route) -> Callable[[object, ServicerContext], Awaitable[None]]:
        async def relay(_: object, context: ServicerContext) -> None:
            first = await context.read()
            if first is grpc.aio.EOF:
                raise BadRequest(f"{method}: the call has no request")

            async def handle(exchange: Exchange) -> None:
                if (wanted := connection(method.rpartition("/")[2], first, exchange)) is not None:
                    await self._registry.connect(wanted)
                channel, target = await self._reached(route, first, exchange.moment)
                call = _streams(channel, method)(timeout=context.time_remaining())
                await _pass_on(call, first, context, target)

            def about(request: bytes) -> Aim:
                return Aim((route.attributes(route.parse(request)),))

            await self._chain.run(request_info.asked(context, about, method, first, long_running=True), handle)

        return relay


def _streams(channel: grpc.aio.Channel, method: str) -> grpc.aio.StreamStreamMultiCallable[bytes, bytes]:
    return channel.stream_stream(method)


async def _pass_on(call: _Streams, first: bytes, context: ServicerContext, target: Target) -> None:
    """Carry messages both ways until the answering side ends the call, or the caller leaves."""
    upwards = asyncio.create_task(_send(call, first, context))
    try:
        async for response in call:
            await context.write(response)
    except grpc.aio.AioRpcError as error:
        raise told(error, target) from error
    finally:
        call.cancel()
        upwards.cancel()
        await asyncio.gather(upwards, return_exceptions=True)  # what it met, the call itself has met too


async def _send(call: _Streams, first: bytes, context: ServicerContext) -> None:
    """The caller's messages, and that there are no more. When the call has ended, its answer says why."""
    with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        message: object = first
        while isinstance(message, bytes):  # gRPC's EOF is none
            await call.write(message)
            message = await context.read()
        await call.done_writing()
