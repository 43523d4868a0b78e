"""The kind ReplicaSet."""

from podlab.api.kinds import of
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import SCALE, STATUS

RESOURCE = Resource(
    of(ReplicaSet),
    subresources=(
        SCALE,
        STATUS,
    ),
    strategy=Strategy(counts_generations=True),
)
