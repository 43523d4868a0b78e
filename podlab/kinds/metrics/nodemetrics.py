"""The kind NodeMetrics."""

from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.metrics.v1beta1.metrics_pb2 import NodeMetrics

RESOURCE = Resource(
    of(NodeMetrics),
    stored=False,
    verbs=("get", "list"),
)
