"""The kind Service."""

from podlab.api.kinds import of
from podlab.core.v1.service_pb2 import Service
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import PROXY, STATUS

RESOURCE = Resource(
    of(Service),
    subresources=(
        STATUS,
        PROXY,
    ),
    strategy=Strategy(claims=True),
)
