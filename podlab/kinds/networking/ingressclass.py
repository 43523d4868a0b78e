"""The kind IngressClass."""

from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.networking.v1.ingress_pb2 import IngressClass

RESOURCE = Resource(
    of(IngressClass),
    strategy=Strategy(counts_generations=True),
)
