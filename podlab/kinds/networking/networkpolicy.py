"""The kind NetworkPolicy."""

from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.networking.v1.networkpolicy_pb2 import NetworkPolicy

RESOURCE = Resource(
    of(NetworkPolicy),
    strategy=Strategy(counts_generations=True),
)
