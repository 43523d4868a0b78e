"""The kinds that there are. A catalog never changes: one more or one less makes another of a higher version."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.kinds import GroupKind, GroupResource, Kind
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.errors import NotFound
from podlab.kinds.resource import Resource, Version
from podlab.kinds.subresource import SCALE

Load = Callable[[], Resource]


@dataclass(frozen=True, slots=True)
class Served:
    """What can be said of a kind before its file is read: which of its versions there are, and whether it is stored.

    `versions` begins with the one that is stored, which need not be served; of a group's versions the first is the one
    to prefer.
    """

    versions: tuple[Kind, ...]
    stored: bool
    load: Load
    serves_first: bool = True

    @property
    def kind(self) -> Kind:
        return self.versions[0]


class Catalog:
    """Kinds by all that they are known by. A kind's own file is read when its `resource` is first asked for."""

    def __init__(self, served: Iterable[Served], version: int = 1) -> None:
        self.version = version
        self._served = {one.kind.group_kind: one for one in served}
        self._of_other_groups = _of_other_groups(self._served.values())
        self._resources: dict[GroupKind, Resource] = {}
        self._asked: dict[Kind | GroupKind | type[Message], Resource] = {}
        """By all that somebody has asked for: each write asks several times."""

    def with_resource(self, resource: Resource) -> Catalog:
        """One that has this kind too, instead of the one of its group and name."""
        return self.changed([resource])

    def without(self, group_kind: GroupKind) -> Catalog:
        """One that lacks the kind."""
        return self.changed((), [group_kind])

    def changed(self, added: Iterable[Resource], removed: Collection[GroupKind] = ()) -> Catalog:
        """One that lacks some kinds, and has others, each instead of the one of its group and name."""
        coming = {one.group_kind: _as_served(one) for one in added}
        changed = Catalog((), self.version + 1)
        changed._served = dict(self._served)  # whole copies: hundreds of kinds may come one after the other
        changed._resources = dict(self._resources)
        for gone in removed:
            changed._served.pop(gone, None)
        for other in {*removed, *coming}:
            changed._resources.pop(other, None)
        changed._served |= coming
        kept = {name: one for name, one in self._of_other_groups.items() if one.kind.group_kind not in coming}
        changed._of_other_groups = {name: one for name, one in kept.items() if one.kind.group_kind in changed._served}
        changed._of_other_groups |= _of_other_groups(coming.values())
        return changed

    @cached_property
    def stored(self) -> tuple[Kind, ...]:
        """Every kind whose objects are stored, in the version that is stored."""
        return tuple(one.kind for one in self._served.values() if one.stored)

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """Every version of every kind that is served; of a group's versions the first is the one to prefer."""
        first = [one.kind for one in self._served.values() if one.serves_first]
        return (*first, *(other for one in self._served.values() for other in one.versions[1:]))

    def __contains__(self, kind: Kind) -> bool:
        """Whether it is served, in this very version."""
        return self._by_place.get((kind.group, kind.version, kind.plural)) is kind

    def resource(self, kind: Kind | GroupKind | type[Message]) -> Resource:
        """All that is known of a kind, as it is in the version that is named, or in the stored one. Raises NotFound."""
        asked = self._asked.get(kind)
        if asked is None:
            asked = self._asked[kind] = self._resource(kind)
        return asked

    def _resource(self, kind: Kind | GroupKind | type[Message]) -> Resource:
        group_kind = kind if isinstance(kind, GroupKind) else kinds.known(kind).group_kind
        known = self._resources.get(group_kind)
        if known is None:
            served = self._found(group_kind)
            known = self._resources.get(served.kind.group_kind) or served.load()
            self._resources[served.kind.group_kind] = known
        if kind is known.kind or not isinstance(kind, Kind):
            return known
        version = next((one for one in known.other_versions if one.kind is kind), None)
        return known if version is None or version.resource is None else version.resource

    def version_of(self, kind: Kind) -> Version | None:
        """How objects of this version come from the stored one and become it; None for the stored version itself."""
        return self.resource(kind.group_kind).version(kind)

    def is_scalable(self, kind: GroupKind) -> bool:
        """Whether its objects have a number of replicas that others may set."""
        return kind in self._served and self.resource(kind).subresource(SCALE.name) is SCALE

    def kind_of(self, message: Message) -> Kind:
        """What an object is of, in the version that it says. Raises NotFound, for what messages alone do not tell."""
        if not isinstance(message, Custom):
            return kinds.of(message)
        found = self.of_api_version(message.api_version, message.kind)
        stored = self.get(*kinds.group_kind(message))
        if found is None and stored is not None and stored.api_version == message.api_version:
            found = stored
        if found is None:
            raise NotFound(f'no matches for kind "{message.kind}" in version "{message.api_version}"')
        return found

    def get(self, group: str, kind: str) -> Kind | None:
        """The kind of that group and name, as it is stored: maybe in another group."""
        found = self._known(GroupKind(group, kind))
        return found.kind if found is not None else None

    def find(self, group: str, kind: str) -> Kind | None:
        """As `named`; None when there is no such kind."""
        found = self.get(group, kind)
        if found is None and not group and (meant := self._groups_of_old.get(kind)):
            found = self.get(meant, kind)
        return found

    def named(self, group: str, kind: str) -> Kind:
        """The kind that a call names by its group and name. Raises NotFound.

        Calls of releases before said no group: an empty one with a kind that the core group has not means the one
        kind of that name that those releases had, which is one of the built-in ones.
        """
        found = self.find(group, kind)
        if found is None:
            known = ", ".join(one.name for one in self.stored)
            raise NotFound(f'no kind "{GroupKind(group, kind)}" is served; known kinds: {known}')
        return found

    def of_api_version(self, api_version: str, kind: str) -> Kind | None:
        """The kind that a manifest or a reference names, in just that version; None when that is not served."""
        return self._by_api_version.get((api_version, kind))

    def at(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind whose objects stand at that place of the REST API."""
        return self._by_place.get((group, version, plural))

    def of_group_resource(self, of: GroupResource) -> Kind | None:
        """The kind that permissions and quotas know by that name, as it is stored."""
        return self._by_group_resource.get(of)

    def resolve(self, word: str) -> Kind:
        """The kind that a person means by `deploy`, `deployments`, `Deployment` or `deployments.apps`: of two that go
        by one word the one that was there first. Raises NotFound."""
        kind = self._by_word.get(word.lower())
        if kind is None:
            raise NotFound(f'the server doesn\'t have a resource type "{word}"')
        return kind

    def in_category(self, word: str) -> list[Kind]:
        """The kinds that a word such as `all` stands for; none when it is no category."""
        return [kind for kind in self.stored if word.lower() in kind.categories]

    def _known(self, wanted: GroupKind) -> Served | None:
        """A kind by its own group and name, or by those of another group that serves it."""
        return self._served.get(wanted) or self._of_other_groups.get(wanted)

    def _found(self, group_kind: GroupKind) -> Served:
        found = self._known(group_kind)
        if found is None:
            raise NotFound(f'no kind "{group_kind}" is served')
        return found

    @cached_property
    def _by_place(self) -> dict[tuple[str, str, str], Kind]:
        return {(kind.group, kind.version, kind.plural): kind for kind in self.kinds}

    @cached_property
    def _by_api_version(self) -> dict[tuple[str, str], Kind]:
        return {(kind.api_version, kind.name): kind for kind in self.kinds}

    @cached_property
    def _by_group_resource(self) -> dict[GroupResource, Kind]:
        return {kind.group_resource: kind for kind in (*reversed(self.kinds), *self.stored)}

    @cached_property
    def _by_word(self) -> dict[str, Kind]:
        return {word: kind for kind in reversed(self.stored) for word in _words(kind)}

    @cached_property
    def _groups_of_old(self) -> dict[str, str]:
        """The group of each kind that releases before this knew by its name alone."""
        return {kind.name: kind.group for kind in reversed(kinds.enveloped())}


def _of_other_groups(served: Iterable[Served]) -> dict[GroupKind, Served]:
    """Kinds by what they are called in groups other than their own."""
    return {other.group_kind: one for one in served for other in one.versions if other.group != one.kind.group}


def _as_served(resource: Resource) -> Served:
    versions = (resource.kind, *(one.kind for one in resource.other_versions))
    return Served(versions, resource.stored, lambda: resource, resource.serves_stored_version)


def _words(kind: Kind) -> list[str]:
    return [
        word
        for base in (kind.plural, kind.singular, *kind.short_names)
        for word in (base, f"{base}.{kind.group}", f"{base}.{kind.version}.{kind.group}")
    ]
