"""The kind ConfigMap."""

from podlab.api.kinds import of
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.kinds.resource import Resource

RESOURCE = Resource(of(ConfigMap))
