"""The kind PodMetrics."""

from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.metrics.v1beta1.metrics_pb2 import PodMetrics

RESOURCE = Resource(
    of(PodMetrics),
    stored=False,
    verbs=("get", "list"),
)
