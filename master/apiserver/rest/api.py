"""From a request to the handler that answers it: who asks, what for, whether they may, and errors as Status.

Verbs are Kubernetes' own, so that gRPC and REST ask the same authorization.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from aiohttp import web

from master.apiserver.authorization import Attributes
from master.apiserver.filters import handler_chain, impersonation
from master.apiserver.filters.handler_chain import HandlerChain
from master.apiserver.filters.impersonation import Acting
from master.apiserver.flowcontrol.inflight_limits import InflightLimits, Reserve
from master.apiserver.request import errors, paths
from master.apiserver.request.info import NOBODY, Exchange, RequestInfo
from master.apiserver.request.paths import Place
from master.apiserver.request.query import Query
from master.apiserver.rest import request_info
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import negotiation, request_body, response_writer, responses
from master.apiserver.rest.content.response_writer import WriteLimits
from master.apiserver.rest.handlers.approval import Approval
from master.apiserver.rest.handlers.componentstatuses import ComponentStatuses
from master.apiserver.rest.handlers.eviction import Evicting
from master.apiserver.rest.handlers.general import General, is_general
from master.apiserver.rest.handlers.logs import Logs
from master.apiserver.rest.handlers.metrics_api import MetricsApi
from master.apiserver.rest.handlers.reading import Reading
from master.apiserver.rest.handlers.reviews import PostedReviews
from master.apiserver.rest.handlers.scale import ScaleSubresource
from master.apiserver.rest.handlers.tokens import Tokens
from master.apiserver.rest.handlers.writing import Writing
from master.apiserver.rest.proxy import headers
from master.apiserver.rest.proxy.aggregated import Aggregated
from master.apiserver.rest.proxy.handlers import Proxy
from master.apiserver.rest.streams.portforward.handlers import PortForward
from master.apiserver.rest.streams.remotecommand.handlers import RemoteCommand
from podlab.api import kinds
from podlab.apiregistration.v1.apiservice_pb2 import APIService
from podlab.core.v1.binding_pb2 import Binding
from podlab.core.v1.componentstatus_pb2 import ComponentStatus
from podlab.errors import ApiError, BadRequest, MethodNotAllowed, NotFound, Unauthorized
from podlab.kinds.current import CurrentCatalog
from podlab.kinds.resource import Resource
from podlab.kinds.subresource import PROXIED, SCALE

_SURROGATE = re.compile("[\ud800-\udfff]")
_WARNINGS = web.RequestKey("warnings", list[str])
Handler = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Api:
    """Answers every request."""

    kinds: CurrentCatalog
    chain: HandlerChain
    limits: InflightLimits
    general: General
    reading: Reading
    writing: Writing
    scaling: ScaleSubresource
    logs: Logs
    reviews: PostedReviews
    metrics: MetricsApi
    components: ComponentStatuses
    tokens: Tokens
    commands: RemoteCommand
    evicting: Evicting
    ports: PortForward
    proxy: Proxy
    approval: Approval
    aggregated: Aggregated
    write_limits: WriteLimits = field(default_factory=WriteLimits)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The response, which has been sent when this returns."""
        with self.limits.bodies.reserved() as hold:
            try:
                response = await self._answer(request, hold)
            except (ConnectionError, asyncio.CancelledError):
                raise
            except Exception as error:  # the caller hears of it, and the log when it is ours
                response = responses.failure(errors.api_error(error, request))
                responses.warn(response, request.get(_WARNINGS, ()))
            if not response.prepared:
                await response_writer.deliver(request, response, self.write_limits)
        return response

    async def _answer(self, request: web.BaseRequest, hold: Reserve) -> web.StreamResponse:
        acting, refusal = await self._acting(request)
        if (elsewhere := self.aggregated.service(request.path)) is not None:
            return await self._elsewhere(request, acting, refusal, elsewhere)
        if not is_general(request.path):
            return await self._about_objects(request, acting, refusal, hold)
        wanted = request_info.at_path(request.method, request.path)

        async def handle(exchange: Exchange) -> web.StreamResponse:
            response_writer.note_flow(request, exchange)
            response = await self.general.answer(request)
            exchange.code = response.status
            return response

        return await self.chain.run(_asked(request, acting, wanted, refusal=refusal), handle)

    async def _elsewhere(
        self, request: web.BaseRequest, acting: Acting, refusal: ApiError | None, service: APIService
    ) -> web.StreamResponse:
        """Another API server answers."""
        upgrades = bool(headers.upgrade_of(request.headers))
        query = Query(dict(request.query))
        wanted, stays = request_info.elsewhere(request.method, request.path, query, upgrades=upgrades)

        async def handle(exchange: Exchange) -> web.StreamResponse:
            response = await self.aggregated.answer(request, exchange, service)
            exchange.code = response.status
            return response

        return await self.chain.run(_asked(request, acting, wanted, long_running=stays, refusal=refusal), handle)

    async def _acting(self, request: web.BaseRequest) -> tuple[Acting, ApiError | None]:
        """As whom the caller acts, and why it is refused whatever it asks."""
        known = Acting(NOBODY)
        try:
            if not all(map(_is_text, request.headers.values())):
                raise BadRequest("the headers of the request are not UTF-8")
            sent = request.headers.get("Authorization")
            caller = await self.tokens.authenticator.authenticate(_certificate(request), sent, request.headers.items())
            known = Acting(caller)
            return impersonation.acting(caller, request.headers.items()), None
        except (Unauthorized, BadRequest) as error:
            return known, error

    async def _about_objects(
        self, request: web.BaseRequest, acting: Acting, refusal: ApiError | None, hold: Reserve
    ) -> web.StreamResponse:
        query = Query(dict(request.query))
        upgrades = bool(headers.upgrade_of(request.headers))
        aim = request_info.at_objects(request.method, request.path, query, self.kinds.catalog, upgrades=upgrades)
        if isinstance(aim.place, NotFound):
            return await self.chain.run(_asked(request, acting, aim.wanted, refusal=refusal), _refusing(aim.place))
        call = Call(request, acting.user, aim.place, query)
        streams = aim.long_running
        asked = _asked(request, acting, aim.wanted, about=call, long_running=streams, refusal=refusal)
        try:
            handler = self._handler(call, aim.wanted.verb)
            if refusal is None and not streams and request.can_read_body:
                await request_body.receive(request, asked.caller.name, hold)
        except ApiError as error:  # which they hear who may ask
            return await self.chain.run(asked, _refusing(error))

        async def handle(exchange: Exchange) -> web.StreamResponse:
            request[_WARNINGS] = exchange.warnings  # of what is refused there may be some, too
            response_writer.note_flow(request, exchange)
            response = await handler(call.at(exchange))
            if not response.prepared:
                responses.warn(response, (*exchange.warnings, *call.resource.warnings))
            if request.method == "GET" and not response.prepared:
                hold(asked.caller.name, response_writer.size_bytes(response))  # until the client has taken it
            exchange.code, exchange.name = response.status, call.made
            exchange.answered = lambda: response_writer.told(response, call.of)
            return response

        return await self.chain.run(asked, handle)

    @cached_property
    def _handlers(self) -> Mapping[tuple[str, str], Handler]:
        """By subresource and verb."""
        return {
            ("", "get"): self.reading.get,
            ("", "list"): self.reading.list,
            ("", "watch"): self.reading.watch,
            ("", "create"): self.writing.create,
            ("", "update"): self.writing.update,
            ("", "patch"): self.writing.patch,
            ("", "delete"): self.writing.delete,
            ("", "deletecollection"): self.writing.delete_collection,
            ("status", "get"): self.reading.get,
            ("status", "update"): self.writing.update,
            ("status", "patch"): self.writing.patch,
            ("ephemeralcontainers", "get"): self.reading.get,
            ("ephemeralcontainers", "update"): self.writing.update,
            ("ephemeralcontainers", "patch"): self.writing.patch,
            ("resize", "get"): self.reading.get,
            ("resize", "update"): self.writing.update,
            ("resize", "patch"): self.writing.patch,
            ("finalize", "update"): self.writing.update,
            ("scale", "get"): self.scaling.get,
            ("scale", "update"): self.scaling.update,
            ("scale", "patch"): self.scaling.patch,
            ("binding", "create"): self.writing.bind,
            ("log", "get"): self.logs.get,
            ("token", "create"): self.tokens.create,
            ("exec", "create"): self.commands.execute,
            ("attach", "create"): self.commands.attach,
            ("eviction", "create"): self.evicting.create,
            ("portforward", "create"): self.ports.forward,
            **{(paths.PROXY, verb): self.proxy.answer for verb in (*PROXIED, "options")},
            ("approval", "get"): self.reading.get,
            ("approval", "update"): self.approval.update,
            ("approval", "patch"): self.approval.patch,
        }

    def _handlers_of_unstored(self, resource: Resource) -> Mapping[tuple[str, str], Handler]:
        if resource.kind is kinds.of(Binding):
            return {("", "create"): self.writing.bind}
        if resource.is_review:
            return {("", "create"): self.reviews.create}
        answering = self.components if resource.kind is kinds.of(ComponentStatus) else self.metrics
        return {("", "get"): answering.get, ("", "list"): answering.list}

    def _handler(self, call: Call, verb: str) -> Handler:
        """Who answers it. Raises MethodNotAllowed, NotAcceptable."""
        place = call.place
        resource = self.kinds.catalog.resource(place.kind)
        below = resource.subresource(place.subresource) if place.subresource else None
        handlers = self._handlers if resource.stored else self._handlers_of_unstored(resource)
        handler = handlers.get((place.subresource, verb))
        is_served = bool(place.subresource) or verb in resource.verbs
        if handler is None or not is_served or not _has_its_place(verb, place):
            raise _not_allowed(call)
        if resource.is_review or (below is not None and below.is_plain):
            forms = negotiation.OF_SCALE if below is SCALE and verb == "get" else negotiation.PLAIN
            negotiation.accepted(call.headers.get("Accept", ""), forms)
        return handler


