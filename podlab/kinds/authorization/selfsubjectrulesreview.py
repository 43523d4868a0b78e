"""The kind SelfSubjectRulesReview."""

from podlab.api.kinds import of
from podlab.authorization.v1.review_pb2 import SelfSubjectRulesReview
from podlab.kinds.resource import Resource

RESOURCE = Resource(
    of(SelfSubjectRulesReview),
    stored=False,
    verbs=("create",),
)
