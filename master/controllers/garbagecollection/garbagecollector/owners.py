"""What became of the owners that an object names. Of those that the informers lack, and did not see go, the API server
is asked: absence is only a hint.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from master.controllers.garbagecollection.garbagecollector.decide import FOREGROUND, OwnerState, is_waiting
from master.controllers.garbagecollection.garbagecollector.graph import Graph
from podlab.api.objects import ApiObject, Key
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.errors import NotFound
from podlab.meta.v1 import meta_pb2

REMEMBERED = 5000


class Owners:
    """Tells of references that can lead nowhere, in an Event of the object that has them."""

    def __init__(self, client: Client, graph: Graph, recorder: EventRecorder) -> None:
        self._client = client
        self._graph = graph
        self._recorder = recorder
        # Uids never come back, so what is known to be gone is gone: one question for all that it owned. The place
        # belongs to it: what is not here may well be elsewhere.
        self._gone: OrderedDict[tuple[Key, str], None] = OrderedDict()

    async def of(self, obj: ApiObject) -> dict[str, OwnerState]:
        """How each of its owners, by uid, stands towards it. One of which nothing can be known counts as there."""
        states: dict[str, OwnerState] = {}
        for reference in obj.metadata.ownerReferences:
            state = await self._state(obj, reference)
            # Of two references to one owner the one that leads to it counts.
            states[reference.uid] = min(state, states.get(reference.uid, state))
        return states

    def went(self, at: Key, uid: str) -> None:
        """It is gone: the informers have seen that, or the API server has said it."""
        self._gone[at, uid] = None
        while len(self._gone) > REMEMBERED:
            self._gone.popitem(last=False)

    async def _state(self, obj: ApiObject, reference: meta_pb2.OwnerReference) -> OwnerState:
        namespace = obj.metadata.namespace
        at = self._graph.owner_key(namespace, reference)
        if at is None:
            if not namespace and self._graph.owner_key("any", reference) is not None:
                self._record_event(obj, reference)  # what has no namespace cannot have an owner that stands in one
            return OwnerState.THERE
        if (at, reference.uid) in self._gone:
            return OwnerState.GONE
        owner = self._graph.find(at)
        if owner is None or owner.metadata.uid != reference.uid:
            owner = await self._ask(at)
        if owner is None or owner.metadata.uid != reference.uid:
            if self._graph.is_elsewhere(at, reference.uid):
                self._record_event(obj, reference)
            self.went(at, reference.uid)
            return OwnerState.GONE
        return OwnerState.WAITING if is_waiting(owner.metadata, FOREGROUND) else OwnerState.THERE

    async def _ask(self, at: Key) -> ApiObject | None:
        try:
            found: Any = await self._client.get(self._graph.kind(at), at.name, at.namespace)
        except NotFound:
            return None
        owner: ApiObject = found
        return owner

    def _record_event(self, obj: Any, reference: meta_pb2.OwnerReference) -> None:
        namespace = obj.metadata.namespace
        owner = (
            f"[{reference.apiVersion}/{reference.kind}, namespace: {namespace}, "
            f"name: {reference.name}, uid: {reference.uid}]"
        )
        message = f'ownerRef {owner} does not exist in namespace "{namespace}"'
        self._recorder.event(obj, "Warning", "OwnerRefInvalidNamespace", message)
