"""From a request to the handler that answers it: who asks, what for, whether they may, and errors as Status.

Verbs are Kubernetes' own, so that gRPC and REST ask the same authorization.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from master.apiserver import border, impersonation
from master.apiserver.authorization import Attributes
from master.apiserver.gate import Gate
from master.apiserver.guard import attributes
from master.apiserver.identity import ANONYMOUS, User
from master.apiserver.impersonation import Acting
from master.apiserver.limits import Hold, Limits
from master.apiserver.passage import NOBODY, Asked
from master.apiserver.rest import answers, bodies, delivery, paths
from master.apiserver.rest.approval import Approval
from master.apiserver.rest.call import Call
from master.apiserver.rest.evicting import Evicting
from master.apiserver.rest.general import General, is_general, is_public
from master.apiserver.rest.logs import Logs
from master.apiserver.rest.metrics_api import MetricsApi
from master.apiserver.rest.paths import ABSENT
from master.apiserver.rest.query import Query
from master.apiserver.rest.reading import Reading
from master.apiserver.rest.reviews import Reviews
from master.apiserver.rest.scaling import Scaling
from master.apiserver.rest.streams.commands import Commands
from master.apiserver.rest.streams.ports import Ports
from master.apiserver.rest.tokens import Tokens
from master.apiserver.rest.writing import Writing
from podlab.api.kinds import MEASURED, REVIEWS
from podlab.errors import MethodNotAllowed, Unauthorized

Handler = Callable[[Call], Awaitable[web.StreamResponse]]
# Below a pod, these stay for long.
_STREAMS = paths.CONNECTED | {"log"}
_VERBS: Mapping[str, tuple[str, str]] = {
    # The verb on a collection, and on an object; empty: there is none.
    "GET": ("list", "get"),
    "POST": ("create", ""),
    "PUT": ("", "update"),
    "PATCH": ("", "patch"),
    "DELETE": ("deletecollection", "delete"),
}


@dataclass(frozen=True, slots=True)
class Api:
    """Answers every request."""

    gate: Gate
    limits: Limits
    general: General
    reading: Reading
    writing: Writing
    scaling: Scaling
    logs: Logs
    reviews: Reviews
    metrics: MetricsApi
    tokens: Tokens
    commands: Commands
    evicting: Evicting
    ports: Ports
    approval: Approval

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The response, which has been sent when this returns."""
        with self.limits.bodies.held() as hold:
            try:
                response = await self._answer(request, hold)
            except (ConnectionError, asyncio.CancelledError):
                raise
            except Exception as error:  # the caller hears of it, and the log when it is ours
                response = answers.failure(border.api_error(error, request))
            if not response.prepared:
                await delivery.deliver(request, response)
        return response

    async def _answer(self, request: web.BaseRequest, hold: Hold) -> web.StreamResponse:
        caller = await self._known(request)
        if caller == ANONYMOUS and not is_public(request.path):
            raise Unauthorized("Unauthorized")
        acting = impersonation.acting(caller, request.headers.items())
        if is_general(request.path):
            method = request.method.lower()
            asked = _asked(request, acting, method, Attributes(method, path=request.path))
            async with self.gate.entered(asked) as passage:
                response = await self.general.answer(request)
                passage.code = response.status
                return response
        call = Call(request, acting.user, paths.parse(request.path), Query(dict(request.query)))
        response = await self._about_objects(call, acting, hold)
        if request.method == "GET" and not response.prepared:
            hold(caller.name, delivery.size_bytes(response))  # until the client has taken it
        return response

    async def _known(self, request: web.BaseRequest) -> User:
        """Who calls. Raises Unauthorized, of which the audit log hears as well."""
        try:
            return await self.tokens.authenticator.user(_certificate(request), request.headers.get("Authorization"))
        except Unauthorized:
            async with self.gate.entered(_asked(request, Acting(NOBODY), request.method.lower())):
                raise
        raise AssertionError("unreachable")

    async def _about_objects(self, call: Call, acting: Acting, hold: Hold) -> web.StreamResponse:
        verb, handler = self._handler(call)
        place = call.place
        wanted = attributes(
            verb,
            place.kind,
            place.namespace,
            place.name or "",
            subresource=place.subresource,
            field_selector=call.query.text("fieldSelector"),
        )
        long_running = verb == "watch" or place.subresource in _STREAMS
        asked = _asked(call.request, acting, verb, wanted, about=call, long_running=long_running)
        if not long_running and call.request.can_read_body:
            await bodies.receive(call.request, asked.caller.name, hold)
        async with self.gate.entered(asked) as passage:
            response = await handler(call)
            passage.code, passage.name = response.status, call.made
            passage.answered = lambda: delivery.json(response)
            return response

    def _handler(self, call: Call) -> tuple[str, Handler]:
        """The verb, and who answers it. Raises MethodNotAllowed."""
        place = call.place
        verb = _verb(call)
        if place.subresource in ABSENT.get(place.kind.name, ()):
            raise MethodNotAllowed(f"{place.kind.resource}/{place.subresource} is not supported by this server yet")
        handlers: Mapping[tuple[str, str], Handler] = {
            ("", "get"): self.reading.get,
            ("", "list"): self.reading.list,
            ("", "watch"): self.reading.watch,
            ("", "create"): self.writing.create,
            ("", "update"): self.writing.update,
            ("", "patch"): self.writing.patch,
            ("", "delete"): self.writing.delete,
            ("", "deletecollection"): self.writing.delete_collection,
            ("status", "get"): self.reading.get,
            ("status", "update"): self.writing.update_status,
            ("status", "patch"): self.writing.patch,
            ("ephemeralcontainers", "get"): self.reading.get,
            ("ephemeralcontainers", "update"): self.writing.join,
            ("ephemeralcontainers", "patch"): self.writing.patch,
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
            ("approval", "get"): self.reading.get,
            ("approval", "update"): self.approval.update,
            ("approval", "patch"): self.approval.patch,
        }
        if place.kind in REVIEWS:
            handlers = {("", "create"): self.reviews.create}
        if place.kind in MEASURED:
            handlers = {("", "get"): self.metrics.get, ("", "list"): self.metrics.list}
        handler = handlers.get((place.subresource, verb))
        if handler is None or (verb == "create" and place.kind.namespaced and not place.namespace):
            raise _not_allowed(call)
        return verb, handler


