"""The EndpointSlice controller: follows pods and Services, and writes slices as soon as a pod's readiness changes."""

from __future__ import annotations

from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from master.controllers.network.slices.decide import MANAGER, decide, is_managed_by, service_owner
from master.controllers.network.slices.endpoints import is_managed, wanted
from master.controllers.network.slices.podselection import PodSelection
from master.controllers.network.slices.slicecontrol import SliceControl
from podlab.api.objects import Key
from podlab.api.selection.labels import ZONE_LABEL
from podlab.client.client import Client
from podlab.client.informer import Change
from podlab.core.v1 import node_pb2, service_pb2


class EndpointSliceController:
    """Keys are Services'."""

    name: Final = "endpointslice"

    def __init__(self, client: Client, informers: Informers) -> None:
        self._informers = informers
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        self._slices = SliceControl(service_pb2.Service, MANAGER, client, informers, self._loop.queue)
        self._selection = PodSelection(informers, self._loop.queue)
        informers.nodes.on_change(self._node_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        service = self._informers.services.store.get(at)
        if service is None or not is_managed(service) or not await self._slices.settled(service):
            return
        present = self._informers.slices_by_service.get((at.namespace, at.name))
        ours = [one for one in present if is_managed_by(one, MANAGER)]
        endpoints = wanted(service, self._selection.pods(service), self._zone_of)
        plan = decide(service_owner(service), endpoints, ours)
        await self._slices.carry_out(service, plan)

    def _zone_of(self, node: str) -> str:
        return zone_of(self._informers.nodes.get(node))

    def _node_changed(self, change: Change[node_pb2.Node]) -> None:
        if zone_of(change.old) != zone_of(change.new):
            self._selection.changed(self._informers.pods_by_node.get(change.key.name))


def zone_of(node: node_pb2.Node | None) -> str:
    """Empty for a node that is not known, or that is in no zone."""
    return node.metadata.labels.get(ZONE_LABEL, "") if node is not None else ""
