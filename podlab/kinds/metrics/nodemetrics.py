"""The kind NodeMetrics."""

from datetime import datetime

from podlab.api.cells import Cells, Table
from podlab.api.kinds import of
from podlab.api.values import times
from podlab.kinds.columns.usage import HEADERS, sums
from podlab.kinds.resource import Resource
from podlab.metrics.v1beta1.metrics_pb2 import NodeMetrics


def _cells(item: NodeMetrics, _: datetime) -> Cells:
    return [item.metadata.name, *sums([item.usage]), times.duration_text(item.window.duration)]


RESOURCE = Resource(
    of(NodeMetrics),
    stored=False,
    verbs=("get", "list"),
    table=Table(_cells, HEADERS),
)
