"""The kind Lease."""

from podlab.api.kinds import of
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.kinds.resource import Resource

RESOURCE = Resource(of(Lease))
