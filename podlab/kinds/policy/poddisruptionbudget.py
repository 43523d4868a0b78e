"""The kind PodDisruptionBudget."""

from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget

RESOURCE = Resource(
    of(PodDisruptionBudget),
    subresources=(STATUS,),
    strategy=Strategy(counts_generations=True),
)
