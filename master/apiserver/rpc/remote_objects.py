"""Objects of kinds that other API servers serve, over gRPC: asked there in the caller's name, by their REST API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlencode

import aiohttp
import orjson

from master.apiserver.aggregation import remote
from master.apiserver.aggregation.contents import NamespaceContents
from master.apiserver.aggregation.discovered import Object as Data
from master.apiserver.aggregation.kinds import RemoteKinds
from master.apiserver.aggregation.registration import is_available
from master.apiserver.aggregation.remote import MOST_BYTES, RemoteServers
from master.apiserver.authentication.user import User
from master.apiserver.egress.client import OutgoingRequest
from master.apiserver.request.info import Exchange
from podlab.api.kinds import Kind
from podlab.api.objects import metadata, unwrap, wrap
from podlab.api.serializer import codec, custom
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apiregistration.v1.apiservice_pb2 import APIService
from podlab.errors import ApiError, BadRequest, InternalError, NotFound, ServiceUnavailable, Timeout, from_status
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2 as pb
from podlab.v1 import object_pb2

# What is no watch is over within this time.
LIMIT_S = 60.0
# A message of gRPC holds 4 MiB: so many objects at once, unless the caller says how many.
PAGE = 100
_JSON: Final = "application/json"
_PATCHES: Final[Mapping[int, str]] = {
    pb.PATCH_TYPE_JSON: "application/json-patch+json",
    pb.PATCH_TYPE_MERGE: "application/merge-patch+json",
    pb.PATCH_TYPE_STRATEGIC_MERGE: "application/strategic-merge-patch+json",
    pb.PATCH_TYPE_APPLY: "application/apply-patch+yaml",
}
_POLICIES: Final[Mapping[int, str]] = {
    pb.PROPAGATION_POLICY_BACKGROUND: "Background",
    pb.PROPAGATION_POLICY_FOREGROUND: "Foreground",
    pb.PROPAGATION_POLICY_ORPHAN: "Orphan",
}
_EVENTS: Final[Mapping[str, pb.EventType.ValueType]] = {
    "ADDED": pb.EVENT_TYPE_ADDED,
    "MODIFIED": pb.EVENT_TYPE_MODIFIED,
    "DELETED": pb.EVENT_TYPE_DELETED,
    "BOOKMARK": pb.EVENT_TYPE_BOOKMARK,
}


@dataclass(frozen=True, slots=True)
class RemoteObjects:
    """Each method answers one RPC, as the proto has it. All raise ApiError: what the other server has refused, and
    ServiceUnavailable when it cannot be asked."""

    kinds: RemoteKinds
    servers: RemoteServers
    contents: NamespaceContents

    def has(self, kind: Kind) -> bool:
        """Whether another server answers for the kind."""
        return self.kinds.service(kind) is not None

    async def get(self, request: pb.GetRequest, exchange: Exchange) -> bytes:
        kind = exchange.kind
        found = await self._asked(exchange.user, kind, "GET", _path(kind, request.namespace, request.name))
        return pb.GetResponse(object=_object(found, kind)).SerializeToString()

    async def list(self, request: pb.ListRequest, exchange: Exchange) -> bytes:
        kind = exchange.kind
        told = {**_selected(request), "limit": request.limit or PAGE, "continue": getattr(request, "continue")}
        found = await self._asked(exchange.user, kind, "GET", _path(kind, request.namespace), told)
        own = codec.part_from_dict_leniently(found.get("metadata") or {}, meta_pb2.ListMeta)[0]
        items = [_object(one, kind) for one in found.get("items") or ()]
        return pb.ListResponse(metadata=own, items=items).SerializeToString()

    async def create(self, request: pb.CreateRequest, exchange: Exchange, kind: Kind) -> bytes:
        made, told = unwrap(request.object), _written(request)
        path = _path(kind, metadata(made).namespace)
        found = await self._asked(exchange.user, kind, "POST", path, told, codec.to_json(made))
        return pb.CreateResponse(object=_object(found, kind)).SerializeToString()

    async def update(
        self, request: pb.UpdateRequest | pb.UpdateStatusRequest, exchange: Exchange, kind: Kind, below: str = ""
    ) -> bytes:
        """Of the object, or of what `below` names."""
        made = unwrap(request.object)
        own = metadata(made)
        path = _path(kind, own.namespace, own.name, below)
        found = await self._asked(exchange.user, kind, "PUT", path, _written(request), codec.to_json(made))
        return pb.UpdateResponse(object=_object(found, kind)).SerializeToString()

    async def patch(self, request: pb.PatchRequest, exchange: Exchange) -> bytes:
        kind = exchange.kind
        path = _path(kind, request.namespace, request.name, request.subresource)
        told = {**_written(request), "force": "true" if request.force else ""}
        form = _PATCHES.get(request.type)
        if form is None:
            raise BadRequest("type: says of what form the patch is")
        found = await self._asked(exchange.user, kind, "PATCH", path, told, request.patch, form)
        return pb.PatchResponse(object=_object(found, kind)).SerializeToString()

    async def delete(self, request: pb.DeleteRequest, exchange: Exchange) -> bytes:
        found, removed = await self._delete(exchange, request.namespace, request.name, request)
        return pb.DeleteResponse(object=found, removed=removed).SerializeToString()

    async def delete_collection(self, request: pb.DeleteCollectionRequest, exchange: Exchange) -> AsyncIterator[bytes]:
        """One after the other: servers need not tell what they delete together."""
        kind = exchange.kind
        listed = await self._asked(exchange.user, kind, "GET", _path(kind, request.namespace), _selected(request))
        for one in listed.get("items") or ():
            own = metadata(_custom(one, kind))
            try:
                found, removed = await self._delete(exchange, own.namespace, own.name, request)
            except NotFound:
                continue
            deleted = pb.DeletedObject(object=found, removed=removed)
            yield pb.DeleteCollectionResponse(deleted=[deleted]).SerializeToString()

    async def watch(self, request: pb.WatchRequest, exchange: Exchange) -> AsyncIterator[bytes]:
        """Until the other server ends it."""
        kind = exchange.kind
        told = {**_selected(request), "watch": "1", "allowWatchBookmarks": "true"}
        told["resourceVersion"] = request.resource_version
        service, outgoing = self._outgoing(exchange.user, kind, "GET", _path(kind, request.namespace), told)
        async with self.servers.egress.request(remote.place(service), outgoing) as answer:
            if answer.status != HTTPStatus.OK:
                raise _refusal(answer.status, await _content(answer))
            async for line in answer.content:
                yield _event(_parsed(line), kind).SerializeToString()

    async def empty(self, namespace: str) -> bytes:
        """Delete what is in the namespace, whatever it is of."""
        found = await self.contents.empty(namespace)
        left = [
            pb.AggregatedContent(resource=one.resource, count=one.count, finalizers=one.finalizers)
            for one in found.left
        ]
        return pb.DeleteAggregatedContentResponse(
            left=left, failures=found.failures, undiscovered=found.undiscovered
        ).SerializeToString()

    async def _delete(
        self, exchange: Exchange, namespace: str, name: str, how: pb.DeleteRequest | pb.DeleteCollectionRequest
    ) -> tuple[object_pb2.Object, bool]:
        """The object as it was, or is now, and whether it is gone."""
        kind, path = exchange.kind, _path(exchange.kind, namespace, name)
        before = _object(await self._asked(exchange.user, kind, "GET", path), kind)
        found = await self._asked(exchange.user, kind, "DELETE", path, {}, orjson.dumps(_delete_options(how)))
        if found.get("kind") == "Status":
            return before, True
        return _object(found, kind), not (found.get("metadata") or {}).get("finalizers")

    async def _asked(
        self,
        user: User,
        kind: Kind,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: bytes | None = None,
        form: str = _JSON,
    ) -> Data:
        service, outgoing = self._outgoing(user, kind, method, path, query or {}, body, form)
        try:
            async with asyncio.timeout(LIMIT_S), self.servers.egress.request(remote.place(service), outgoing) as answer:
                content = await _content(answer)
        except TimeoutError as error:
            raise Timeout(f"{remote.url(service, path)} did not answer within {LIMIT_S:.0f} s") from error
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise _refusal(answer.status, content)
        return _parsed(content)

    def _outgoing(
        self,
        user: User,
        kind: Kind,
        method: str,
        path: str,
        query: Mapping[str, object],
        body: bytes | None = None,
        form: str = _JSON,
    ) -> tuple[APIService, OutgoingRequest]:
        service = self.kinds.service(kind)
        if service is None or not is_available(service):
            raise ServiceUnavailable(f"the server that answers for {kind.plural}.{kind.group} is not available")
        said = self.servers.naming(user)
        said["Accept"] = _JSON
        if body is not None:
            said["Content-Type"] = form
        told = urlencode({name: value for name, value in query.items() if value})
        target = f"{path}?{told}" if told else path
        return service, OutgoingRequest(method, target, said, body, self.servers.trust(service))


async def _content(answer: aiohttp.ClientResponse) -> bytes:
    """All of it. Raises ServiceUnavailable for more than is taken."""
    content = bytearray()
    async for piece in answer.content.iter_any():
        content += piece
        if len(content) > MOST_BYTES:
            raise ServiceUnavailable(f"the answer has more than {MOST_BYTES} bytes")
    return bytes(content)


def _path(kind: Kind, namespace: str = "", name: str = "", below: str = "") -> str:
    place = ("namespaces", namespace) if kind.namespaced and namespace else ()
    parts = ("apis", kind.group, kind.version, *place, kind.plural, name, below)
    return "".join(f"/{quote(part, safe='')}" for part in parts if part)


def _selected(request: pb.ListRequest | pb.WatchRequest | pb.DeleteCollectionRequest) -> dict[str, object]:
    return {"labelSelector": request.label_selector, "fieldSelector": request.field_selector}


def _written(
    request: pb.CreateRequest | pb.UpdateRequest | pb.UpdateStatusRequest | pb.PatchRequest,
) -> dict[str, object]:
    dry = not isinstance(request, pb.UpdateStatusRequest) and request.dry_run
    return {"fieldManager": request.field_manager, "dryRun": "All" if dry else ""}


def _delete_options(how: pb.DeleteRequest | pb.DeleteCollectionRequest) -> Data:
    made: Data = {"kind": "DeleteOptions", "apiVersion": "v1"}
    if how.HasField("grace_period_seconds"):
        made["gracePeriodSeconds"] = how.grace_period_seconds
    if policy := _POLICIES.get(how.propagation_policy):
        made["propagationPolicy"] = policy
    if how.dry_run:
        made["dryRun"] = ["All"]
    if isinstance(how, pb.DeleteRequest):
        conditions = (("uid", how.uid), ("resourceVersion", how.resource_version))
        if told := {name: value for name, value in conditions if value}:
            made["preconditions"] = told
    return made


def _object(data: Data, kind: Kind) -> object_pb2.Object:
    return wrap(_custom(data, kind))


def _custom(data: object, kind: Kind) -> Custom:
    if not isinstance(data, dict):
        raise InternalError(f"the server that answers for {kind.plural}.{kind.group} tells of no object")
    return custom.from_dict(data, kind.api_version, kind.name)[0]


def _event(data: Data, kind: Kind) -> pb.WatchResponse:
    told, found = _EVENTS.get(str(data.get("type"))), data.get("object")
    if told is None or not isinstance(found, dict):
        raise _refusal(HTTPStatus.INTERNAL_SERVER_ERROR, orjson.dumps(found))
    shown = _custom(found, kind)
    if told == pb.EVENT_TYPE_BOOKMARK:
        return pb.WatchResponse(events=[pb.WatchEvent(type=told, resource_version=shown.metadata.resourceVersion)])
    return pb.WatchResponse(events=[pb.WatchEvent(type=told, object=wrap(shown))])


def _parsed(content: bytes) -> Data:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InternalError(f"the answer of the server behind is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise InternalError("the answer of the server behind is no object")
    return found


def _refusal(status: int, content: bytes) -> ApiError:
    """What a Status says, or what there is instead."""
    try:
        data = orjson.loads(content)
        told = codec.part_from_dict_leniently(_without_type(data), meta_pb2.Status)[0]
    except (orjson.JSONDecodeError, AttributeError, BadRequest):
        return from_status(meta_pb2.Status(code=int(status), message=content[:200].decode(errors="replace")))
    told.code = told.code or int(status)
    return from_status(told)


def _without_type(fields: Data) -> Data:
    return {name: value for name, value in fields.items() if name not in ("kind", "apiVersion")}
