"""The kind RoleBinding."""

from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.rbac.v1.rbac_pb2 import RoleBinding

RESOURCE = Resource(of(RoleBinding))
