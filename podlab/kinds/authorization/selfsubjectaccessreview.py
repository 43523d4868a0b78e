"""The kind SelfSubjectAccessReview."""

from podlab.api.kinds import of
from podlab.authorization.v1.review_pb2 import SelfSubjectAccessReview
from podlab.kinds.resource import Resource

RESOURCE = Resource(
    of(SelfSubjectAccessReview),
    stored=False,
    verbs=("create",),
)
