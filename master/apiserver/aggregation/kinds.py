"""The kinds that other servers serve, beside those that are served here: what calls over gRPC may name.

Of each no more is known than discovery tells: names, scope, and whether it has a status. So is a kind of a definition
known to clients that have no schemas, and so it is told to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from master.apiserver.aggregation.discovered import Object
from master.apiserver.aggregation.documents import RemoteDocuments
from master.apiserver.aggregation.priorities import GroupVersion
from master.apiserver.aggregation.services import ApiServices
from podlab.api import definitions
from podlab.api.kinds import GroupKind, Kind
from podlab.api.values import versions
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.apiregistration.v1.apiservice_pb2 import APIService
from podlab.kinds.current import CurrentCatalog
from podlab.kinds.custom.definition import resource_of
from podlab.kinds.resource import Resource

# What lacks one of these is no kind of objects that are kept, and that the garbage collector could follow: reviews,
# and figures.
_KEPT: Final = frozenset({"delete", "get", "list", "watch"})


class RemoteKinds:
    """`catalog` has them and those of this server, whose own go before. Lives in the event loop."""

    def __init__(self, local: CurrentCatalog, services: ApiServices, documents: RemoteDocuments) -> None:
        self.catalog = CurrentCatalog(local.catalog)
        self._local = local
        self._services = services
        self._documents = documents
        self._known: dict[GroupKind, tuple[CustomResourceDefinition, GroupVersion, Resource]] = {}

    def start(self) -> None:
        """From now on they follow what this server and others serve."""
        self._documents.follow(self._become)
        self._local.follow(lambda _: self._become())

    def definitions(self) -> list[CustomResourceDefinition]:
        """What clients have to know of each."""
        return [definition for definition, _, _ in self._known.values()]

    def service(self, kind: Kind) -> APIService | None:
        """Who answers for the kind; None for this server."""
        known = self._known.get(kind.group_kind)
        return self._services.remote(known[1]) if known is not None else None

    def _become(self) -> None:
        local, before, self._known = self._local.catalog, self._known, {}
        for at in _preferred_first(list(self._documents.known)):
            for definition in described(at, self._documents.known[at].resources):
                group_kind = GroupKind(at.group, definition.status.acceptedNames.kind)
                if group_kind in self._known or local.get(*group_kind) is not None:
                    continue
                old = before.get(group_kind)
                same = old is not None and old[0] == definition
                made = old[2] if same and old is not None else resource_of(definition)
                self._known[group_kind] = definition, at, made
        self.catalog.become(local.changed([resource for _, _, resource in self._known.values()]))


def described(at: GroupVersion, resources: Sequence[Object]) -> Iterator[CustomResourceDefinition]:
    """The resources of a group version as definitions that are established. Pure."""
    for one in resources:
        kind = one["responseKind"]["kind"]
        if not kind or not set(one["verbs"]) >= _KEPT:
            continue
        made = CustomResourceDefinition()
        made.metadata.name = f"{one['resource']}.{at.group}"
        made.spec.group, made.spec.scope = at.group, one["scope"]
        names = made.spec.names
        names.kind, names.plural, names.listKind = kind, one["resource"], f"{kind}List"
        names.singular = one.get("singularResource") or kind.lower()
        names.shortNames.extend(one.get("shortNames", ()))
        names.categories.extend(one.get("categories", ()))
        version = made.spec.versions.add(name=at.version, served=True, storage=True)
        if any(below["subresource"] == "status" for below in one.get("subresources", ())):
            version.subresources.status.SetInParent()
        made.status.acceptedNames.CopyFrom(names)
        made.status.storedVersions.append(at.version)
        made.status.conditions.add(type=definitions.ESTABLISHED, status="True")
        yield made


def _preferred_first(found: Sequence[GroupVersion]) -> list[GroupVersion]:
    """Of a group's versions the one to prefer first."""
    return sorted(found, key=lambda at: versions.priority(at.version), reverse=True)
