"""The EndpointSlice mirroring controller: slices of the Endpoints that others write for Services without selector."""

from __future__ import annotations

from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from master.controllers.network.endpointslicemirroring.decide import MANAGER, is_mirrored, mirror_owner, mirrored
from master.controllers.network.slices.decide import SliceChanges, decide, is_managed_by
from master.controllers.network.slices.slicecontrol import SliceControl
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key
from podlab.client.client import Client
from podlab.client.informer import Change, Informer
from podlab.core.v1 import endpoints_pb2, service_pb2


class EndpointSliceMirroringController:
    """Keys are Endpoints'. Slices go with them, by the garbage collector."""

    name: Final = "endpointslicemirroring"

    def __init__(self, client: Client, informers: Informers) -> None:
        self._informers = informers
        self._endpoints: Informer[endpoints_pb2.Endpoints] = informers.of(endpoints_pb2.Endpoints)
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        self._slices = SliceControl(endpoints_pb2.Endpoints, MANAGER, client, informers, self._loop.queue)
        informers.services.on_change(self._service_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        endpoints = self._endpoints.store.get(at)
        if endpoints is None or endpoints.metadata.HasField("deletionTimestamp"):
            return
        if not await self._slices.settled(endpoints):
            return
        found = self._informers.slices_by_service.get((at.namespace, at.name))
        ours = [one for one in found if is_managed_by(one, MANAGER)]
        if is_mirrored(endpoints, self._informers.services.get(at.name, at.namespace)):
            plan = decide(mirror_owner(endpoints), mirrored(endpoints), ours)
        else:
            plan = SliceChanges(delete=ours)
        await self._slices.carry_out(endpoints, plan)

    def _service_changed(self, change: Change[service_pb2.Service]) -> None:
        self._loop.queue.add(Key(GroupKind("", "Endpoints"), change.key.namespace, change.key.name))
