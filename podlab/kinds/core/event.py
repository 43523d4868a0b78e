"""The kind Event."""

from podlab.api.kinds import of
from podlab.core.v1.event_pb2 import Event
from podlab.kinds.resource import Resource

RESOURCE = Resource(of(Event))
