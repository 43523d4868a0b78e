"""The kind SelfSubjectReview."""

from podlab.api.kinds import of
from podlab.authentication.v1.user_pb2 import SelfSubjectReview
from podlab.kinds.resource import Resource

RESOURCE = Resource(
    of(SelfSubjectReview),
    stored=False,
    verbs=("create",),
)
