"""Tables and objects as text."""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import typer
from google.protobuf.message import Message

from podlab.api.cells import NONE
from podlab.api.kinds import Kind
from podlab.api.objects import metadata
from podlab.api.selection.selectors import from_labels
from podlab.api.serializer import codec, manifest
from podlab.cli import discovery
from podlab.cli.objects.targets import reference
from podlab.cli.options import Output

_GAP = 3


def now() -> datetime:
    return datetime.now(UTC)


def aligned(rows: Iterable[Sequence[str]], widths: Sequence[int] = ()) -> list[str]:
    """Lines with columns three spaces apart, as kubectl has them; `widths` are the least ones."""
    kept = [[cell.replace("\n", "\\n") for cell in row] for row in rows]
    least = [*widths, *[0] * max((len(row) - len(widths) for row in kept), default=0)]
    sized = [max([low, *(len(row[index]) for row in kept if index < len(row))]) for index, low in enumerate(least)]
    gap = " " * _GAP
    return [gap.join(cell.ljust(width) for cell, width in zip(row, sized, strict=False)).rstrip() for row in kept]


def warn(line: str) -> None:
    """One line on stderr."""
    typer.echo(line, err=True)


def write(text: str) -> None:
    """Text to stdout at once, so that a watcher or a pipe sees it."""
    sys.stdout.write(text)
    sys.stdout.flush()


def objects_text(objects: Sequence[Message], output: Output, *, as_list: bool) -> str:
    """YAML, JSON, or one `kind/name` a line; `as_list` wraps them in a List, also when there is only one."""
    if output is Output.NAME:
        return "".join(f"{named(obj)}\n" for obj in objects)
    data: Any = [codec.to_dict(obj) for obj in objects]
    if as_list:
        data = {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": data}
    else:
        (data,) = data
    if output is Output.JSON:
        return orjson.dumps(
            data, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        ).decode()
    return manifest.write([data])


def named(obj: Message) -> str:
    """As messages name an object: pod/web, deployment.apps/web."""
    return f"{reference(discovery.kind_of(obj))}/{metadata(obj).name}"


class Rows:
    """The cells of a kind's objects, and the widths reached so far: a watch goes on with the columns it began with."""

    def __init__(
        self, kind: Kind, *, wide: bool, with_namespace: bool, with_labels: bool = False, with_kind: bool = False
    ) -> None:
        self._wide, self._with_namespace, self._with_labels = wide, with_namespace and kind.namespaced, with_labels
        self._prefix = f"{reference(kind)}/" if with_kind else ""
        self._table = discovery.resource(kind).table
        columns = self._table.columns(wide)
        self._name_column = columns.index("NAME") if "NAME" in columns else None
        self._widths: list[int] = []
        self.headers = [
            *(["NAMESPACE"] if self._with_namespace else []),
            *columns,
            *(["LABELS"] if with_labels else []),
        ]

    def lines(self, objects: Iterable[Message], *, headers: bool) -> list[str]:
        rows = [*([self.headers] if headers else []), *(self._cells(obj) for obj in objects)]
        sizes = [max(len(row[index]) for row in rows) for index in range(len(self.headers))] if rows else []
        self._widths = [max(pair) for pair in zip(sizes, self._widths or sizes, strict=True)]
        return aligned(rows, self._widths)

    def _cells(self, obj: Message) -> list[str]:
        meta = metadata(obj)
        cells = self._table.row(obj, self._wide, now())
        if self._name_column is not None:
            cells[self._name_column] = self._prefix + cells[self._name_column]
        namespace = [meta.namespace] if self._with_namespace else []
        labels = [str(from_labels(meta.labels)) or NONE] if self._with_labels else []
        return [*namespace, *cells, *labels]
