"""Sees that the default roles and bindings are there, at start and when there are other kinds. What users added to
them stays.

An object whose annotation `rbac.authorization.kubernetes.io/autoupdate` is "false" is left as it is.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from master.apiserver.admission.rules.escalation import missing_rules
from master.apiserver.authorization.component_roles import COMPONENT_BINDINGS, component_roles
from master.apiserver.authorization.default_roles import AUTOUPDATE, USER_BINDINGS, USER_ROLES
from master.apiserver.registry import changes
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from master.store.contract import Put
from master.store.errors import Mismatch
from podlab.api import kinds
from podlab.api.aggregation import aggregated
from podlab.api.values import times
from podlab.errors import Conflict
from podlab.kinds.catalog import Catalog
from podlab.meta.v1 import meta_pb2
from podlab.rbac.v1 import rbac_pb2

Default = rbac_pb2.ClusterRole | rbac_pb2.ClusterRoleBinding
_ATTEMPTS = 5

log = logging.getLogger(__name__)


def defaults(catalog: Catalog) -> Iterator[Default]:
    """What there is to be. Roles that gather others have all rules from the first moment on."""
    roles = {role.metadata.name: role for role in (*USER_ROLES, *component_roles(catalog))}
    for name in ("view", "edit", "admin"):  # each is part of the next
        gathering = rbac_pb2.ClusterRole()
        gathering.CopyFrom(roles[name])
        gathering.rules.extend(aggregated(gathering, roles.values()))
        roles[name] = gathering
    yield from roles.values()
    yield from (*USER_BINDINGS, *COMPONENT_BINDINGS)


def reconciled(wanted: Default, found: Any) -> Default:
    """What the object that was found has to become; itself, when nothing is missing."""
    if found.metadata.annotations.get(AUTOUPDATE) == "false":
        return found  # type: ignore[no-any-return]
    if isinstance(wanted, rbac_pb2.ClusterRoleBinding) and found.roleRef != wanted.roleRef:
        return wanted  # a binding cannot change its role: it is made anew
    new = type(wanted)()
    new.CopyFrom(found)
    for mine, theirs in (
        (new.metadata.labels, wanted.metadata.labels),
        (new.metadata.annotations, wanted.metadata.annotations),
    ):
        for key, value in theirs.items():
            mine.setdefault(key, value)
    if isinstance(new, rbac_pb2.ClusterRole):
        assert isinstance(wanted, rbac_pb2.ClusterRole)
        _add_rules(new, wanted)
    elif isinstance(wanted, rbac_pb2.ClusterRoleBinding):
        new.subjects.extend(one for one in wanted.subjects if one not in new.subjects)
    return new


def _add_rules(new: rbac_pb2.ClusterRole, wanted: rbac_pb2.ClusterRole) -> None:
    if wanted.HasField("aggregationRule"):  # its rules are the controller's
        mine, theirs = new.aggregationRule.clusterRoleSelectors, wanted.aggregationRule.clusterRoleSelectors
        mine.extend(one for one in theirs if one not in mine)
    else:
        new.rules.extend(missing_rules(new.rules, wanted.rules))


@dataclass(frozen=True, slots=True)
class DefaultRoles:
    """`ensure` once before the server answers."""

    cache: Cache
    clock: Callable[[], meta_pb2.Time] = times.now

    async def run(self) -> None:
        """See to it again whenever there are other kinds."""
        changed = asyncio.Event()
        self.cache.kinds.follow(lambda _: changed.set())
        changed.clear()
        while True:
            await changed.wait()
            changed.clear()
            await self.ensure()

    async def ensure(self) -> None:
        """In one commit, or few. Raises Conflict when another apiserver does the same again and again."""
        for _ in range(_ATTEMPTS):
            await self.cache.reach(await self.cache.moments.now())
            puts = list(self._puts(defaults(self.cache.catalog)))
            if not puts:
                return
            try:
                for batch in self.cache.store.limits.batches(puts):
                    await self.cache.store.commit(batch)
            except Mismatch as error:
                await self.cache.reach(error.found)
            else:
                log.info("wrote %d default roles and bindings", len(puts))
                return
        raise Conflict(f"the default roles were changed by others {_ATTEMPTS} times in a row; start again")

    def _puts(self, wanted: Iterable[Default]) -> Iterator[Put]:
        for one in wanted:
            kind = kinds.of(one)
            key = keys.object_key(kind, "", one.metadata.name)
            entry = self.cache.get(kind, key)
            found = entry.message() if entry is not None else None
            new = one if found is None else reconciled(one, found)
            if new == found:
                continue
            stored = copy.deepcopy(new)
            if not stored.metadata.uid:
                resource = self.cache.catalog.resource(kind)
                changes.begin(stored, resource.strategy, str(uuid.uuid4()), self.clock())
                changes.set_defaults(stored, resource)
            stored.metadata.resourceVersion = ""
            yield Put(key, stored.SerializeToString(), entry.revision if entry is not None else 0)
