"""The kind Ingress."""

from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS
from podlab.networking.v1.ingress_pb2 import Ingress

RESOURCE = Resource(
    of(Ingress),
    subresources=(STATUS,),
    strategy=Strategy(counts_generations=True),
)
