"""Objects in the form that their reader asks for: whole, as rows of a table, or their metadata alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from master.apiserver.rest.call import Call
from master.apiserver.rest.content import negotiation, responses, tables
from master.apiserver.rest.content.negotiation import Representation
from master.apiserver.rest.content.tables import Shown
from master.apiserver.rest.content.warning_headers import Warnings
from podlab.api.kinds import Kind


@dataclass(frozen=True, slots=True)
class RequestedRepresentation:
    """What the reader asks for; `include` is how much of each object a table carries."""

    form: Representation
    include: str


def asked(call: Call, *, listed: bool = False, streamed: bool = False) -> RequestedRepresentation:
    """Found out before anything is done. Raises NotAcceptable, Invalid."""
    known = negotiation.OF_LIST if listed else negotiation.OF_OBJECT
    form = negotiation.form(call.headers.get("Accept", ""), known, streamed=streamed)
    return RequestedRepresentation(form, tables.included(call.query.text("includeObject")))


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
    return responses.ready(bytes_of(call.of, shown, how.form), status=status, warnings=warnings)


def bytes_of(kind: Kind, shown: Shown, form: Representation) -> bytes:
    """The object as JSON, whole or its metadata alone."""
    if form in (Representation.METADATA, Representation.METADATA_LIST):
        return orjson.dumps(tables.partial(shown.message()))
    return shown.json_as(kind)


def listed(kind: Kind, metadata: dict[str, Any], items: Sequence[bytes], form: Representation) -> web.Response:
    """A list of what `bytes_of` made."""
    if form is Representation.METADATA_LIST:
        return responses.items(form.value, tables.META_VERSION, metadata, items)
    return responses.items(f"{kind.name}List", kind.api_version, metadata, items)
