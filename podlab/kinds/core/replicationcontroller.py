"""The kind ReplicationController."""

from podlab.api.kinds import of
from podlab.core.v1.replicationcontroller_pb2 import ReplicationController
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import SCALE, STATUS

RESOURCE = Resource(
    of(ReplicationController),
    subresources=(
        SCALE,
        STATUS,
    ),
    strategy=Strategy(counts_generations=True, orphans=True),
)
