"""The kind Namespace."""

from podlab.api.kinds import of
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.kinds.resource import Resource
from podlab.kinds.subresource import FINALIZE, STATUS

RESOURCE = Resource(
    of(Namespace),
    subresources=(
        FINALIZE,
        STATUS,
    ),
)
