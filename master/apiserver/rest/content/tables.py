"""Answers as tables: kubectl prints what the server says. Pure.

A row carries its object's metadata, so that kubectl can tell names and labels; the whole object only when asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
from google.protobuf.message import Message

from master.apiserver.request.query import invalid_option
from master.apiserver.rest.content import table_columns
from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.core.v1 import pod_pb2
from podlab.kinds.resource import Resource

NONE, METADATA, OBJECT = "None", "Metadata", "Object"
META_VERSION = "meta.k8s.io/v1"
_COMPLETED = {"Succeeded": "The pod has completed successfully.", "Failed": "The pod failed."}


class Shown(Protocol):
    """What a row is made of."""

    def message(self) -> Message:
        """The object."""
        ...

    def whole(self) -> Message:
        """The object with its managedFields."""
        ...

    def json_as(self, kind: Kind) -> bytes:
        """The object as JSON of the version that `kind` is of."""
        ...

    def encoded_as(self, kind: Kind) -> bytes:
        """The bytes of the object's message, of the version that `kind` is of."""
        ...


def included(text: str) -> str:
    """What `includeObject` asks for. Raises Invalid."""
    if text and text not in (NONE, METADATA, OBJECT):
        raise invalid_option("includeObject", text, (METADATA, NONE, OBJECT))
    return text or METADATA


def table(
    kind: Kind,
    resource: Resource,
    entries: Iterable[Shown],
    metadata: dict[str, Any],
    include: str,
    *,
    headed: bool = True,
) -> dict[str, Any]:
    """The objects as a meta.k8s.io/v1 Table of the version that `kind` is of; `headed` says whether it defines its
    columns."""
    now = datetime.now(UTC)
    return {
        "kind": "Table",
        "apiVersion": META_VERSION,
        "metadata": metadata,
        "columnDefinitions": table_columns.definitions(resource) if headed else None,
        "rows": [_row(kind, resource, entry, include, now) for entry in entries],
    }


def _row(kind: Kind, resource: Resource, entry: Shown, include: str, now: datetime) -> dict[str, Any]:
    message = entry.message()
    cells = table_columns.cells(resource, resource.table.row(message, True, now))
    row: dict[str, Any] = {"cells": cells, "object": _object(kind, entry, message, include)}
    if isinstance(message, pod_pb2.Pod) and message.status.phase in _COMPLETED:
        phase = message.status.phase
        row["conditions"] = [{"type": "Completed", "status": "True", "reason": phase, "message": _COMPLETED[phase]}]
    return row


def _object(kind: Kind, entry: Shown, message: Message, include: str) -> Any:
    if include == NONE:
        return None
    if include == OBJECT:
        return orjson.Fragment(entry.json_as(kind))
    return partial(message)


def partial(message: Message) -> dict[str, Any]:
    """The object's metadata alone, as a meta.k8s.io/v1 PartialObjectMetadata."""
    metadata = codec.part_to_dict(message.metadata)  # type: ignore[attr-defined]
    return {"kind": "PartialObjectMetadata", "apiVersion": META_VERSION, "metadata": metadata}
