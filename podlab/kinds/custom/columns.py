"""Columns of custom kinds: values at JSON paths, as CustomResourceDefinitions say.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#additional-printer-columns
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Self

import orjson

from podlab.api.cells import NONE, Cells, ColumnWords, Table
from podlab.api.serializer import custom
from podlab.api.values import jsonpath, times
from podlab.api.values.jsonvalues import Json
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceColumnDefinition


class PrinterColumn(NamedTuple):
    """As `CustomResourceColumnDefinition`, without holding the definition that it is of."""

    name: str
    type: str
    path: str
    description: str = ""
    format: str = ""
    priority: int = 0

    @classmethod
    def of(cls, column: CustomResourceColumnDefinition) -> Self:
        """What the definition says."""
        return cls(column.name, column.type, column.jsonPath, column.description, column.format, column.priority)


_AGE = PrinterColumn("Age", "date", ".metadata.creationTimestamp", "When the object was created. Given by the server.")
_NAME = ColumnWords("Name", "name", "The object's name, of which there is one of a kind in a namespace.")
_READ: dict[str, Callable[[str], str | int | float | bool]] = {
    "integer": int,
    "number": float,
    "boolean": "true".__eq__,
}


def table(columns: Sequence[PrinterColumn]) -> Table:
    """The name, and then these columns; the age alone when there are none."""
    shown = columns or (_AGE,)
    headers = [column.name.upper() for column in shown]

    def cells(item: Custom, now: datetime) -> Cells:
        value = custom.to_dict(item)
        return [item.metadata.name, *(_cell(column, value, now) for column in shown)]

    return Table(
        cells,
        ("NAME", *headers),
        only_wide=frozenset(header for header, column in zip(headers, shown, strict=True) if column.priority),
        types={header: column.type for header, column in zip(headers, shown, strict=True)},
        untold={header: _reader(column.type) for header, column in zip(headers, shown, strict=True)},
        words={"NAME": _NAME} | {header: _words(column) for header, column in zip(headers, shown, strict=True)},
    )


def _words(column: PrinterColumn) -> ColumnWords:
    told = column.description or f"Custom resource definition column (in JSONPath format): {column.path}"
    return ColumnWords(column.name, column.format, told, column.priority)


def _reader(type_: str) -> Callable[[str], str | int | float | bool | None]:
    read = _READ.get(type_, str)
    return lambda text: None if text == NONE else read(text)


def _cell(column: PrinterColumn, value: Json, now: datetime) -> str:
    """Text that says nothing, as kubectl writes it, where there is no value, or one of another type."""
    found = jsonpath.first(column.path, value)
    if found is None:
        return NONE
    if column.type == "string":
        return _text(found)
    if column.type == "boolean":
        return str(found).lower() if isinstance(found, bool) else NONE
    if column.type == "date":
        return _age(found, now)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return NONE
    return str(int(found)) if column.type == "integer" else str(found)


def _text(value: Json) -> str:
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _age(value: Json, now: datetime) -> str:
    if not isinstance(value, str):
        return NONE
    try:
        return times.age(times.from_datetime(times.parse(value)), now)
    except ValueError:
        return "<invalid>"
