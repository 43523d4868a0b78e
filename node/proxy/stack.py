"""Services over one family of addresses: how they are exposed, and that the kernel has it. A proxy has one or two."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from node.proxy import conntrack
from node.proxy.backend import Backend
from node.proxy.exposures import Exposures, ServiceName
from node.proxy.frontends import Exposure, Place, exposure_of
from node.proxy.health import HealthServers
from node.proxy.node import ProxyNode
from podlab.api.selection.labels import ZONE_LABEL
from podlab.api.values.ipfamilies import of_family
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice

log = logging.getLogger(__name__)

# A Service (None: it is gone) and its EndpointSlices
Found = tuple[ServiceName, Service | None, Sequence[EndpointSlice]]


class Stack:
    """Call `sync` whenever something changed, and now and then. `close` in the end."""

    def __init__(self, node: ProxyNode, backend: Backend) -> None:
        self.node = node
        self.backend = backend
        self._exposures = Exposures()
        self._health = HealthServers(node.family)
        self._others_clean = False
        self._behind = True  # whether the kernel lacks something that is to be written
        self._unsettled: dict[Place, frozenset[str]] = {}  # places whose flows may go elsewhere than they are to

    def node_changed(self, found: Node) -> bool:
        """Whether all Services are to be looked at again: the zone and the pods' range matter, which hardly change."""
        cidrs = found.spec.podCIDRs or (found.spec.podCIDR,)
        zone, pod_cidr = found.metadata.labels.get(ZONE_LABEL, ""), of_family(cidrs, self.node.family.name)
        before, self.node = self.node, replace(self.node, zone=zone, pod_cidr=pod_cidr)
        return before != self.node

    async def sync(self, changed: Iterable[Found], *, verify: bool) -> None:
        """Brings in force what changed and what is still to be written; with `verify`, looks at what stands.

        Raises CommandError or ConntrackError: then all of it is part of the next call.
        """
        exposures = {
            name: exposure_of(service, slices, self.node) if service is not None else Exposure()
            for name, service, slices in changed
        }
        delta = self._exposures.change(exposures)
        await self._health.follow(exposures)
        self._unsettled.update(conntrack.unsettled(delta))
        if delta or self._behind:
            self._behind = True
            self._log(await self.backend.write(delta))
            await self._end_stale()
            self._behind = False
        if verify:
            self._log(await self.backend.verify())
        if not self._others_clean:
            for name in await self.backend.clean_up_others():
                log.info("%s: rules removed from %s, which is no longer used", self.node.family.name, name)
            self._others_clean = True

    def service_at(self, address: str, protocol: str, port: int) -> str:
        """namespace/name:port of the Service that has the place, or else that node port; empty where there is none."""
        places = ((address, protocol, port), ("", protocol, port) if address in self.node.addresses else None)
        found = (self._exposures.at(place) for place in places if place is not None)
        return next((each.name for each in found if each is not None), "")

    async def close(self) -> None:
        """The rules stay, so that Services outlive a restart."""
        await self._health.close()

    async def _end_stale(self) -> None:
        ended = await conntrack.end_stale(self._unsettled, self.node.addresses, self.node.family)
        self._unsettled.clear()
        if ended:
            log.info("%d flows to endpoints that are gone ended", ended)

    def _log(self, written: str) -> None:
        if written:
            log.info("%s: rules written: %s", self.node.family.name, written)
