"""The kind Deployment."""

from podlab.api.kinds import of
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import SCALE, STATUS

RESOURCE = Resource(
    of(Deployment),
    subresources=(
        SCALE,
        STATUS,
    ),
    strategy=Strategy(counts_generations=True, fixed_mark="labels"),
)
