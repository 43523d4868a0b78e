"""The kind ClusterRole."""

from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.rbac.v1.rbac_pb2 import ClusterRole

RESOURCE = Resource(of(ClusterRole))
