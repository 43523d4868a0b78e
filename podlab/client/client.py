"""The typed client of the API server: messages in, messages out, `podlab.errors` raised.

It keeps nothing and retries nothing; `Informer` and `WorkQueue` are built on it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeVar

import grpc
import orjson
from google.protobuf.message import Message

from podlab import __version__
from podlab.api import kinds, warnings
from podlab.api.kinds import Kind
from podlab.api.objects import metadata, unwrap, wrap
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.authentication.v1 import token_pb2
from podlab.client.connection import ApiConnection, connected
from podlab.client.outages import Outages
from podlab.client.servers import parse
from podlab.core.v1 import event_pb2
from podlab.errors import ApiError, InternalError, from_rpc_error, from_status
from podlab.metrics.v1beta1 import metrics_pb2
from podlab.settings import SettingsError
from podlab.tls import Loaded, Tls
from podlab.v1 import apiserver_pb2, apiserver_pb2_grpc, object_pb2

M = TypeVar("M", bound=Message)
Q = TypeVar("Q", bound=Message)
R = TypeVar("R")

DEADLINE_S = 30.0
COLLECTION_DEADLINE_S = 300.0
PAGE = 500
_EVENT_TYPES = {
    apiserver_pb2.EVENT_TYPE_ADDED: "ADDED",
    apiserver_pb2.EVENT_TYPE_MODIFIED: "MODIFIED",
    apiserver_pb2.EVENT_TYPE_DELETED: "DELETED",
    apiserver_pb2.EVENT_TYPE_BOOKMARK: "BOOKMARK",
}


@dataclass(frozen=True)
class Listed(Generic[M]):
    """A consistent snapshot, and the revision from which to watch."""

    items: list[M]
    resource_version: str


@dataclass(frozen=True)
class Deletion(Generic[M]):
    """The object as it was when it was removed, or as it is while finalizers or a grace period hold it."""

    object: M
    removed: bool


@dataclass(frozen=True)
class WatchEvent(Generic[M]):
    """`type` is ADDED, MODIFIED, DELETED or BOOKMARK; a bookmark has no object."""

    type: str
    object: M | None
    resource_version: str


class Client:
    """One connection to the API server, or to one of several. Use it as an async context manager, or call `close`.

    Calls that are under way when their server dies fail with ServiceUnavailable; the next ones go to another.
    """

    def __init__(
        self,
        server: str,
        tls: Tls,
        *,
        user_agent: str = "podlab",
        field_manager: str = "",
        warned: Callable[[str], None] | None = None,
        in_force: Callable[[Loaded], None] = lambda _: None,
        traceparent: str = "",
    ) -> None:
        """`server` is host:port, or the addresses of several with commas between. `user_agent` is the program's name,
        which its writes are put down to unless `field_manager` says another. `warned` is told what the server warns of
        when something is written, `in_force` the certificates that the connection stands on: it follows their files in
        `async with`. With a `traceparent` its calls say in which trace they are made. Raises SettingsError for
        addresses and certificates that cannot be used."""
        system = os.uname()
        agent = f"{user_agent}/{__version__} ({system.sysname.lower()}/{system.machine})"
        try:
            servers = parse(server)
        except ValueError as error:
            raise SettingsError(f"API servers: {error}") from error
        self.field_manager = field_manager
        self._warned = warned
        self.server = server
        self.outages = Outages(server)
        try:
            self._connection = ApiConnection(servers, tls, agent, in_force, traceparent)
        except ValueError as error:
            raise SettingsError(f"{tls.cert}: {error}") from error
        self._following: asyncio.Task[None] | None = None

    @property
    def channel(self) -> grpc.aio.Channel:
        """What calls go over that begin now."""
        return self._connection.channel

    @property
    def _stub(self) -> apiserver_pb2_grpc.ApiServerAsyncStub:
        return self._connection.stub

    async def __aenter__(self) -> Self:
        self._following = asyncio.create_task(self._connection.follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self._connection.close()

    async def connected(self, within_s: float) -> bool:
        """Whether the connection stands, waited for at most so long; tries to make it."""
        return await connected(self.channel, within_s)

    async def _written(self, call: grpc.aio.UnaryUnaryCall[Q, R]) -> R:
        """The answer to a write, whose warnings are passed on."""
        try:
            return await _answer(call)
        finally:
            if self._warned is not None:
                for warning in warnings.from_metadata(await call.trailing_metadata()):
                    self._warned(warning)

    async def create(self, obj: M, *, dry_run: bool = False) -> M:
        """The object as stored. Raises AlreadyExists, Invalid, NotFound (its namespace)."""
        request = apiserver_pb2.CreateRequest(object=wrap(obj), dry_run=dry_run, field_manager=self.field_manager)
        return _typed(obj, (await self._written(self._stub.Create(request, timeout=DEADLINE_S))).object)

    async def get(
        self,
        kind: type[M] | Kind,
        name: str,
        namespace: str = "",
        *,
        version: str = "",
        managed_fields: bool = False,
    ) -> M:
        """A custom object comes in the `version`, or as it was stored; any with its managedFields if they are wanted.
        Raises NotFound."""
        request = apiserver_pb2.GetRequest(
            group=kinds.known(kind).group,
            kind=kinds.known(kind).name,
            namespace=namespace,
            name=name,
            version=version,
            managed_fields=managed_fields,
        )
        return _typed(kind, (await _answer(self._stub.Get(request, timeout=DEADLINE_S))).object)

    async def list(
        self,
        kind: type[M] | Kind,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        version: str = "",
        managed_fields: bool = False,
        trim: Callable[[M], M] | None = None,
    ) -> Listed[M]:
        """All objects that match, read page by page from one snapshot; custom ones in the `version`, or as they were
        stored; with their managedFields if those are wanted. `trim` makes of each what is to be kept of it, so that no
        more than a page is there in whole. Raises Expired when that took too long."""
        request = apiserver_pb2.ListRequest(
            group=kinds.known(kind).group,
            kind=kinds.known(kind).name,
            namespace=namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            limit=PAGE,
            version=version,
            managed_fields=managed_fields,
        )
        items: list[M] = []
        while True:
            page = await _answer(self._stub.List(request, timeout=DEADLINE_S))
            whole = (_typed(kind, item) for item in page.items)
            items.extend(whole if trim is None else map(trim, whole))
            rest = getattr(page.metadata, "continue")
            if not rest:
                return Listed(items, page.metadata.resourceVersion)
            setattr(request, "continue", rest)

    async def update(self, obj: M, *, dry_run: bool = False) -> M:
        """Replaces spec and metadata. Raises Conflict when the object's resourceVersion is stale; NotFound."""
        request = apiserver_pb2.UpdateRequest(object=wrap(obj), dry_run=dry_run, field_manager=self.field_manager)
        return _typed(obj, (await self._written(self._stub.Update(request, timeout=DEADLINE_S))).object)

    async def update_status(self, obj: M) -> M:
        """Replaces status. Raises Conflict when the object's resourceVersion is stale; NotFound."""
        request = apiserver_pb2.UpdateStatusRequest(object=wrap(obj), field_manager=self.field_manager)
        return _typed(obj, (await self._written(self._stub.UpdateStatus(request, timeout=DEADLINE_S))).object)

    async def delete(
        self,
        kind: type[M] | Kind,
        name: str,
        namespace: str = "",
        *,
        grace_period_s: int | None = None,
        uid: str = "",
        resource_version: str = "",
        propagation: apiserver_pb2.PropagationPolicy.ValueType = apiserver_pb2.PROPAGATION_POLICY_UNSPECIFIED,
        dry_run: bool = False,
    ) -> bool:
        """True when the object is gone, False when finalizers or a grace period hold it. Raises NotFound, Conflict."""
        request = apiserver_pb2.DeleteRequest(
            group=kinds.known(kind).group,
            kind=kinds.known(kind).name,
            namespace=namespace,
            name=name,
            grace_period_seconds=grace_period_s,
            uid=uid,
            resource_version=resource_version,
            propagation_policy=propagation,
            dry_run=dry_run,
        )
        return bool((await self._written(self._stub.Delete(request, timeout=DEADLINE_S))).removed)

    async def evict(
        self, pod: str, namespace: str, *, uid: str = "", grace_period_s: int | None = None, dry_run: bool = False
    ) -> bool:
        """As `delete`, if the pod's disruption budget allows it now. Raises TooManyRequests when it does not."""
        request = apiserver_pb2.EvictRequest(
            namespace=namespace,
            name=pod,
            uid=uid,
            grace_period_seconds=grace_period_s,
            dry_run=dry_run,
            field_manager=self.field_manager,
        )
        return bool((await self._written(self._stub.Evict(request, timeout=DEADLINE_S))).removed)

    async def patch(
        self,
        kind: type[M] | Kind,
        name: str,
        namespace: str = "",
        *,
        patch: object,
        patch_type: apiserver_pb2.PatchType.ValueType = apiserver_pb2.PATCH_TYPE_STRATEGIC_MERGE,
        subresource: str = "",
        dry_run: bool = False,
        force: bool = False,
    ) -> M:
        """Applies a patch, as JSON values. Raises NotFound, Invalid when it does not apply, Conflict. One of type APPLY
        is a configuration, which takes fields from others with `force`."""
        request = apiserver_pb2.PatchRequest(
            group=kinds.known(kind).group,
            kind=kinds.known(kind).name,
            namespace=namespace,
            name=name,
            type=patch_type,
            patch=orjson.dumps(patch),
            subresource=subresource,
            dry_run=dry_run,
            field_manager=self.field_manager,
            force=force,
        )
        return _typed(kind, (await self._written(self._stub.Patch(request, timeout=DEADLINE_S))).object)

    async def delete_collection(
        self,
        kind: type[M] | Kind,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        grace_period_s: int | None = None,
        propagation: apiserver_pb2.PropagationPolicy.ValueType = apiserver_pb2.PROPAGATION_POLICY_UNSPECIFIED,
        dry_run: bool = False,
    ) -> Sequence[Deletion[M]]:
        """Deletes what matches, and tells what that was. Raises MethodNotAllowed without a namespace, Timeout."""
        request = apiserver_pb2.DeleteCollectionRequest(
            group=kinds.known(kind).group,
            kind=kinds.known(kind).name,
            namespace=namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            grace_period_seconds=grace_period_s,
            propagation_policy=propagation,
            dry_run=dry_run,
        )
        deleted: list[Deletion[M]] = []
        try:
            async for response in self._stub.DeleteCollection(request, timeout=COLLECTION_DEADLINE_S):
                deleted += [Deletion(_typed(kind, one.object), one.removed) for one in response.deleted]
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        return deleted

    async def bind(self, bindings: Sequence[apiserver_pb2.Binding]) -> Sequence[ApiError | None]:
        """For each binding, in order, None or why it failed."""
        request = apiserver_pb2.BindRequest(bindings=bindings, field_manager=self.field_manager)
        response = await _answer(self._stub.Bind(request, timeout=DEADLINE_S))
        return [from_status(result.error) if result.HasField("error") else None for result in response.results]

    async def update_statuses(self, objs: Sequence[Message]) -> Sequence[ApiError | None]:
        """Replaces the status of each. For each, in order, None or why it failed: what `update_status` raises."""
        request = apiserver_pb2.UpdateStatusesRequest(
            objects=[wrap(obj) for obj in objs], field_manager=self.field_manager
        )
        response = await _answer(self._stub.UpdateStatuses(request, timeout=DEADLINE_S))
        return [from_status(result.error) if result.HasField("error") else None for result in response.results]

    async def preempt(self, victims: Sequence[apiserver_pb2.Victim]) -> Sequence[ApiError | None]:
        """Deletes each, and says why in its status. For each, in order, None or why it failed."""
        request = apiserver_pb2.PreemptRequest(victims=victims, field_manager=self.field_manager)
        response = await _answer(self._stub.Preempt(request, timeout=DEADLINE_S))
        return [from_status(result.error) if result.HasField("error") else None for result in response.results]

    async def record_events(self, events: Sequence[event_pb2.Event]) -> Sequence[ApiError | None]:
        """Creates each Event, or replaces the one of its name. For each, in order, None or why it failed."""
        request = apiserver_pb2.RecordEventsRequest(events=events, field_manager=self.field_manager)
        response = await _answer(self._stub.RecordEvents(request, timeout=DEADLINE_S))
        return [from_status(result.error) if result.HasField("error") else None for result in response.results]

    async def pod_metrics(self, namespace: str = "", *, label_selector: str = "") -> Sequence[metrics_pb2.PodMetrics]:
        """What pods use that run, as far as their kubelets tell."""
        request = apiserver_pb2.PodMetricsRequest(namespace=namespace, label_selector=label_selector)
        return list((await _answer(self._stub.PodMetrics(request, timeout=DEADLINE_S))).items)

    async def request_token(
        self, namespace: str, account: str, spec: token_pb2.TokenRequestSpec
    ) -> token_pb2.TokenRequestStatus:
        """A token of a service account. Raises NotFound for the account or what the token is bound to."""
        request = apiserver_pb2.RequestTokenRequest(namespace=namespace, name=account, spec=spec)
        return (await self._written(self._stub.RequestToken(request, timeout=DEADLINE_S))).status

    async def discover(self) -> Sequence[CustomResourceDefinition]:
        """The definitions of the custom kinds that are served, without their schemas; and what would be those of kinds
        that other API servers serve."""
        own, elsewhere = await self._discovered()
        return [*own, *elsewhere]

    async def discover_elsewhere(self) -> Sequence[CustomResourceDefinition]:
        """What would be the definitions of the kinds that other API servers serve."""
        return (await self._discovered())[1]

    async def _discovered(self) -> tuple[Sequence[CustomResourceDefinition], Sequence[CustomResourceDefinition]]:
        own: list[CustomResourceDefinition] = []
        elsewhere: list[CustomResourceDefinition] = []
        try:
            async for response in self._stub.Discover(apiserver_pb2.DiscoverRequest(), timeout=DEADLINE_S):
                own += response.definitions
                elsewhere += response.elsewhere
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        return own, elsewhere

    async def delete_aggregated_content(self, namespace: str) -> apiserver_pb2.DeleteAggregatedContentResponse:
        """Delete what other API servers hold in the namespace: what is left there, and whose content is not known."""
        request = apiserver_pb2.DeleteAggregatedContentRequest(namespace=namespace)
        return await _answer(self._stub.DeleteAggregatedContent(request, timeout=DEADLINE_S))

    async def version(self) -> apiserver_pb2.VersionResponse:
        """What runs there, and whom the server takes us for."""
        return await _answer(self._stub.Version(apiserver_pb2.VersionRequest(), timeout=DEADLINE_S))

    async def watch(
        self,
        kind: type[M] | Kind,
        resource_version: str = "",
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        version: str = "",
        on_open: Callable[[], None] | None = None,
    ) -> AsyncIterator[Sequence[WatchEvent[M]]]:
        """Every change after the revision, in order, in batches. Raises Expired: list again. Ends where the server ends
        it, or the connection is made anew with other certificates: watch again.

        `on_open` is called once the server has taken the watch on, which may be long before anything happens.
        """
        request = apiserver_pb2.WatchRequest(
            group=kinds.known(kind).group,
            kind=kinds.known(kind).name,
            namespace=namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            resource_version=resource_version,
            version=version,
        )
        call = self._connection.watch(request)
        try:
            await call.initial_metadata()
            if on_open is not None and not call.done():
                on_open()
            async for response in call:
                yield [_event(kind, event) for event in response.events]
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        except asyncio.CancelledError:
            if not self._connection.is_moved(call):
                raise
        finally:
            self._connection.ended(call)


def _event(kind: type[M] | Kind, event: apiserver_pb2.WatchEvent) -> WatchEvent[M]:
    if event.type == apiserver_pb2.EVENT_TYPE_BOOKMARK:
        return WatchEvent("BOOKMARK", None, event.resource_version)
    obj = _typed(kind, event.object)
    return WatchEvent(_EVENT_TYPES[event.type], obj, metadata(obj).resourceVersion)


def _typed(like: M | type[M] | Kind, envelope: object_pb2.Object) -> M:
    """Raises InternalError when the server answers with an object of another kind than it was asked for."""
    message = unwrap(envelope)
    if isinstance(like, Kind):
        wanted, is_wanted = like.name, kinds.group_kind(message) == like.group_kind
    else:
        kind = like if isinstance(like, type) else type(like)
        wanted, is_wanted = kind.DESCRIPTOR.name, isinstance(message, kind)
    if not is_wanted:
        raise InternalError(f"the server answered with a {kinds.group_kind(message).kind}, not with a {wanted}")
    found: M = message  # type: ignore[assignment]
    return found


async def _answer(call: Awaitable[R]) -> R:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
