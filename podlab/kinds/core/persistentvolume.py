"""The kind PersistentVolume."""

from podlab.api.kinds import of
from podlab.core.v1.volume_pb2 import PersistentVolume
from podlab.kinds.resource import Resource
from podlab.kinds.subresource import STATUS

RESOURCE = Resource(
    of(PersistentVolume),
    subresources=(STATUS,),
)
