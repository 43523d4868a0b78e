"""Objects in the form that their reader asks for: whole, as rows of a table, or their metadata alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web
from google.protobuf.message import Message

from master.apiserver.rest.call import Call
from master.apiserver.rest.content import negotiation, protobuf_answers, responses, tables
from master.apiserver.rest.content.negotiation import JSON, PROTOBUF, Representation
from master.apiserver.rest.content.tables import Shown
from master.apiserver.rest.content.warning_headers import Warnings
from podlab.api.kinds import Kind
from podlab.api.serializer import codec


@dataclass(frozen=True, slots=True)
class RequestedRepresentation:
    """What the reader asks for; `include` is how much of each object a table carries."""

    form: Representation
    include: str
    media_type: str = JSON


@dataclass(frozen=True, slots=True)
class Made:
    """An object that was made to be answered: see `tables.Shown`."""

    of: Message

    def message(self) -> Message:
        return self.of

    def whole(self) -> Message:
        return self.message()

    def json_as(self, kind: Kind) -> bytes:
        return codec.to_json(self.of)

    def encoded_as(self, kind: Kind) -> bytes:
        return self.of.SerializeToString()


def asked(
    call: Call, *, listed: bool = False, streamed: bool = False, protobuf: bool = True
) -> RequestedRepresentation:
    """Found out before anything is done. `protobuf` says whether that can be sent. Raises NotAcceptable, Invalid."""
    known = negotiation.OF_LIST if listed else negotiation.OF_OBJECT
    offered = protobuf and protobuf_answers.is_offered(call.of)
    found = negotiation.accepted(call.headers.get("Accept", ""), known, streamed=streamed, protobuf=offered)
    return RequestedRepresentation(found.form, tables.included(call.query.text("includeObject")), found.media_type)


def one(
    call: Call,
    shown: Shown,
    how: RequestedRepresentation,
    *,
    revision: int = 0,
    status: int = 200,
    warnings: Warnings = (),
) -> web.Response:
    """An object as the answer. `revision` is what a table tells as its own; 0 where there is none."""
    if how.form is Representation.TABLE:
        metadata = {"resourceVersion": str(revision)} if revision else {}
        return responses.data(
            tables.table(call.of, call.resource, [shown], metadata, how.include), status=status, warnings=warnings
        )
    body = whole(call.of, bytes_of(call.of, shown, how), how)
    return responses.ready(body, status=status, warnings=warnings, media_type=how.media_type)


def bytes_of(kind: Kind, shown: Shown, how: RequestedRepresentation) -> bytes:
    """The object as JSON or as its message's bytes, whole or its metadata alone."""
    in_part = how.form in (Representation.METADATA, Representation.METADATA_LIST)
    if how.media_type == PROTOBUF:
        return protobuf_answers.partial(shown.whole()) if in_part else shown.encoded_as(kind)
    return orjson.dumps(tables.partial(shown.whole())) if in_part else shown.json_as(kind)


def whole(kind: Kind, body: bytes, how: RequestedRepresentation) -> bytes:
    """What `bytes_of` made, as it stands alone: JSON says itself what it is."""
    if how.media_type != PROTOBUF:
        return body
    named = (kind.api_version, kind.name)
    if how.form is Representation.METADATA:
        named = (tables.META_VERSION, how.form.value)
    return protobuf_answers.enveloped(*named, body)


def listed(kind: Kind, metadata: dict[str, Any], items: Sequence[bytes], how: RequestedRepresentation) -> web.Response:
    """A list of what `bytes_of` made."""
    named = (kind.api_version, kind.list_kind)
    if how.form is Representation.METADATA_LIST:
        named = (tables.META_VERSION, how.form.value)
    if how.media_type == PROTOBUF:
        body = protobuf_answers.enveloped(*named, protobuf_answers.listed(metadata, items))
        return responses.ready(body, media_type=PROTOBUF)
    return responses.items(named[1], named[0], metadata, items)
