"""What controllers remember of the way of a pod: when they saw what is to have it, made it, and led Services to it."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import Message

from podlab.api.objects import metadata
from podlab.client.informer import Change
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.spans.spans import Spans
from podlab.spans.way import CREATED, ENDPOINTS, SEEN

M = TypeVar("M", bound=Message)


def owner_changed(spans: Spans, change: Change[M]) -> None:
    """An object that pods are made for came, or its spec changed."""
    if change.new is None:
        return
    new, old = metadata(change.new), metadata(change.old) if change.old is not None else None
    if old is None or old.uid != new.uid or old.generation != new.generation:
        spans.moment(new.uid, SEEN)


def created(spans: Spans, made: Message, owner: Message, began_s: float) -> None:
    """A controller made an object for its owner."""
    spans.note(metadata(made).uid, CREATED, began_s, detail=f"by {type(owner).__name__} {metadata(owner).name}")


def endpoints_written(spans: Spans, written: EndpointSlice, service: str, began_s: float) -> None:
    """Pods are ready endpoints of the Service. Those that were before are not noted again."""
    for endpoint in written.endpoints:
        uid = endpoint.targetRef.uid
        if endpoint.conditions.ready and uid and not spans.has(uid, ENDPOINTS, service):
            spans.note(uid, ENDPOINTS, began_s, detail=service)
