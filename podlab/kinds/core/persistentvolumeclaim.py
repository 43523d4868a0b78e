"""The kind PersistentVolumeClaim."""

from podlab.api.kinds import of
from podlab.core.v1.volume_pb2 import PersistentVolumeClaim
from podlab.kinds.resource import Resource
from podlab.kinds.subresource import STATUS

RESOURCE = Resource(
    of(PersistentVolumeClaim),
    subresources=(STATUS,),
)
