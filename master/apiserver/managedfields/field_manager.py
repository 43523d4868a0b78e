"""Works out, for each write, who manages which fields then.

As Kubernetes does, it looks at what was sent, with its defaults: what admission plugins and strategies add belongs to
nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any

from google.protobuf.message import Message

from master.apiserver.managedfields import entries, last_applied, whole
from master.apiserver.managedfields.entries import ALL
from master.apiserver.managedfields.kind_versions import KindVersions
from podlab.api import kinds, objects
from podlab.api.conversion import versions
from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.api.values.jsonvalues import Json
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apply import managers, validation
from podlab.apply.conflicts import Conflicts
from podlab.apply.field_set import EMPTY, FieldSet
from podlab.apply.managers import Managed, Manager, Managers, Operation
from podlab.apply.ownership import Changes, Writing
from podlab.apply.structure import Unidentified
from podlab.errors import BadRequest, Cause, Conflict
from podlab.kinds.resource import Resource
from podlab.meta.v1.meta_pb2 import ManagedFieldsEntry
from podlab.shapes.shape import Shape

_REMEMBERED = 512
_KEPT_BY_STATUS = frozenset({"apiVersion", "kind", "metadata", "status"})


@dataclass(frozen=True)
class FieldWriter:
    """Who writes, through which subresource, in which version of the kind."""

    name: str
    version: Kind
    subresource: str = ""

    @cached_property
    def updater(self) -> Manager:
        """As managedFields know it when it updates."""
        return self._manager(Operation.UPDATE)

    @property
    def applier(self) -> Manager:
        """As managedFields know it when it applies."""
        return self._manager(Operation.APPLY)

    def _manager(self, operation: Operation) -> Manager:
        return managers.manager(self.name, operation, self.version.api_version, self.subresource)


@dataclass(frozen=True, slots=True)
class AppliedConfiguration:
    """What is applied: JSON of the version that its writer writes in."""

    content: dict[str, Json]
    force: bool = False


def written_at_creation(new: Message, resource: Resource, version: Kind) -> FieldSet:
    """The fields that a new object's author has written in a version; it has its defaults and nothing else. Nothing
    where an item of a list does not tell which one it is."""
    try:
        found = _versions_of(resource).changes(_nothing(resource.kind), new)(version.api_version).written
    except Unidentified:
        return EMPTY
    return whole.of_author(found, has_status=resource.kind.has_status)


def created(fields: FieldSet, writer: FieldWriter, now_s: int) -> bytes:
    """managedFields of an object that nobody else has written; of all its fields, when these are `entries.ALL`."""
    key = id(fields), writer.name, writer.version, now_s
    known = _STORED.get(key)
    if known is None or known[0] is not fields:
        if not fields:
            return b""
        own = Managed(fields, writer.version.api_version, now_s)
        if len(_STORED) >= _REMEMBERED:
            _STORED.clear()
        known = _STORED[key] = fields, entries.stored({writer.updater: own})
    return known[1]


_STORED: dict[tuple[int, str, Kind, int], tuple[FieldSet, bytes]] = {}
"""managedFields of new objects of one second, by who created them."""


def updated(
    old: Message,
    new: Message,
    resource: Resource,
    *,
    stored: bytes,
    sent: Sequence[ManagedFieldsEntry],
    writer: FieldWriter,
    now_s: int,
) -> bytes:
    """managedFields of an object that was changed to `new`; both are without them. `stored` are those that it has.

    Writers of the object itself may send others: instead of them, or to begin anew.
    """
    known = _known(stored, () if writer.subresource else sent)
    if not known:
        return b""
    by, author = writer.updater, whole.author(known)
    if author is by or author == by:
        if not whole.writes(old, new):
            return stored
        alone = len(known) == 1
        return created(ALL, writer, now_s) if alone else entries.stored({**known, by: known[by].at(now_s)})
    changes = _versions_of(resource).changes(old, new)
    try:
        left = _left(known, author, _writing(resource, writer), changes, by, old, now_s)
    except Unidentified:  # an item that tells nobody which one it is: validation refuses what can be refused
        return stored
    if not sent and left == known:
        return stored
    if len(left) > managers.MOST_UPDATERS:
        left = managers.capped(whole.told_apart(left, new))
    return entries.stored(left)


def _left(
    known: Managers, author: Manager | None, writing: Writing, changes: Changes, by: Manager, old: Message, now_s: int
) -> Managers:
    """Who manages what once somebody else than the author of the whole object has made these changes. Raises
    Unidentified."""
    if author is None:
        return writing.updated(changes, known, by, now_s)
    if whole.is_of_status(changes(writing.api_version).without(writing.reset)):
        others = {one: managed for one, managed in known.items() if one != author}
        return {author: known[author], **writing.updated(changes, others, by, now_s)}
    return writing.updated(changes, whole.told_apart(known, old), by, now_s)


def told_apart(stored: bytes, message: Message) -> bytes:
    """managedFields that do not stand for the whole of an object any more: somebody adds to what its author wrote. The
    message is the object without that."""
    known = entries.read(stored)
    told = whole.told_apart(known, message)
    return stored if told is known else entries.stored(told)


def applied(
    live: Message | None,
    configuration: AppliedConfiguration,
    resource: Resource,
    *,
    stored: bytes,
    writer: FieldWriter,
    now_s: int,
) -> tuple[Message, bytes]:
    """What becomes of the object when this is applied to it, and its managedFields; `live` is None where there is no
    object yet. Raises BadRequest, Conflict."""
    config, kind = configuration.content, writer.version
    writing = _writing(resource, writer)
    _check(config, kind, live, writing.versions.shape(kind.api_version))
    there = _empty(kind) if live is None else _shown(live, resource, kind)
    known = entries.read(stored) if live is None else whole.told_apart(entries.read(stored), live)
    if not known and live is not None:
        before = managers.manager(managers.BEFORE_FIRST_APPLY, Operation.UPDATE, kind.api_version, writer.subresource)
        known = writing.updated(writing.changes(_empty(kind), there), known, before, now_s)
    by = writer.applier
    try:
        new, left = writing.applied(there, config, known, by, force=configuration.force, now_s=now_s)
    except Conflicts as conflicts:
        if (left_over := last_applied.remaining(conflicts, there, writer.name, writing)) is not None:
            raise _conflict(left_over) from conflicts
        new, left = writing.applied(there, config, known, by, force=True, now_s=now_s)
    except Unidentified as error:
        raise _refused(kind, live, str(error)) from error
    last_applied.renew(new, config, writer.name)
    return _decoded(new, kind), entries.stored(left)


def _writing(resource: Resource, writer: FieldWriter) -> Writing:
    return _writing_of(resource, writer.version, writer.subresource)


@lru_cache(maxsize=_REMEMBERED)
def _writing_of(resource: Resource, version: Kind, subresource: str) -> Writing:
    return Writing(_versions_of(resource), version.api_version, _reset(resource, subresource))


@lru_cache(maxsize=_REMEMBERED)
def _versions_of(resource: Resource) -> KindVersions:
    return KindVersions(resource)


def _reset(resource: Resource, subresource: str) -> FieldSet:
    """What writes of the object, or of a subresource, leave as it is, whatever they send."""
    kind = resource.kind
    if subresource in ("status", "approval"):
        others = [
            (f"f:{name}",)
            for name in _versions_of(resource).shape(kind.api_version).fields
            if name not in _KEPT_BY_STATUS
        ]
        marks = [("f:metadata", f"f:{mark}") for mark in sorted(resource.strategy.fixed_marks)]
        return FieldSet.of(*others, *marks)
    return FieldSet.of(("f:status",)) if kind.has_status else EMPTY


def _known(stored: bytes, sent: Sequence[ManagedFieldsEntry]) -> Managers:
    """Those that are sent, where they say something; nobody when that is what they say."""
    if not sent:
        return entries.read(stored)
    if entries.is_reset(sent):
        return entries.NOBODY
    try:
        return entries.decoded(sent)
    except ValueError:  # as in Kubernetes: what nobody understands changes nothing
        return entries.read(stored)


def _shown(message: Message, resource: Resource, kind: Kind) -> dict[str, Any]:
    found: dict[str, Any] = _versions_of(resource).convert(
        codec.to_dict(message), kinds.type_meta(message)[0], kind.api_version
    )
    return found


@cache
def _nothing(kind: Kind) -> Message:
    return Custom(api_version=kind.api_version, kind=kind.name) if kind.message is Custom else kind.message()


def _empty(kind: Kind) -> dict[str, Json]:
    return codec.to_dict(_nothing(kind))


def _check(config: dict[str, Json], kind: Kind, live: Message | None, shape: Shape | None) -> None:
    """Raises BadRequest, and Conflict for the uid of an object that is not there."""
    said = config.get("apiVersion") or "", config.get("kind") or ""
    if said != (kind.api_version, kind.name):
        group, _, version = str(said[0]).rpartition("/")
        raise BadRequest(f"invalid object type: {group}/{version}, Kind={said[1]}")
    metadata = config.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields") is not None:
        raise BadRequest("metadata.managedFields must be nil")
    if found := validation.problems(config, shape):
        raise _refused(kind, live, validation.described(found))


def _refused(kind: Kind, live: Message | None, why: str) -> BadRequest:
    metadata = None if live is None else objects.metadata(live)
    place = "/" if metadata is None else f"{metadata.namespace}/{metadata.name}"
    return BadRequest(f"failed to create typed patch object ({place}; {kind.api_version}, Kind={kind.name}): {why}")


def _conflict(conflicts: Conflicts) -> Conflict:
    causes = [Cause(one.field, "FieldManagerConflict", f"conflict with {one.manager}") for one in conflicts.found]
    return Conflict(str(conflicts), causes=causes)


def _decoded(new: dict[str, Json], kind: Kind) -> Message:
    return versions.stored(codec.from_dict(new, kind, of_status=True))