def _asked(
    request: web.BaseRequest,
    acting: Acting,
    verb: str,
    *wanted: Attributes,
    about: object = None,
    long_running: bool = False,
) -> Asked:
    return Asked(
        user=acting.user,
        impersonator=acting.impersonator,
        to_impersonate=acting.wanted,
        wanted=wanted,
        uri=request.path_qs,
        verb=verb,
        request=about or request,
        long_running=long_running,
        source=request.remote or "",
        user_agent=request.headers.get("User-Agent", ""),
        sent=lambda: bodies.json(request, about.of) if isinstance(about, Call) else b"",
        audit_id=delivery.audit_id(request),
    )


def _certificate(request: web.BaseRequest) -> bytes | None:
    """The one that TLS has verified."""
    tls = request.get_extra_info("ssl_object")
    return tls.getpeercert(binary_form=True) if tls is not None else None


def _verb(call: Call) -> str:
    """Raises MethodNotAllowed."""
    method, place = call.request.method, call.place
    if method == "POST" and place.subresource:
        return "create"
    if method == "GET" and place.subresource in paths.CONNECTED:
        return "create"  # whoever streams into a pod does something there, though a WebSocket begins with GET
    of_collection, of_object = _VERBS.get(method, ("", ""))
    verb = of_object if place.name else of_collection
    if verb == "list" and call.query.flag("watch"):
        return "watch"
    if not verb:
        raise _not_allowed(call)
    return verb


def _not_allowed(call: Call) -> MethodNotAllowed:
    place = call.place
    resource = f"{place.kind.resource}/{place.subresource}" if place.subresource else place.kind.resource
    where = "" if place.name else " of a collection" if call.request.method != "POST" else " without a namespace"
    return MethodNotAllowed(
        f"the server does not allow this method on the requested resource: {call.request.method}{where} on {resource}"
    )
