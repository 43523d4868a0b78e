"""One request, as its handlers see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from aiohttp import web
from google.protobuf.message import Message

from master.apiserver.admission.write import Write, WriteContext
from master.apiserver.authentication.user import User
from master.apiserver.patching.patch import APPLY_MEDIA_TYPE
from master.apiserver.request import write_options
from master.apiserver.request.info import Exchange
from master.apiserver.request.paths import Place
from master.apiserver.request.query import Query
from master.apiserver.request.write_options import WriteOptions
from master.apiserver.watchcache.moment import ANY, Moment
from podlab.api.kinds import Kind
from podlab.kinds.resource import Resource
from podlab.spans import traceparent

_MADE = web.RequestKey("made", str)


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks what, about which place."""

    request: web.BaseRequest
    user: User
    place: Place
    query: Query = field(default_factory=lambda: Query({}))
    moment: Moment = ANY
    """What its reads must have seen."""
    exchange: Exchange | None = None
    """What becomes of the request; None before that is known."""

    def at(self, exchange: Exchange) -> Call:
        """The same, once its moment is known."""
        return Call(self.request, self.user, self.place, self.query, exchange.moment, exchange)

    def write_options(self) -> WriteOptions:
        """What its URL says of how to write. Raises Invalid."""
        return write_options.read(self.query, self.request.method, applies=self.applies)

    @property
    def applies(self) -> bool:
        """Whether its body is a configuration that is to be applied, server-side."""
        form = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return self.request.method == "PATCH" and form == APPLY_MEDIA_TYPE

    def writing(self, options: WriteOptions) -> WriteContext:
        """Who writes, and how; by its user agent when it names no field manager."""
        manager = options.manager or write_options.manager_of(self.headers.get("User-Agent", ""))
        version = self.resource.version(self.of)
        asked = version.load_rules() if version is not None and version.load_rules is not None else None
        context = WriteContext(
            self.user,
            manager=manager,
            named_manager=options.manager,
            dry_run=options.dry_run,
            moment=self.moment,
            traceparent=traceparent.accepted(self.headers.get(traceparent.HEADER, "")),
            rules=asked,
        )
        if self.exchange is None:
            return context
        return replace(context, warnings=self.exchange.warnings, annotations=self.exchange.annotations)

    def connecting(self, options: Message) -> Write:
        """The connection that it asks for, as admission sees it."""
        place = self.place
        return Write.connect(
            self.writing(WriteOptions()),
            self.stored,
            options,
            namespace=place.namespace,
            name=place.name,
            subresource=place.subresource,
        )

    def field_selector(self) -> str:
        """What its URL says of fields, by the names that the stored version has. Raises BadRequest."""
        return self.resource.stored_fields(self.of, self.query.text("fieldSelector"))

    @property
    def kind(self) -> str:
        """As errors' border looks at it: nothing of a Secret is logged."""
        return self.place.kind.name

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the request."""
        return self.request.headers

    @property
    def made(self) -> str:
        """The name of the object that was made, when its maker let the server choose or said it in the body alone."""
        name: str = self.request.get(_MADE, "")
        return name

    def tell_made(self, name: str) -> None:
        """Have the audit log know the name of what was made."""
        self.request[_MADE] = name

    @property
    def of(self) -> Kind:
        """What kind of objects it is about."""
        return self.place.kind

    @property
    def stored(self) -> Kind:
        """The kind in the version that is stored, whichever was asked for."""
        return self.resource.kind

    @property
    def resource(self) -> Resource:
        """All that is known of that kind."""
        return self.place.resource
