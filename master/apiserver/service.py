"""The gRPC service podlab.v1.ApiServer. Handlers answer with ready bytes."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import grpc
from google.protobuf.message import Message

from master.apiserver import border, collection, encoded, identity
from master.apiserver.collection import Collections
from master.apiserver.guard import Context, Guard, attributes
from master.apiserver.identity import User
from master.apiserver.limits import Limits
from master.apiserver.listing import Lister
from master.apiserver.patching import patch
from master.apiserver.registry.admission import Admit
from master.apiserver.registry.binding import Binder, Result
from master.apiserver.registry.registry import Registry
from master.apiserver.watching import Watches
from podlab.api import kinds
from podlab.api.objects import Key, key, unwrap
from podlab.errors import ApiError, Expired, NotFound, to_status
from podlab.v1 import apiserver_pb2 as pb

SERVICE = "podlab.v1.ApiServer"
# A client that takes nothing for so long is gone or as good as gone.
WRITE_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class ApiService:
    """One method for each RPC."""

    guard: Guard
    registry: Registry
    collections: Collections
    binder: Binder
    lister: Lister
    watches: Watches
    admission: Callable[[User], Admit]
    limits: Limits
    cluster_name: str

    def handler(self) -> grpc.GenericRpcHandler:
        """What a server is given."""
        unary: dict[str, tuple[Any, Any]] = {
            "Create": (self.create, pb.CreateRequest),
            "Get": (self.get, pb.GetRequest),
            "List": (self.list, pb.ListRequest),
            "Update": (self.update, pb.UpdateRequest),
            "UpdateStatus": (self.update_status, pb.UpdateStatusRequest),
            "Patch": (self.patch, pb.PatchRequest),
            "Delete": (self.delete, pb.DeleteRequest),
            "Bind": (self.bind, pb.BindRequest),
            "Version": (self.version, pb.VersionRequest),
        }
        handlers: dict[str, Any] = {
            name: grpc.unary_unary_rpc_method_handler(
                border.reading(request, border.telling(self.limits.calls.on(method)))
            )
            for name, (method, request) in unary.items()
        }
        streaming: dict[str, tuple[Any, Any]] = {
            "DeleteCollection": (self.delete_collection, pb.DeleteCollectionRequest),
            "Watch": (self.watch, pb.WatchRequest),
        }
        for name, (method, request) in streaming.items():
            handlers[name] = grpc.unary_stream_rpc_method_handler(
                border.reading(request, border.telling(self.limits.streams.on(method)))
            )
        return grpc.method_handlers_generic_handler(SERVICE, handlers)

    async def create(self, request: pb.CreateRequest, context: Context) -> bytes:
        """See the proto, as for all of these."""
        message = _sent(request)
        at = key(message)
        user = await self.guard.check(context, attributes("create", kinds.of(message), at.namespace, at.name))
        entry = await self.registry.create(message, dry_run=request.dry_run, admit=self.admission(user))
        return encoded.item_response(entry.element)

    async def get(self, request: pb.GetRequest, context: Context) -> bytes:
        kind = kinds.by_name(request.kind)
        await self.guard.check(context, attributes("get", kind, request.namespace, request.name))
        entry = await self.registry.get(kind, request.namespace, request.name)
        return encoded.item_response(entry.element)

    async def list(self, request: pb.ListRequest, context: Context) -> bytes:
        kind, fields = kinds.by_name(request.kind), request.field_selector
        await self.guard.check(context, attributes("list", kind, request.namespace, field_selector=fields))
        return await self.lister.page(request)

    async def update(self, request: pb.UpdateRequest, context: Context) -> bytes:
        message = _sent(request)
        at = key(message)
        user = await self.guard.check(context, attributes("update", kinds.of(message), at.namespace, at.name))
        entry = await self.registry.update(message, dry_run=request.dry_run, admit=self.admission(user))
        return encoded.item_response(entry.element)

    async def update_status(self, request: pb.UpdateStatusRequest, context: Context) -> bytes:
        message = _sent(request)
        at = key(message)
        wanted = attributes("update", kinds.of(message), at.namespace, at.name, subresource="status")
        user = await self.guard.check(context, wanted)
        entry = await self.registry.update_status(message, admit=self.admission(user))
        return encoded.item_response(entry.element)

    async def delete(self, request: pb.DeleteRequest, context: Context) -> bytes:
        kind = kinds.by_name(request.kind)
        user = await self.guard.check(context, attributes("delete", kind, request.namespace, request.name))
        deleted = await self.registry.delete(request, admit=self.admission(user))
        response = encoded.item_response(deleted.entry.element)
        return response + encoded.removed_mark() if deleted.removed else response

    async def patch(self, request: pb.PatchRequest, context: Context) -> bytes:
        kind = kinds.by_name(request.kind)
        wanted = attributes("patch", kind, request.namespace, request.name, subresource=request.subresource)
        user = await self.guard.check(context, wanted)
        if request.subresource not in ("", "status"):
            raise NotFound(f"the server could not find the requested resource: {kind.plural}/{request.subresource}")
        entry = await self.registry.patch(
            Key(kind.name, request.namespace, request.name),
            patch.parse(request.type, request.patch),
            status=request.subresource == "status",
            dry_run=request.dry_run,
            admit=self.admission(user),
        )
        return encoded.item_response(entry.element)

    async def delete_collection(self, request: pb.DeleteCollectionRequest, context: Context) -> None:
        kind, fields = kinds.by_name(request.kind), request.field_selector
        wanted = attributes("deletecollection", kind, request.namespace, field_selector=fields)
        user = await self.guard.check(context, wanted)
        async for deleted in self.collections.delete(request, self.admission(user)):
            for response in collection.responses(deleted):
                await _write(context, response, "the rest is not deleted; call again")

    async def watch(self, request: pb.WatchRequest, context: Context) -> None:
        kind, fields = kinds.by_name(request.kind), request.field_selector
        await self.guard.check(context, attributes("watch", kind, request.namespace, field_selector=fields))
        await context.send_initial_metadata(())  # the caller learns that the watch stands before anything happens
        async for response in self.watches.watch(request):
            await _write(context, response, "list again")

    async def bind(self, request: pb.BindRequest, context: Context) -> bytes:
        pods = kinds.by_name("Pod")
        for namespace in sorted({binding.namespace for binding in request.bindings}):
            await self.guard.check(context, attributes("create", pods, namespace, subresource="binding"))
        results = await self.binder.bind(request.bindings)
        return pb.BindResponse(results=[_bind_result(result) for result in results]).SerializeToString()

    async def version(self, request: pb.VersionRequest, context: Context) -> bytes:
        user = identity.caller(context)
        return pb.VersionResponse(
            git_version=f"v{version('podlab')}",
            python_version=platform.python_version(),
            platform=f"{platform.system().lower()}/{platform.machine()}",
            cluster_name=self.cluster_name,
            user_name=user.name,
            user_groups=sorted(user.groups),
        ).SerializeToString()


async def _write(context: Context, response: bytes, remedy: str) -> None:
    """The next message of a stream. Raises Expired when the client does not take it."""
    try:
        async with asyncio.timeout(WRITE_LIMIT_S):
            await context.write(response)
    except TimeoutError as error:
        raise Expired(f"the client took nothing for {WRITE_LIMIT_S:.0f} s; {remedy}") from error


def _sent(request: Any) -> Message:
    """The object in a request, without what this version does not know: it could be neither checked nor shown."""
    message = unwrap(request.object)
    message.DiscardUnknownFields()  # type: ignore[no-untyped-call,unused-ignore]
    return message


def _bind_result(result: Result) -> pb.BindResult:
    if isinstance(result, ApiError):
        return pb.BindResult(error=to_status(result))
    return pb.BindResult(resource_version=str(result))
