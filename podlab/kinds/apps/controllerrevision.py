"""The kind ControllerRevision."""

from podlab.api.kinds import of
from podlab.apps.v1.controllerrevision_pb2 import ControllerRevision
from podlab.kinds.resource import Resource

RESOURCE = Resource(of(ControllerRevision))
