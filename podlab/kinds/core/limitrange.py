"""The kind LimitRange."""

from podlab.api.kinds import of
from podlab.core.v1.quota_pb2 import LimitRange
from podlab.kinds.resource import Resource

RESOURCE = Resource(of(LimitRange))
