"""All names that the node's DNS server is to know, from the objects that informers hold."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping

from node.dns import journal, records
from node.dns.record import BadName, Records
from node.dns.records import Cluster
from node.dns.zone import Zone
from podlab.api.objects import Key
from podlab.client.informer import Change
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice

log = logging.getLogger(__name__)

Place = tuple[str, str]
"""Namespace and name of a Service."""

CLUSTER, HOSTS = "the cluster", "ConfigMap kube-system/cluster-dns"


class Names:
    """Told of each object that changes; answers with the lines that the server must read. Services and slices are as
    `records` keeps them.

    Only what an object contributes is looked at again, so that a change costs the same however many others there are.
    """

    def __init__(self, cluster: Cluster, services: Mapping[Key, Service], slices: Mapping[Key, EndpointSlice]) -> None:
        self.zone = Zone()
        self._cluster = cluster
        self._services = services
        self._slices = slices
        self._slices_of: defaultdict[Place, set[Key]] = defaultdict(set)
        self._bad: set[str] = set()
        self.zone.put(CLUSTER, records.of_cluster(cluster))

    def slice_changed(self, change: Change[EndpointSlice]) -> set[Place]:
        """Remembers whose slice it is; the Services that are touched."""
        touched: set[Place] = set()
        for each, is_there in ((change.old, False), (change.new, True)):
            if each is None:
                continue
            place = (each.metadata.namespace, records.service_name(each))
            touched.add(place)
            if is_there:
                self._slices_of[place].add(change.key)
            else:
                self._slices_of[place].discard(change.key)
                if not self._slices_of[place]:
                    del self._slices_of[place]
        return touched

    def look_at_services(self, places: Iterable[Place]) -> list[str]:
        """The lines that follow from these Services as they are now."""
        changed: set[str] = set()
        for place in places:
            service = self._services.get(Key.of(Service, *place))
            if service is None:
                found: Records = {}
            else:
                slices = [self._slices[key] for key in sorted(self._slices_of.get(place, ())) if key in self._slices]
                found = records.of_service(self._cluster, service, slices)
            changed |= self.zone.put(f"Service {'/'.join(place)}", found)
        return self._lines(changed)

    def look_at_namespaces(self, present: Mapping[Key, Namespace], names: Iterable[str]) -> list[str]:
        """The same for namespaces."""
        changed: set[str] = set()
        for name in names:
            there = Key.of(Namespace, "", name) in present
            found = records.of_namespace(self._cluster, name) if there else {}
            changed |= self.zone.put(f"Namespace {name}", found)
        return self._lines(changed)

    def set_hosts(self, hosts: Records) -> list[str]:
        """The same for names that the administrator adds."""
        return self._lines(self.zone.put(HOSTS, hosts))

    def all_lines(self) -> dict[str, str]:
        """The line of every name that exists, by the name's digits."""
        return {each.split(" ")[1]: each for each in self._lines(self.zone.names())}

    def _lines(self, names: Iterable[str]) -> list[str]:
        found: list[str] = []
        for name in names:
            try:
                found.append(journal.line(name, self.zone.at(name)))
            except BadName as error:
                if name not in self._bad:
                    log.warning("%s: no record: %s", ", ".join(self.zone.origins(name)), error)
                    self._bad.add(name)
        return found
