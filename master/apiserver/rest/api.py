"""From a request to the handler that answers it: who asks, what for, whether they may, and errors as Status.

Verbs are Kubernetes' own, so that gRPC and REST ask the same authorization.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import version

from aiohttp import web

from master.apiserver import border
from master.apiserver.cache import Cache
from master.apiserver.guard import Guard, attributes
from master.apiserver.identity import ANONYMOUS, User, user_of_der
from master.apiserver.limits import Limits
from master.apiserver.rest import accept, answers, discovery, paths
from master.apiserver.rest.call import Call
from master.apiserver.rest.logs import Logs
from master.apiserver.rest.paths import ABSENT, UNKNOWN
from master.apiserver.rest.query import Query
from master.apiserver.rest.reading import Reading
from master.apiserver.rest.scaling import Scaling
from master.apiserver.rest.writing import Writing
from podlab.errors import MethodNotAllowed, NotFound, Unauthorized

Handler = Callable[[Call], Awaitable[web.StreamResponse]]
# Kubernetes' version whose API this is.
MINOR = "32"
_HEALTH = frozenset({"/healthz", "/livez", "/readyz"})
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

    guard: Guard
    limits: Limits
    cache: Cache
    reading: Reading
    writing: Writing
    scaling: Scaling
    logs: Logs

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The response, which for streams has been sent when this returns."""
        try:
            user = _user(request)
            if (general := await self._general(request, user)) is not None:
                return general
            call = Call(request, user, paths.parse(request.path), Query(dict(request.query)))
        except Exception as error:  # the caller hears of it, and the log when it is ours
            return answers.failure(border.api_error(error, request))
        try:
            return await self._about_objects(call)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:  # as above
            return answers.failure(border.api_error(error, call))

    async def _general(self, request: web.BaseRequest, user: User) -> web.StreamResponse | None:
        """What is not about objects: health and version for everybody, discovery for whom we know."""
        path = request.path.rstrip("/") or "/"
        if path in _HEALTH or path == "/version":
            _only_get(request)
            if path == "/readyz":
                await self.cache.catch_up()
            return answers.data(_version()) if path == "/version" else answers.text("ok")
        if user == ANONYMOUS:
            raise Unauthorized("Unauthorized")
        parts = path.strip("/").split("/")
        if parts[0] not in ("api", "apis"):
            raise NotFound(UNKNOWN)
        if len(parts) > 3 or (parts[0] == "api" and len(parts) > 2):
            return None
        _only_get(request)
        return _discovered(parts, request)

    async def _about_objects(self, call: Call) -> web.StreamResponse:
        verb, handler = self._handler(call)
        place = call.place
        name = place.name or ""
        await self.guard.admit(
            call.user,
            attributes(
                verb,
                place.kind,
                place.namespace,
                name,
                subresource=place.subresource,
                field_selector=call.query.text("fieldSelector"),
            ),
        )
        with self._limit(call, verb):
            return await handler(call)

    def _limit(self, call: Call, verb: str) -> AbstractContextManager[None]:
        streams = verb == "watch" or call.place.subresource == "log"
        return (self.limits.streams if streams else self.limits.calls).held_by(call.user.name)

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
            ("scale", "get"): self.scaling.get,
            ("scale", "update"): self.scaling.update,
            ("scale", "patch"): self.scaling.patch,
            ("binding", "create"): self.writing.bind,
            ("log", "get"): self.logs.get,
        }
        handler = handlers.get((place.subresource, verb))
        if handler is None or (verb == "create" and place.kind.namespaced and not place.namespace):
            raise _not_allowed(call)
        return verb, handler


def _user(request: web.BaseRequest) -> User:
    """Who calls. Raises Unauthorized for a bearer token, or a certificate that names nobody."""
    if "Authorization" in request.headers:
        raise Unauthorized("Unauthorized: this server knows its users by client certificates; it takes no tokens yet")
    tls = request.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) if tls is not None else None
    return user_of_der(certificate) if certificate else ANONYMOUS


def _verb(call: Call) -> str:
    """Raises MethodNotAllowed."""
    method, place = call.request.method, call.place
    if method == "POST" and place.subresource:
        return "create"
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


def _only_get(request: web.BaseRequest) -> None:
    if request.method != "GET":
        raise MethodNotAllowed(
            f"the server does not allow this method on the requested resource: {request.method} on {request.path}"
        )


def _discovered(parts: list[str], request: web.BaseRequest) -> web.Response:
    """What discovery answers. Raises NotFound."""
    root, *rest = parts
    if not rest:
        asked = accept.aggregated_discovery(request.headers.get("Accept", ""))
        if asked:
            found = discovery.aggregated(asked, lambda group: bool(group) is (root == "apis"))
            media_type = f"{accept.JSON};g=apidiscovery.k8s.io;v={asked};as=APIGroupDiscoveryList"
            return answers.data(found, media_type=media_type)
        return answers.data(discovery.groups() if root == "apis" else discovery.versions(request.host))
    if root == "apis" and len(rest) == 1:
        return answers.data(discovery.group(rest[0]))
    return answers.data(discovery.resources(*(("", rest[0]) if root == "api" else rest)))


def _version() -> dict[str, str]:
    return {
        "major": "1",
        "minor": MINOR,
        "gitVersion": f"v1.{MINOR}.0+podlab.{version('podlab')}",
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "",
        "goVersion": "",
        "compiler": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system().lower()}/{platform.machine()}",
    }
