"""The kind Secret."""

from podlab.api.kinds import of
from podlab.core.v1.config_pb2 import Secret
from podlab.kinds.resource import Resource

RESOURCE = Resource(of(Secret))
