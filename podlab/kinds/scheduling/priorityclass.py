"""The kind PriorityClass."""

from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.scheduling.v1.priorityclass_pb2 import PriorityClass

RESOURCE = Resource(
    of(PriorityClass),
    strategy=Strategy(counts_generations=True),
)
