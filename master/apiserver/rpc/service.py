"""The gRPC service podlab.v1.ApiServer. Handlers answer with ready bytes."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import grpc
from google.protobuf.message import Message

from master.apiserver.admission.write import Write
from master.apiserver.filters.authorize import attributes
from master.apiserver.filters.handler_chain import HandlerChain
from master.apiserver.filters.reviews import Reviews
from master.apiserver.registry import delete_collection
from master.apiserver.registry.batch import Batch, Result, write_each
from master.apiserver.registry.delete_collection import Collections
from master.apiserver.registry.registry import Registry
from master.apiserver.registry.token_request import Issuer
from master.apiserver.request.info import Exchange
from master.apiserver.request.write_limit import WRITE_LIMIT_S
from master.apiserver.resource_metrics.usage import ResourceMetrics
from master.apiserver.rpc import request_info, writes
from master.apiserver.rpc.errors import abort_on_error, parse_request
from master.apiserver.rpc.remote_objects import RemoteObjects
from master.apiserver.rpc.request_info import About
from master.apiserver.watchcache import encoding
from master.apiserver.watchcache.listing import Pager
from master.apiserver.watchcache.watching import Watcher
from podlab import GIT_VERSION
from podlab.api import warnings
from podlab.api.kinds import Kind
from podlab.api.objects import unwrap, wrap
from podlab.api.selection import selectors
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.authentication.v1.token_pb2 import TokenRequest
from podlab.errors import ApiError, Expired, NotFound, ServicerContext, to_status
from podlab.kinds.current import CurrentCatalog
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2 as pb
from podlab.v1 import object_pb2

SERVICE = "podlab.v1.ApiServer"

Answer = TypeVar("Answer")
Request = TypeVar("Request")
Handler = Callable[[Request, ServicerContext], Awaitable[Answer]]
Method = Callable[[Request, ServicerContext, Exchange], Awaitable[Answer]]


class _ResultOfOne(Protocol):
    """What became of one write of many."""

    @property
    def error(self) -> meta_pb2.Status: ...


@dataclass(frozen=True, slots=True)
class ApiService:
    """One method for each RPC."""

    kinds: CurrentCatalog
    chain: HandlerChain
    registry: Registry
    batch: Batch
    collections: Collections
    served_definitions: Callable[[], Iterable[list[CustomResourceDefinition]]]
    lister: Pager
    watches: Watcher
    measuring: ResourceMetrics
    issuer: Issuer
    reviews: Reviews
    cluster_name: str
    remote: RemoteObjects

    def handler(self) -> grpc.GenericRpcHandler:
        """What a server is given."""
        handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            name: grpc.unary_unary_rpc_method_handler(
                parse_request(request, abort_on_error(self._chained(name, method, about)))
            )
            for name, (method, request, about) in self._unary().items()
        }
        for name, (method, request, about) in self._streaming().items():
            long_running = name != "Discover"
            handlers[name] = grpc.unary_stream_rpc_method_handler(
                parse_request(request, abort_on_error(self._chained(name, method, about, long_running=long_running)))
            )
        return grpc.method_handlers_generic_handler(SERVICE, handlers)

    def _unary(self) -> dict[str, tuple[Method[Any, bytes], type[Message], About]]:
        status = request_info.of_object("update", self.kinds, "status")
        return {
            "Create": (self.create, pb.CreateRequest, request_info.of_object("create", self.kinds)),
            "Get": (self.get, pb.GetRequest, request_info.of_name("get", self.kinds)),
            "List": (self.list, pb.ListRequest, request_info.of_selection("list", self.kinds)),
            "Update": (self.update, pb.UpdateRequest, request_info.of_object("update", self.kinds)),
            "UpdateStatus": (self.update_status, pb.UpdateStatusRequest, status),
            "Patch": (self.patch, pb.PatchRequest, request_info.of_name("patch", self.kinds)),
            "Delete": (self.delete, pb.DeleteRequest, request_info.of_name("delete", self.kinds)),
            "Bind": (self.bind, pb.BindRequest, request_info.of_bindings),
            "UpdateStatuses": (self.update_statuses, pb.UpdateStatusesRequest, request_info.of_statuses(self.kinds)),
            "Preempt": (self.preempt, pb.PreemptRequest, request_info.of_victims),
            "RecordEvents": (self.record_events, pb.RecordEventsRequest, request_info.of_events),
            "Evict": (self.evict, pb.EvictRequest, request_info.of_eviction),
            "RequestToken": (self.request_token, pb.RequestTokenRequest, request_info.of_token),
            "PodMetrics": (self.pod_metrics, pb.PodMetricsRequest, request_info.of_pod_metrics),
            "DeleteAggregatedContent": (
                self.delete_aggregated_content,
                pb.DeleteAggregatedContentRequest,
                request_info.of_content,
            ),
            "Version": (self.version, pb.VersionRequest, request_info.of_version),
        }

    def _streaming(self) -> dict[str, tuple[Method[Any, None], type[Message], About]]:
        collection = request_info.of_selection("deletecollection", self.kinds)
        return {
            "DeleteCollection": (self.delete_collection, pb.DeleteCollectionRequest, collection),
            "Watch": (self.watch, pb.WatchRequest, request_info.of_selection("watch", self.kinds)),
            "Discover": (self.discover, pb.DiscoverRequest, request_info.of_discovery),
        }

    def _chained(
        self, name: str, method: Method[Request, Answer], about: About, *, long_running: bool = False
    ) -> Handler[Request, Answer]:
        """The method, at the end of the handler chain."""
        path = f"/{SERVICE}/{name}"

        async def answer(request: Request, context: ServicerContext) -> Answer:
            asked = request_info.asked(context, about, path, request, long_running=long_running)

            async def handle(exchange: Exchange) -> Answer:
                try:
                    return await method(request, context, exchange)
                finally:  # who is refused is warned, too
                    if exchange.warnings:
                        context.set_trailing_metadata(warnings.to_metadata(exchange.warnings))

            return await self.chain.run(asked, handle)

        return answer

    async def create(self, request: pb.CreateRequest, _: ServicerContext, exchange: Exchange) -> bytes:
        """See the proto, as for all of these."""
        if (elsewhere := self._elsewhere(request.object)) is not None:
            return await self.remote.create(request, exchange, elsewhere)
        message = unwrap(request.object)
        if self.reviews.answers(self.kinds.catalog.kind_of(message)):
            await self.reviews.answer(exchange.user, message, exchange.moment)
            return pb.CreateResponse(object=wrap(message)).SerializeToString()
        return await self._write(writes.create(request, exchange, self.kinds.catalog), exchange)

    async def get(self, request: pb.GetRequest, _: ServicerContext, exchange: Exchange) -> bytes:
        if self.remote.has(exchange.kind):
            return await self.remote.get(request, exchange)
        entry = await self.registry.get(exchange.kind, request.namespace, request.name, exchange.moment)
        if request.version:
            entry = await self.registry.conversions.one(entry, self._version(request))
        exchange.answered = entry.json
        return encoding.item_response(entry.whole_element() if request.managed_fields else entry.element)

    async def list(self, request: pb.ListRequest, _: ServicerContext, exchange: Exchange) -> bytes:
        if self.remote.has(exchange.kind):
            return await self.remote.list(request, exchange)
        version = self._version(request) if request.version else None
        return await self.lister.page(request, exchange.moment, version)

    async def update(self, request: pb.UpdateRequest, _: ServicerContext, exchange: Exchange) -> bytes:
        if (elsewhere := self._elsewhere(request.object)) is not None:
            return await self.remote.update(request, exchange, elsewhere)
        return await self._write(writes.update(request, exchange, self.kinds.catalog), exchange)

    async def update_status(self, request: pb.UpdateStatusRequest, _: ServicerContext, exchange: Exchange) -> bytes:
        if (elsewhere := self._elsewhere(request.object)) is not None:
            return await self.remote.update(request, exchange, elsewhere, "status")
        return await self._write(writes.update_status(request, exchange, self.kinds.catalog), exchange)

    async def patch(self, request: pb.PatchRequest, _: ServicerContext, exchange: Exchange) -> bytes:
        if self.remote.has(exchange.kind):
            return await self.remote.patch(request, exchange)

        def admit() -> Awaitable[None]:
            kind = self.kinds.catalog.named(request.group, request.kind)
            wanted = attributes("create", kind, request.namespace, request.name)
            return self.chain.authorization.admit(exchange.user, wanted, exchange.moment)

        return await self._write(writes.patch(request, exchange, self.kinds.catalog, admit), exchange)

    async def delete(self, request: pb.DeleteRequest, _: ServicerContext, exchange: Exchange) -> bytes:
        if self.remote.has(exchange.kind):
            return await self.remote.delete(request, exchange)
        return await self._write(writes.delete(request, exchange), exchange)

    async def evict(self, request: pb.EvictRequest, _: ServicerContext, exchange: Exchange) -> bytes:
        return await self._write(writes.evict(request, exchange), exchange)

    async def delete_collection(
        self, request: pb.DeleteCollectionRequest, context: ServicerContext, exchange: Exchange
    ) -> None:
        if self.remote.has(exchange.kind):
            async for response in self.remote.delete_collection(request, exchange):
                await _write(context, response, "the rest is not deleted; call again")
            return
        wanted = writes.delete_collection(request, self.kinds.catalog)
        context_of_all = writes.context(exchange, dry_run=request.dry_run)
        async for deleted in self.collections.delete(context_of_all, wanted):
            for response in delete_collection.responses(deleted):
                await _write(context, response, "the rest is not deleted; call again")

    async def watch(self, request: pb.WatchRequest, context: ServicerContext, exchange: Exchange) -> None:
        await context.send_initial_metadata(())  # the caller learns that the watch stands before anything happens
        if self.remote.has(exchange.kind):
            async for response in self.remote.watch(request, exchange):
                await _write(context, response, "list again")
            return
        version = self._version(request) if request.version else None
        async for response in self.watches.watch(request, exchange.moment, version):
            await _write(context, response, "list again")

    async def discover(self, _: pb.DiscoverRequest, context: ServicerContext, __: Exchange) -> None:
        for definitions in self.served_definitions():
            response = pb.DiscoverResponse(definitions=definitions).SerializeToString()
            await _write(context, response, "ask again")
        elsewhere = pb.DiscoverResponse(elsewhere=self.remote.kinds.definitions())
        await _write(context, elsewhere.SerializeToString(), "ask again")

    async def delete_aggregated_content(
        self, request: pb.DeleteAggregatedContentRequest, _: ServicerContext, __: Exchange
    ) -> bytes:
        return await self.remote.empty(request.namespace)

    async def bind(self, request: pb.BindRequest, _: ServicerContext, exchange: Exchange) -> bytes:
        results = await self.batch.write(writes.bind(request, exchange))
        return pb.BindResponse(results=[_bind_result(result) for result in results]).SerializeToString()

    async def update_statuses(self, request: pb.UpdateStatusesRequest, _: ServicerContext, exchange: Exchange) -> bytes:
        refusals = await write_each(self.registry, writes.update_statuses(request, exchange, self.kinds.catalog))
        response = pb.UpdateStatusesResponse()
        _tell(response.results.add, refusals)
        return response.SerializeToString()

    async def preempt(self, request: pb.PreemptRequest, _: ServicerContext, exchange: Exchange) -> bytes:
        refusals = await write_each(self.registry, writes.preempt(request, exchange))
        response = pb.PreemptResponse()
        _tell(response.results.add, refusals)
        return response.SerializeToString()

    async def record_events(self, request: pb.RecordEventsRequest, _: ServicerContext, exchange: Exchange) -> bytes:
        results = await self.batch.write(writes.record_events(request, exchange))
        response = pb.RecordEventsResponse()
        _tell(response.results.add, results)
        return response.SerializeToString()

    async def request_token(self, request: pb.RequestTokenRequest, _: ServicerContext, exchange: Exchange) -> bytes:
        asked = TokenRequest(spec=request.spec)
        asked.metadata.namespace, asked.metadata.name = request.namespace, request.name
        answer = await self.issuer.issue(writes.context(exchange), asked)
        return pb.RequestTokenResponse(status=answer.status).SerializeToString()

    async def pod_metrics(self, request: pb.PodMetricsRequest, _: ServicerContext, exchange: Exchange) -> bytes:
        labels = selectors.parse_labels(request.label_selector)
        items = await self.measuring.selected_pods(request.namespace, labels, exchange.moment)
        return pb.PodMetricsResponse(items=items).SerializeToString()

    async def _write(self, write: Write, exchange: Exchange) -> bytes:
        written = await self.registry.write(write)
        entry = written.entry
        if write.version is not None:
            entry = await self.registry.conversions.one(entry, write.seen)
        exchange.answered = entry.json
        response = encoding.item_response(entry.element)
        return response + encoding.removed_mark() if written.removed else response

    def _elsewhere(self, envelope: object_pb2.Object) -> Kind | None:
        """The object's kind when another server answers for it."""
        message = unwrap(envelope)
        if not isinstance(message, Custom):
            return None
        kind = self.kinds.catalog.kind_of(message)
        return kind if self.remote.has(kind) else None

    def _version(self, request: pb.GetRequest | pb.ListRequest | pb.WatchRequest) -> Kind:
        """The kind in the version that a request names. Raises NotFound."""
        catalog = self.kinds.catalog
        stored = catalog.named(request.group, request.kind)
        found = catalog.of_api_version(f"{stored.group}/{request.version}", stored.name)
        if found is None:
            raise NotFound(f'no kind "{stored.name}" is served in version "{stored.group}/{request.version}"')
        return found

    async def version(self, _: pb.VersionRequest, __: ServicerContext, exchange: Exchange) -> bytes:
        return pb.VersionResponse(
            git_version=GIT_VERSION,
            python_version=platform.python_version(),
            platform=f"{platform.system().lower()}/{platform.machine()}",
            cluster_name=self.cluster_name,
            user_name=exchange.user.name,
            user_groups=sorted(exchange.user.groups),
        ).SerializeToString()


async def _write(context: ServicerContext, response: bytes, remedy: str) -> None:
    """The next message of a stream. Raises Expired when the client does not take it."""
    try:
        async with asyncio.timeout(WRITE_LIMIT_S):
            await context.write(response)
    except TimeoutError as error:
        raise Expired(f"the client took nothing for {WRITE_LIMIT_S:.0f} s; {remedy}") from error


def _bind_result(result: Result) -> pb.BindResult:
    if isinstance(result, ApiError):
        return pb.BindResult(error=to_status(result))
    return pb.BindResult(resource_version=str(result))


def _tell(add: Callable[[], _ResultOfOne], results: Iterable[Result | None]) -> None:
    """Say in an answer what became of each write. Messages made apart and handed over take four times as long."""
    for result in results:
        told = add()
        if isinstance(result, ApiError):
            told.error.CopyFrom(to_status(result))
