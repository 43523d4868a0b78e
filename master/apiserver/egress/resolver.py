"""Chooses who answers for a Service, among those that are ready."""

from __future__ import annotations

import random

from master.apiserver.egress import endpoints
from master.apiserver.egress.destinations import Backend, ServiceReference
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds
from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.errors import NotFound

_SERVICE, _SLICE = kinds.of(Service), kinds.of(EndpointSlice)


class Resolver:
    """Reads the watch cache as it is: a Service that has just been made is known to it within milliseconds."""

    def __init__(self, cache: Cache, chance: random.Random) -> None:
        self._cache = cache
        self._chance = chance

    def backends(self, to: ServiceReference) -> list[Backend]:
        """Those that are ready, in an order of chance. Raises NotFound without such a Service, and Unserved
        without such a port or ready endpoints."""
        entry = self._cache.get(_SERVICE, keys.object_key(_SERVICE, to.namespace, to.name))
        if entry is None:
            raise NotFound.of("services", to.name)
        name = endpoints.port_name(entry.message_as(Service), to.port)
        found = endpoints.ready(self._slices(to), name)
        if not found:
            raise endpoints.Unserved.of("no endpoints available", to.name)
        self._chance.shuffle(found)
        return found

    def _slices(self, of: ServiceReference) -> list[EndpointSlice]:
        entries = self._cache.window(_SLICE).ordered(keys.scope_prefix(_SLICE, of.namespace))
        slices = [entry.message_as(EndpointSlice) for entry in entries]
        return [one for one in slices if one.metadata.labels.get(SERVICE_NAME_LABEL) == of.name]
