"""The kind HorizontalPodAutoscaler."""

from podlab.api import autoscalerversions
from podlab.api.kinds import of
from podlab.autoscaling.v1 import horizontalpodautoscaler_pb2
from podlab.autoscaling.v2.horizontalpodautoscaler_pb2 import HorizontalPodAutoscaler
from podlab.kinds.resource import Resource, Version
from podlab.kinds.subresource import STATUS

RESOURCE = Resource(
    of(HorizontalPodAutoscaler),
    other_versions=(
        Version(
            of(horizontalpodautoscaler_pb2.HorizontalPodAutoscaler),
            autoscalerversions.to_v2,
            autoscalerversions.to_v1,
        ),
    ),
    subresources=(STATUS,),
)
