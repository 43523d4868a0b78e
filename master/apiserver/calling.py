"""What a gRPC call asks, as the gate wants to know it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import unquote

import orjson

from master.apiserver import identity, impersonation
from master.apiserver.authorization import Attributes
from master.apiserver.guard import Context, attributes
from master.apiserver.passage import Asked
from podlab.api import codec, kinds
from podlab.api.objects import key, unwrap
from podlab.v1 import apiserver_pb2

_ABOUT_ONE = frozenset({"create", "get", "update", "patch", "delete"})

About = Callable[[Any], tuple[Attributes, ...]]
"""What authorization is asked about a request. Raises NotFound for a kind that we lack, BadRequest."""


def asked(
    context: Context,
    wanted: tuple[Attributes, ...],
    method: str,
    *,
    request: object = None,
    long_running: bool = False,
) -> Asked:
    """The call as it comes in. Raises Unauthorized when its certificate names nobody."""
    metadata = [(name, str(value)) for name, value in context.invocation_metadata() or ()]
    acting = impersonation.acting(identity.caller(context), metadata)
    return Asked(
        user=acting.user,
        impersonator=acting.impersonator,
        to_impersonate=acting.wanted,
        wanted=wanted,
        uri=method,
        verb=wanted[0].verb if wanted else "get",
        request=request,
        long_running=long_running,
        source=_address(context.peer()),
        sent=lambda: _sent(request),
        user_agent=next((value for name, value in metadata if name == "user-agent"), ""),
    )


def of_object(verb: str, subresource: str = "") -> About:
    """For requests that carry an object."""

    def about(request: Any) -> tuple[Attributes, ...]:
        message = unwrap(request.object)
        at = key(message)
        # As in Kubernetes, what is created has no name yet: rules with names cannot allow it.
        name = at.name if verb != "create" else ""
        return (attributes(verb, kinds.of(message), at.namespace, name, subresource=subresource),)

    return about


def of_name(verb: str) -> About:
    """For requests that name an object."""

    def about(request: Any) -> tuple[Attributes, ...]:
        subresource = getattr(request, "subresource", "")
        kind = kinds.by_name(request.kind)
        return (attributes(verb, kind, request.namespace, request.name, subresource=subresource),)

    return about


def of_selection(verb: str) -> About:
    """For requests about all objects that selectors take."""

    def about(request: Any) -> tuple[Attributes, ...]:
        kind = kinds.by_name(request.kind)
        return (attributes(verb, kind, request.namespace, field_selector=request.field_selector),)

    return about


def of_bindings(request: Any) -> tuple[Attributes, ...]:
    """For Bind: once for each namespace."""
    pods = kinds.by_name("Pod")
    namespaces = sorted({binding.namespace for binding in request.bindings})
    return tuple(attributes("create", pods, namespace, subresource="binding") for namespace in namespaces)


def of_token(request: Any) -> tuple[Attributes, ...]:
    """For RequestToken."""
    accounts = kinds.by_name("ServiceAccount")
    return (attributes("create", accounts, request.namespace, request.name, subresource="token"),)


def of_nothing(_: Any) -> tuple[Attributes, ...]:
    """For what everybody may ask whom we know."""
    return ()


def answered(asked: Asked, answer: object) -> bytes:
    """The object in an answer, as JSON; nothing for lists, streams and bindings."""
    if asked.verb not in _ABOUT_ONE or not asked.wanted or asked.wanted[0].subresource == "binding":
        return b""
    return codec.to_json(unwrap(apiserver_pb2.GetResponse.FromString(cast(bytes, answer)).object))


def _sent(request: object) -> bytes:
    """The object or the patch in a request, as JSON."""
    if isinstance(request, apiserver_pb2.PatchRequest):
        return _json(request.patch)
    held = getattr(request, "object", None)
    return codec.to_json(unwrap(held)) if held is not None else b""


def _json(text: bytes) -> bytes:
    try:
        return orjson.dumps(orjson.loads(text))
    except orjson.JSONDecodeError:
        return b""


def _address(peer: str) -> str:
    """The address in `ipv4:192.0.2.1:51234` and `ipv6:%5B::1%5D:51234`."""
    return unquote(peer.partition(":")[2].rpartition(":")[0]).strip("[]")
