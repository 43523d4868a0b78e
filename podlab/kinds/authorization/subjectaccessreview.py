"""The kind SubjectAccessReview."""

from podlab.api.kinds import of
from podlab.authorization.v1.review_pb2 import SubjectAccessReview
from podlab.kinds.resource import Resource

RESOURCE = Resource(
    of(SubjectAccessReview),
    stored=False,
    verbs=("create",),
)
