"""The kind Pod."""

from podlab.api.kinds import of
from podlab.core.v1.pod_pb2 import Pod
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import (
    ATTACH,
    BINDING,
    EPHEMERAL_CONTAINERS,
    EVICTION,
    EXEC,
    LOG,
    PORT_FORWARD,
    PROXY,
    RESIZE,
    STATUS,
)

RESOURCE = Resource(
    of(Pod),
    subresources=(
        ATTACH,
        BINDING,
        EPHEMERAL_CONTAINERS,
        EVICTION,
        EXEC,
        LOG,
        PORT_FORWARD,
        STATUS,
        PROXY,
        RESIZE,
    ),
    strategy=Strategy(counts_generations=True, graceful=True, fixed_mark="ownerReferences"),
)
