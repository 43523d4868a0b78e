"""metrics.k8s.io: what nodes and pods use, as `kubectl top` and autoscalers ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from google.protobuf.message import Message

from master.apiserver.resource_metrics.usage import ResourceMetrics
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import representations, responses, tables
from master.apiserver.rest.content.negotiation import Representation
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.api.selection import selectors
from podlab.api.serializer import codec
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import NotFound
from podlab.metrics.v1beta1.metrics_pb2 import NodeMetrics, PodMetrics

_STORED = {kinds.of(NodeMetrics): kinds.of(Node), kinds.of(PodMetrics): kinds.of(Pod)}


@dataclass(frozen=True, slots=True)
class _Measured:
    """One object's figures, ready to be shown as what they are or in a table."""

    figures: NodeMetrics | PodMetrics

    def message(self) -> Message:
        return self.figures

    def whole(self) -> Message:
        return self.message()

    def json_as(self, kind: Kind) -> bytes:
        return codec.to_json(self.figures)

    def encoded_as(self, kind: Kind) -> bytes:
        return self.figures.SerializeToString()


@dataclass(frozen=True, slots=True)
class MetricsApi:
    """Answers for NodeMetrics and PodMetrics: of each node or pod that there is and that was measured."""

    cache: Cache
    measuring: ResourceMetrics

    async def get(self, call: Call) -> web.StreamResponse:
        """One of them. Raises NotFound when there is no such object, or no figures of it."""
        how = representations.asked(call)
        of = _STORED[call.of]
        await self.cache.reach(call.moment)
        entry = self.cache.get(of, keys.object_key(of, call.place.namespace, call.place.name))
        found = await self._measured(call.of, [entry.message()] if entry is not None else [])
        if not found:
            raise NotFound.of(call.of.resource, call.place.name)
        return representations.one(call, found[0], how)

    async def list(self, call: Call) -> web.StreamResponse:
        """Those that selectors take. Raises BadRequest."""
        how = representations.asked(call, listed=True)
        labels = selectors.parse_labels(call.query.text("labelSelector"))
        fields = call.resource.field_selector(call.query.text("fieldSelector"))
        of = _STORED[call.of]
        await self.cache.reach(call.moment)
        entries = self.cache.window(of).ordered(keys.scope_prefix(of, call.place.namespace))
        objects: Sequence[Any] = [entry.message() for entry in entries]
        wanted = [one for one in objects if labels.matches(one.metadata.labels) and fields.matches(one)]
        found = await self._measured(call.of, wanted)
        if how.form is Representation.TABLE:
            return responses.data(tables.table(call.of, call.resource, found, {}, how.include))
        return representations.listed(call.of, {}, [representations.bytes_of(call.of, one, how) for one in found], how)

    async def _measured(self, kind: Kind, objects: Sequence[Any]) -> Sequence[_Measured]:
        of = self.measuring.nodes if kind is kinds.of(NodeMetrics) else self.measuring.pods
        return [_Measured(one) for one in await of(objects)]
