"""The kind PodMetrics."""

from datetime import datetime

from podlab.api.cells import Cells, Table
from podlab.api.kinds import of
from podlab.api.values import times
from podlab.kinds.columns.usage import HEADERS, sums
from podlab.kinds.resource import Resource
from podlab.metrics.v1beta1.metrics_pb2 import PodMetrics


def _cells(item: PodMetrics, _: datetime) -> Cells:
    used = [container.usage for container in item.containers]
    return [item.metadata.name, *sums(used), times.duration_text(item.window.duration)]


RESOURCE = Resource(
    of(PodMetrics),
    stored=False,
    verbs=("get", "list"),
    table=Table(_cells, HEADERS),
)
