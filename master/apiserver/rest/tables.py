"""Answers as tables: kubectl prints what the server says. Pure.

A row carries its object's metadata, so that kubectl can tell names and labels; the whole object only when asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
from google.protobuf.message import Message

from master.apiserver.rest.query import invalid_option
from podlab.api import codec, columns
from podlab.api.kinds import Kind

NONE, METADATA, OBJECT = "None", "Metadata", "Object"
META_VERSION = "meta.k8s.io/v1"
_AS_THEY_ARE = frozenset({"IP", "OS"})
_OTHERWISE = {"UP-TO-DATE": "Up-to-date", "ADDRESSTYPE": "AddressType", "MINPODS": "MinPods", "MAXPODS": "MaxPods"}


class Shown(Protocol):
    """What a row is made of."""

    def message(self) -> Message:
        """The object."""
        ...

    def json_as(self, kind: Kind) -> bytes:
        """The object as JSON of the version that `kind` is of."""
        ...


def included(text: str) -> str:
    """What `includeObject` asks for. Raises Invalid."""
    if text and text not in (NONE, METADATA, OBJECT):
        raise invalid_option("includeObject", text, (METADATA, NONE, OBJECT))
    return text or METADATA


def table(
    kind: Kind, entries: Iterable[Shown], metadata: dict[str, Any], include: str, *, headed: bool = True
) -> dict[str, Any]:
    """The objects as a meta.k8s.io/v1 Table; `headed` says whether it defines its columns."""
    now = datetime.now(UTC)
    return {
        "kind": "Table",
        "apiVersion": META_VERSION,
        "metadata": metadata,
        "columnDefinitions": _definitions(kind) if headed else None,
        "rows": [_row(kind, entry, include, now) for entry in entries],
    }


def _definitions(kind: Kind) -> list[dict[str, Any]]:
    always = columns.columns(kind)
    return [
        {
            "name": title(header),
            "type": "string",
            "format": "name" if header == "NAME" else "",
            "description": f"{title(header)} of the {kind.name}, as kubectl prints it",
            "priority": 0 if header in always else 1,
        }
        for header in columns.columns(kind, wide=True)
    ]


def title(header: str) -> str:
    """NOMINATED NODE as Nominated Node, CLUSTER-IP as Cluster-IP: Kubernetes' spelling."""
    if header in _OTHERWISE:
        return _OTHERWISE[header]
    return " ".join("-".join(map(_word, part.split("-"))) for part in header.split(" "))


def _word(word: str) -> str:
    return word if word in _AS_THEY_ARE else word.capitalize()


def _row(kind: Kind, entry: Shown, include: str, now: datetime) -> dict[str, Any]:
    message = entry.message()
    return {"cells": columns.row(message, True, now), "object": _object(kind, entry, message, include)}


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
