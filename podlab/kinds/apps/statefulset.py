"""The kind StatefulSet."""

from podlab.api.kinds import of
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import SCALE, STATUS

RESOURCE = Resource(
    of(StatefulSet),
    subresources=(
        SCALE,
        STATUS,
    ),
    strategy=Strategy(counts_generations=True),
)
