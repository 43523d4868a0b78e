"""The kind StorageClass."""

from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.storage.v1.storageclass_pb2 import StorageClass

RESOURCE = Resource(of(StorageClass))
