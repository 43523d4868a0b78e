"""The kind TokenReview."""

from podlab.api.kinds import of
from podlab.authentication.v1.token_pb2 import TokenReview
from podlab.kinds.resource import Resource

RESOURCE = Resource(
    of(TokenReview),
    stored=False,
    verbs=("create",),
)