def _refusing(error: ApiError) -> handler_chain.Handler[web.StreamResponse]:
    async def refuse(_: Exchange) -> web.StreamResponse:
        raise error

    return refuse


def _has_its_place(verb: str, place: Place) -> bool:
    """Whether the verb can be meant there: an object is created in its collection, and changed by its name."""
    if place.watched and verb != paths.WATCH:
        return False
    if verb in ("update", "patch"):
        return bool(place.name)
    if verb == "create":
        return bool(place.name) == bool(place.subresource) and (bool(place.namespace) or not place.kind.namespaced)
    return True


def _asked(
    request: web.BaseRequest,
    acting: Acting,
    wanted: Attributes,
    *,
    about: Call | None = None,
    long_running: bool = False,
    refusal: ApiError | None = None,
) -> RequestInfo:
    return RequestInfo(
        user=acting.user,
        impersonator=acting.impersonator,
        to_impersonate=acting.wanted,
        wanted=(wanted,),
        uri=request.path_qs,
        verb=wanted.verb,
        request=about or request,
        long_running=long_running,
        source=request.remote or "",
        user_agent=request.headers.get("User-Agent", ""),
        sent=None if about is None else lambda: request_body.received(request).json(about.of),
        refusal=refusal,
        audit_id=response_writer.audit_id(request),
    )


def _is_text(header: str) -> bool:
    """Whether it is what it seems: bytes that are no UTF-8 come in as surrogates, which nothing can write."""
    return header.isascii() or not _SURROGATE.search(header)


def _certificate(request: web.BaseRequest) -> bytes | None:
    """The one that TLS has verified."""
    tls = request.get_extra_info("ssl_object")
    return tls.getpeercert(binary_form=True) if tls is not None else None


def _not_allowed(call: Call) -> MethodNotAllowed:
    place = call.place
    resource = f"{place.kind.resource}/{place.subresource}" if place.subresource else place.kind.resource
    where = "" if place.name else " of a collection" if call.request.method != "POST" else " without a namespace"
    return MethodNotAllowed(
        f"the server does not allow this method on the requested resource: {call.request.method}{where} on {resource}"
    )
