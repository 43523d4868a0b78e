"""The kind Node."""

from podlab.api.kinds import of
from podlab.core.v1.node_pb2 import Node
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import IMAGES, PROXY, STATS, STATUS, TRACE

RESOURCE = Resource(
    of(Node),
    subresources=(
        STATUS,
        PROXY,
        STATS,
        IMAGES,
        TRACE,
    ),
    strategy=Strategy(keeps_status_at_create=True),
)
