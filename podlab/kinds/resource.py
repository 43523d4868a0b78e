"""One kind: all that distinguishes it from others, said in its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from podlab.api.cells import Table, age
from podlab.api.kinds import GroupKind, GroupResource, Kind
from podlab.api.selection import selectors
from podlab.api.selection.selectors import FieldReader, FieldSelector
from podlab.api.serializer import codec
from podlab.api.values.jsonvalues import Json
from podlab.kinds.scaling import TYPED, Scaling
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import Subresource

if TYPE_CHECKING:
    from podlab.kinds.validation.rules import Rules
    from podlab.schemas.schema import Schema

NAME_AND_AGE = Table(lambda item, now: [item.metadata.name, age(item, now)], ("NAME", "AGE"))
ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


Decode = Callable[..., tuple[Message, list[str]]]
"""Makes an object of JSON, and of the paths of what nobody knows. Takes what `codec.from_dict_leniently` takes."""


def _plainly() -> Decode:
    return codec.from_dict_leniently


@dataclass(frozen=True, slots=True)
class Version:
    """Another version of a stored kind, and how objects come from it and become of it. Both are pure."""

    kind: Kind
    to_stored: Callable[[Any], Message]
    """Raises BadRequest for what the stored version cannot say."""
    from_stored: Callable[[Any], Message]
    load_rules: Callable[[], Rules] | None = None
    """Where this version asks more of objects than the stored one: what is asked of those that are written in it, once
    they are as they are stored."""
    selectable_fields: Mapping[str, str] = field(default_factory=dict)
    """What field selectors may name, and what the stored version calls it. Empty: as the stored version has them."""
    resource: Resource | None = None
    """What is different in this version; None: nothing."""


@dataclass(frozen=True, eq=False)
class Resource:
    """A kind as it is stored, or answered where nothing is stored.

    Clients ask for names, columns and subresources alone. What only servers ask for is the strategy: the function that
    makes it imports rules and warnings when it is called.
    """

    kind: Kind
    stored: bool = True
    """False for questions that are answered at once, and for what is measured when somebody asks for it."""
    verbs: tuple[str, ...] = ALL_VERBS
    serves_stored_version: bool = True
    """False where clients find the other versions alone."""
    other_versions: tuple[Version, ...] = ()
    subresources: tuple[Subresource, ...] = ()
    load_strategy: Callable[[], Strategy] = Strategy
    """Is called once, by the first that asks for `strategy`."""
    table: Table = NAME_AND_AGE
    """What `get` prints."""
    selectable_fields: tuple[str, ...] = ()
    """What field selectors may name besides metadata.name and metadata.namespace."""
    field_reader: Callable[[str], FieldReader] | None = None
    """Makes what reads a selectable field, where that is no field of the message."""
    load_decode: Callable[[], Decode] = _plainly
    """Is called once, by the first that asks for `decode`."""
    scaling: Scaling = TYPED
    """Where the number of replicas stands, where there is a subresource of it."""
    warnings: tuple[str, ...] = ()
    """What everybody hears who asks for this version."""
    kept_apart_by: str = ""
    """One of these, by whose values the objects are kept apart in memory: lists and watches of one value cost no more
    than there is of it. Objects in which it is empty are left out."""

    schema_of: Callable[[Kind], Mapping[str, Json] | None] | None = None
    """Of a custom kind: the schema of a version as JSON, None where it has none. Others are described by messages."""

    load_schema: Callable[[], Schema] | None = None
    """Of a custom kind: makes the schema by which its objects are checked."""

    @cached_property
    def decode(self) -> Decode:
        """How what a client sends becomes an object."""
        return self.load_decode()

    @cached_property
    def strategy(self) -> Strategy:
        """How its objects are written."""
        return self.load_strategy()

    @property
    def group_kind(self) -> GroupKind:
        return self.kind.group_kind

    @property
    def group_resource(self) -> GroupResource:
        return self.kind.group_resource

    @property
    def is_review(self) -> bool:
        """Whether its objects are questions: they are answered and never stored."""
        return not self.stored and "create" in self.verbs

    @property
    def is_measured(self) -> bool:
        """Whether its objects are measured when somebody asks for them, and never stored."""
        return not self.stored and "create" not in self.verbs

    @property
    def served_below(self) -> tuple[Subresource, ...]:
        """What clients find below its objects over REST."""
        return tuple(one for one in self.subresources if one.verbs and one.over_rest)

    def subresource(self, name: str) -> Subresource | None:
        """What is served below its objects by that name; None when nothing is, and nothing is refused by that name."""
        return next((one for one in self.subresources if one.name == name), None)

    def version(self, kind: Kind) -> Version | None:
        """Another version than the one that is stored; None for that."""
        return next((one for one in self.other_versions if one.kind is kind), None)

    def stored_fields(self, kind: Kind, text: str) -> str:
        """A field selector of a version, by the names of the stored one. Raises BadRequest for a field that is not
        selectable."""
        version = self.version(kind)
        if version is None or not version.selectable_fields:
            return text
        return str(selectors.parse_fields(kind, version.selectable_fields, text).renamed(version.selectable_fields))

    def field_selector(self, text: str) -> FieldSelector:
        """What the text says of its objects' fields. Raises BadRequest, also for a field that is not selectable."""
        return selectors.parse_fields(self.kind, self.selectable_fields, text, self.field_reader)
