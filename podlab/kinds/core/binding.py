"""The kind Binding."""

from podlab.api.kinds import of
from podlab.core.v1.binding_pb2 import Binding
from podlab.kinds.resource import Resource

RESOURCE = Resource(
    of(Binding),
    stored=False,
    verbs=("create",),
)
