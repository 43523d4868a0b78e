"""Columns of what is used."""

from collections.abc import Iterable, Mapping

from podlab.api.cells import Cells
from podlab.api.values import quantity
from podlab.meta.v1.meta_pb2 import Quantity

HEADERS = ("NAME", "CPU", "MEMORY", "WINDOW")
_NANO, _KI = 10**9, 2**10


def sums(used: Iterable[Mapping[str, Quantity]]) -> Cells:
    """CPU and memory, as metrics-server writes them."""
    cpu = memory = quantity.parse("0")
    for usage in used:
        cpu += quantity.parse(usage["cpu"])
        memory += quantity.parse(usage["memory"])
    return [f"{int(cpu * _NANO)}n", f"{int(memory / _KI)}Ki"]
