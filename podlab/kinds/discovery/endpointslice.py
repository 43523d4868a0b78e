"""The kind EndpointSlice."""

from podlab.api.kinds import of
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy

RESOURCE = Resource(
    of(EndpointSlice),
    strategy=Strategy(counts_generations=True),
)
