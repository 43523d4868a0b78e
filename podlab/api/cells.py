"""What the cells of `get`'s tables have alike, whatever the kind."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from podlab.api.selection.selectors import from_labels, from_message
from podlab.api.values import times
from podlab.core.v1.pod_pb2 import Container, PodSpec
from podlab.errors import BadRequest
from podlab.meta.v1.meta_pb2 import LabelSelector

NONE = "<none>"
UNSET = "<unset>"

Cells = list[str]


@dataclass(frozen=True, slots=True)
class ColumnWords:
    """What a column is called, where its header does not say it, and what else is told of it."""

    name: str
    format: str
    description: str
    priority: int = 0


@dataclass(frozen=True)
class Table:
    """One kind's columns, and how an object fills them."""

    cells: Callable[[Any, datetime], Cells]  # one for each header
    headers: tuple[str, ...]
    only_wide: frozenset[str] = frozenset()
    types: Mapping[str, str] = field(default_factory=dict)
    """Columns of another type than string."""
    untold: Mapping[str, Callable[[str], str | int | float | bool | None]] = field(default_factory=dict)
    """Cells that are no text though their column says so, as Kubernetes has them; None stands for no value."""
    words: Mapping[str, ColumnWords] = field(default_factory=dict)
    """What is told of columns whose headers do not say it."""

    def columns(self, wide: bool = False) -> list[str]:
        """The headers."""
        return self.shown(self.headers, wide)

    def row(self, message: Any, wide: bool, now: datetime) -> Cells:
        """The object's cells, one for each of `columns`."""
        return self.shown(self.cells(message, now), wide)

    def shown(self, cells: Iterable[str], wide: bool) -> list[str]:
        """Those that are printed."""
        return [cell for header, cell in zip(self.headers, cells, strict=True) if wide or header not in self.only_wide]


def age(message: Any, now: datetime) -> str:
    """How long the object has been there."""
    return times.age(message.metadata.creationTimestamp, now)


def phase(item: Any) -> str:
    """Of a volume or a claim."""
    return "Terminating" if item.metadata.HasField("deletionTimestamp") else str(item.status.phase)


def containers(spec: PodSpec) -> Cells:
    """Their names and images."""
    found: Sequence[Container] = spec.containers
    return [joined(one.name for one in found), joined(one.image for one in found)]


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
