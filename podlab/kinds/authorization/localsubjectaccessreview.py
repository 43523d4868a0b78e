"""The kind LocalSubjectAccessReview."""

from podlab.api.kinds import of
from podlab.authorization.v1.review_pb2 import LocalSubjectAccessReview
from podlab.kinds.resource import Resource

RESOURCE = Resource(
    of(LocalSubjectAccessReview),
    stored=False,
    verbs=("create",),
)
