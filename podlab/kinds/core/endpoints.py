"""The kind Endpoints."""

from podlab.api.kinds import of
from podlab.core.v1.endpoints_pb2 import Endpoints
from podlab.kinds.resource import Resource

RESOURCE = Resource(of(Endpoints))
