"""One kind: all that distinguishes it from others, said in its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from podlab.api.cells import Table, age
from podlab.api.kinds import GroupKind, GroupResource, Kind
from podlab.api.selection import selectors
from podlab.api.selection.selectors import FieldSelector
from podlab.kinds.strategy import PLAIN, Strategy, nothing
from podlab.kinds.subresource import Subresource
from podlab.kinds.validation.rules import ANYTHING, Rules
from podlab.kinds.warnings import moments
from podlab.kinds.warnings.moments import Warn

NAME_AND_AGE = Table(lambda item, now: [item.metadata.name, age(item, now)], ("NAME", "AGE"))
ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Version:
    """Another version of a stored kind, and how objects come from it and become of it. Both are pure."""

    kind: Kind
    to_stored: Callable[[Any], Message]
    """Raises BadRequest for what the stored version cannot say."""
    from_stored: Callable[[Any], Message]


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """A kind as it is stored, or answered where nothing is stored."""

    kind: Kind
    stored: bool = True
    """False for questions that are answered at once, and for what is measured when somebody asks for it."""
    verbs: tuple[str, ...] = ALL_VERBS
    other_versions: tuple[Version, ...] = ()
    subresources: tuple[Subresource, ...] = ()
    strategy: Strategy = PLAIN
    set_defaults: Callable[[Any], None] = nothing
    """Fills in what the author left out. Doing it again changes nothing."""
    inherit: Callable[[Any, Any], None] = nothing
    """Fills the new object, before it has its defaults, with what the old one had and its author did not say."""
    rules: Rules = ANYTHING
    warn: Warn = moments.nothing
    table: Table = NAME_AND_AGE
    """What `get` prints."""
    selectable_fields: tuple[str, ...] = ()
    """What field selectors may name besides metadata.name and metadata.namespace."""
    kept_apart_by: str = ""
    """One of these, by whose values the objects are kept apart in memory: lists and watches of one value cost no more
    than there is of it. Objects in which it is empty are left out."""

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

    def field_selector(self, text: str) -> FieldSelector:
        """What the text says of its objects' fields. Raises BadRequest, also for a field that is not selectable."""
        return selectors.parse_fields(self.kind, self.selectable_fields, text)
