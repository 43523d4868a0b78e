"""CustomResourceDefinitions as they come and go, and the kinds that are there because of them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from podlab.api import definitions
from podlab.api.kinds import GroupKind, GroupResource
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.kinds.current import CurrentCatalog
from podlab.kinds.custom.definition import resource_of
from podlab.kinds.resource import Resource

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    """`digest` tells of all that its watchers would notice."""

    digest: bytes
    is_terminating: bool
    resource: Resource


class ServedDefinitions:
    """Adds the kinds of established definitions to a catalog, which has the built-in ones so far."""

    def __init__(self, kinds: CurrentCatalog) -> None:
        self._kinds = kinds
        self._builtin = kinds.catalog
        self._known: dict[str, _Known] = {}

    def take(self, changes: Iterable[tuple[str, CustomResourceDefinition | None]]) -> None:
        """Definitions as they are now, by name; None for one that is gone. The catalog changes once at most."""
        added: dict[GroupKind, Resource] = {}
        removed: dict[GroupKind, None] = {}
        for name, definition in changes:
            before = self._known.pop(name, None)
            after = self._served(definition, before)
            if after is not None:
                self._known[name] = after
            if before is after:
                continue
            if before is not None:
                added.pop(before.resource.group_kind, None)
                removed[before.resource.group_kind] = None
            if after is not None:
                removed.pop(after.resource.group_kind, None)
                added[after.resource.group_kind] = after.resource
        if added or removed:
            self._kinds.change(added.values(), removed)

    def _served(self, definition: CustomResourceDefinition | None, before: _Known | None) -> _Known | None:
        """None for a kind that is not served, or not yet."""
        if definition is None or not definitions.is_true(definition, definitions.ESTABLISHED):
            return None
        if definitions.storage_version(definition) is None or self._is_builtin(definition):
            return None
        digest = _digest(definition)
        terminating = definitions.is_true(definition, definitions.TERMINATING)
        same = before is not None and before.digest == digest
        if same and before is not None and before.is_terminating == terminating:
            return before
        known = before.resource if same and before is not None else None
        return _Known(digest, terminating, resource_of(definition, known))

    def _is_builtin(self, definition: CustomResourceDefinition) -> bool:
        group, names = definition.spec.group, definition.status.acceptedNames
        place = GroupResource(group, names.plural)
        if self._builtin.get(group, names.kind) is None and self._builtin.of_group_resource(place) is None:
            return False
        log.warning("%s is not served: there is a built-in kind of that name", definition.metadata.name)
        return True


def _digest(definition: CustomResourceDefinition) -> bytes:
    told = definition.spec.SerializeToString(deterministic=True)
    names = definition.status.acceptedNames.SerializeToString(deterministic=True)
    return hashlib.sha256(told + b"\0" + names).digest()
