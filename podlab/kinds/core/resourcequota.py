"""The kind ResourceQuota."""

from podlab.api.kinds import of
from podlab.core.v1.quota_pb2 import ResourceQuota
from podlab.kinds.resource import Resource
from podlab.kinds.subresource import STATUS

RESOURCE = Resource(
    of(ResourceQuota),
    subresources=(STATUS,),
)
