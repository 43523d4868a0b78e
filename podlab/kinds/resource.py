"""One kind: all that distinguishes it from others, said in its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from podlab.api.kinds import GroupKind, GroupResource, Kind
from podlab.kinds.strategy import PLAIN, Strategy
from podlab.kinds.subresource import Subresource

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

    @property
    def group_kind(self) -> GroupKind:
        return self.kind.group_kind

    @property
    def group_resource(self) -> GroupResource:
        return self.kind.group_resource

    def subresource(self, name: str) -> Subresource | None:
        """What is served below its objects by that name; None when nothing is, and nothing is refused by that name."""
        return next((one for one in self.subresources if one.name == name), None)
