"""The kind ServiceAccount."""

from podlab.api.kinds import of
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount
from podlab.kinds.resource import Resource
from podlab.kinds.subresource import TOKEN

RESOURCE = Resource(
    of(ServiceAccount),
    subresources=(TOKEN,),
)
