"""What `get` prints for the figures of nodes and pods."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from podlab.api import quantity, times
from podlab.api.cells import Cells, Table
from podlab.meta.v1.meta_pb2 import Quantity
from podlab.metrics.v1beta1.metrics_pb2 import NodeMetrics, PodMetrics

_HEADERS = ("NAME", "CPU", "MEMORY", "WINDOW")
_NANO, _KI = 10**9, 2**10


def _node(item: NodeMetrics, _: datetime) -> Cells:
    return [item.metadata.name, *_sums([item.usage]), times.duration_text(item.window.duration)]


def _pod(item: PodMetrics, _: datetime) -> Cells:
    used = [container.usage for container in item.containers]
    return [item.metadata.name, *_sums(used), times.duration_text(item.window.duration)]


def _sums(used: Iterable[Mapping[str, Quantity]]) -> Cells:
    cpu = memory = quantity.parse("0")
    for usage in used:
        cpu += quantity.parse(usage["cpu"])
        memory += quantity.parse(usage["memory"])
    return [f"{int(cpu * _NANO)}n", f"{int(memory / _KI)}Ki"]


TABLES = {"NodeMetrics": Table(_node, _HEADERS), "PodMetrics": Table(_pod, _HEADERS)}
