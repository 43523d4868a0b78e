"""What the cells of `get`'s tables have alike, whatever the kind."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from podlab.api import times
from podlab.api.selectors import from_labels, from_message
from podlab.errors import BadRequest
from podlab.meta.v1.meta_pb2 import LabelSelector

NONE = "<none>"
UNSET = "<unset>"

Cells = list[str]


@dataclass(frozen=True)
class Table:
    """One kind's columns, and how an object fills them."""

    cells: Callable[[Any, datetime], Cells]  # one for each header
    headers: tuple[str, ...]
    only_wide: frozenset[str] = frozenset()

    def shown(self, cells: Iterable[str], wide: bool) -> list[str]:
        """Those that are printed."""
        return [cell for header, cell in zip(self.headers, cells, strict=True) if wide or header not in self.only_wide]


def age(message: Any, now: datetime) -> str:
    """How long the object has been there."""
    return times.age(message.metadata.creationTimestamp, now)


def joined(values: Iterable[str]) -> str:
    """With commas."""
    return ",".join(values) or NONE


def labels(wanted: Mapping[str, str]) -> str:
    """A selector that is a map."""
    return str(from_labels(wanted)) or NONE


def selector(wanted: LabelSelector) -> str:
    """A selector of both parts."""
    try:
        return str(from_message(wanted)) or NONE
    except BadRequest:
        return "<error>"
