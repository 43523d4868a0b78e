"""What a gRPC call asks, as the handler chain wants to know it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

import orjson

from master.apiserver.authentication import client_certificates
from master.apiserver.authorization import Attributes
from master.apiserver.filters import impersonation
from master.apiserver.filters.authorize import attributes, selected_fields
from master.apiserver.filters.impersonation import Acting
from master.apiserver.request.info import NOBODY, RequestInfo
from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.api.objects import key, metadata, unwrap
from podlab.api.serializer import codec
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount
from podlab.errors import ApiError, ServicerContext
from podlab.kinds.current import CurrentCatalog
from podlab.metrics.v1beta1.metrics_pb2 import PodMetrics
from podlab.spans import traceparent
from podlab.v1 import apiserver_pb2

AUDIT_ID = "audit-id"
_NOBODY = Acting(NOBODY)


class Aim(NamedTuple):
    """What authorization is asked about a request, and the kind that the request names, where it names one."""

    wanted: tuple[Attributes, ...]
    kind: Kind | None = None


About = Callable[[Any], Aim]
"""What a request is about. Raises NotFound for a kind that we lack, BadRequest."""
_NOTHING = Aim(())


def asked(
    context: ServicerContext, about: About, method: str, request: object, *, long_running: bool = False
) -> RequestInfo:
    """The call as it comes in. Its caller hears from now on what it is known by."""
    headers = context.invocation_metadata() or ()
    acting, aim, refusal = _NOBODY, _NOTHING, None
    try:
        caller = client_certificates.caller(context)
        acting = Acting(caller)
        acting = impersonation.acting(caller, headers)
        aim = about(request)
    except ApiError as error:
        refusal = error
    made = RequestInfo(
        user=acting.user,
        impersonator=acting.impersonator,
        to_impersonate=acting.wanted,
        wanted=aim.wanted,
        kind=aim.kind,
        uri=method,
        verb=aim.wanted[0].verb if aim.wanted else "get",
        request=request,
        long_running=long_running,
        source=_address(context.peer()),
        sent=None if refusal else lambda: _sent(request),
        user_agent=_header(headers, "user-agent"),
        traceparent=traceparent.accepted(_header(headers, traceparent.HEADER)),
        refusal=refusal,
    )
    context.set_trailing_metadata(((AUDIT_ID, made.audit_id),))
    return made


def of_object(verb: str, served: CurrentCatalog, subresource: str = "") -> About:
    """For requests that carry an object."""

    def about(request: Any) -> Aim:
        message = unwrap(request.object)
        own = metadata(message)
        # As in Kubernetes, what is created has no name yet: rules with names cannot allow it.
        name = own.name if verb != "create" else ""
        kind = served.catalog.kind_of(message)
        return Aim((attributes(verb, kind, own.namespace, name, subresource=subresource),))

    return about


def of_name(verb: str, served: CurrentCatalog) -> About:
    """For requests that name an object."""

    def about(request: Any) -> Aim:
        subresource = getattr(request, "subresource", "")
        kind = served.catalog.named(request.group, request.kind)
        return Aim((attributes(verb, kind, request.namespace, request.name, subresource=subresource),), kind)

    return about


def of_selection(verb: str, served: CurrentCatalog) -> About:
    """For requests about all objects that selectors take."""

    def about(request: Any) -> Aim:
        kind = served.catalog.named(request.group, request.kind)
        fields = selected_fields(served.catalog.resource(kind), request.field_selector)
        return Aim((attributes(verb, kind, request.namespace, fields=fields),), kind)

    return about


def of_bindings(request: Any) -> Aim:
    """For Bind: once for each namespace."""
    pods = kinds.of(Pod)
    namespaces = sorted({binding.namespace for binding in request.bindings})
    return Aim(tuple(attributes("create", pods, namespace, subresource="binding") for namespace in namespaces))


def of_statuses(served: CurrentCatalog) -> About:
    """For UpdateStatuses: once for each kind in each namespace."""

    def about(request: Any) -> Aim:
        objects = [unwrap(each) for each in request.objects]
        places = {(at.group_kind, at.namespace): served.catalog.kind_of(one) for one in objects for at in [key(one)]}
        return Aim(tuple(attributes("update", places[at], at[1], subresource="status") for at in sorted(places)))

    return about


def of_victims(request: Any) -> Aim:
    """For Preempt: in each namespace what it does in one write."""
    pods = kinds.of(Pod)
    wanted: list[Attributes] = []
    for namespace in sorted({victim.namespace for victim in request.victims}):
        wanted += [attributes("update", pods, namespace, subresource="status"), attributes("delete", pods, namespace)]
    return Aim(tuple(wanted))


def of_events(request: Any) -> Aim:
    """For RecordEvents: in each namespace they may be new, or counted up."""
    events = kinds.of(Event)
    namespaces = sorted({event.metadata.namespace for event in request.events})
    return Aim(tuple(attributes(verb, events, namespace) for namespace in namespaces for verb in ("create", "patch")))


def of_eviction(request: Any) -> Aim:
    """For Evict."""
    pods = kinds.of(Pod)
    return Aim((attributes("create", pods, request.namespace, request.name, subresource="eviction"),))


def of_pod_metrics(request: Any) -> Aim:
    """For PodMetrics: what a list of metrics.k8s.io is."""
    return Aim((attributes("list", kinds.of(PodMetrics), request.namespace),))


def of_token(request: Any) -> Aim:
    """For RequestToken."""
    accounts = kinds.of(ServiceAccount)
    return Aim((attributes("create", accounts, request.namespace, request.name, subresource="token"),))


def of_content(request: apiserver_pb2.DeleteAggregatedContentRequest) -> Aim:
    """For DeleteAggregatedContent: it is a part of what finalizes a namespace."""
    namespaces = kinds.of(Namespace)
    return Aim((attributes("update", namespaces, "", request.namespace, subresource="finalize"),))


def of_version(_: Any) -> Aim:
    """For Version: what /version is over REST."""
    return Aim((Attributes("get", path="/version"),))


def of_discovery(_: Any) -> Aim:
    """For Discover: what discovery is over REST."""
    return Aim((Attributes("get", path="/apis"),))


def _header(headers: Iterable[tuple[str, str | bytes]], wanted: str) -> str:
    for name, value in headers:
        if name == wanted:
            return str(value)
    return ""


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


@lru_cache(maxsize=4096)
def _address(peer: str) -> str:
    """The address in `ipv4:192.0.2.1:51234` and `ipv6:%5B::1%5D:51234`."""
    return unquote(peer.partition(":")[2].rpartition(":")[0]).strip("[]")
