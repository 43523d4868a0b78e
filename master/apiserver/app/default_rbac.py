"""Creates the default roles and bindings, and adds to stored ones what they lack: at start, and after kinds change.

It removes nothing that users have added, but what an earlier release gave and this one takes back. It leaves an object
alone whose annotation `rbac.authorization.kubernetes.io/autoupdate` is "false".
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from master.apiserver.admission.rules.escalation import missing_rules
from master.apiserver.authorization.component_roles import COMPONENT_BINDINGS, KUBE_SYSTEM, RETIRED, component_roles
from master.apiserver.authorization.controller_roles import CONTROLLER_BINDINGS, CONTROLLER_ROLES
from master.apiserver.authorization.default_roles import AUTOUPDATE, USER_BINDINGS, user_roles
from master.apiserver.registry import changes
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from master.store.contract import Put
from master.store.errors import Closed, Mismatch, StoreError
from podlab.api import kinds
from podlab.api.aggregation import aggregated
from podlab.api.values import times
from podlab.errors import ApiError, Conflict
from podlab.kinds.catalog import Catalog
from podlab.kinds.current import CurrentCatalog
from podlab.meta.v1 import meta_pb2
from podlab.rbac.v1 import rbac_pb2

Default = rbac_pb2.ClusterRole | rbac_pb2.ClusterRoleBinding | rbac_pb2.Role | rbac_pb2.RoleBinding
_Role = rbac_pb2.ClusterRole | rbac_pb2.Role
# Kinds come many at a time: the roles are written once for all of them.
GATHERED_S = 0.5
AGAIN_S = 5.0
_ATTEMPTS = 5

log = logging.getLogger(__name__)


def defaults(catalog: Catalog) -> Iterator[Default]:
    """The default objects. Aggregated roles have their rules already, before the controller has added them."""
    roles = {role.metadata.name: role for role in (*user_roles(catalog), *component_roles(catalog), *CONTROLLER_ROLES)}
    for name in ("view", "edit", "admin"):  # each is part of the next
        role = rbac_pb2.ClusterRole()
        role.CopyFrom(roles[name])
        role.rules.extend(aggregated(role, roles.values()))
        roles[name] = role
    yield from roles.values()
    yield from (*USER_BINDINGS, *COMPONENT_BINDINGS, *CONTROLLER_BINDINGS, *KUBE_SYSTEM)


def reconciled(default: Default, stored: Default) -> Default:
    """The stored object with what it lacks of the default, equal to it when it lacks nothing. Neither is changed.

    A binding to another role becomes the default, because a binding cannot change its role.
    """
    if stored.metadata.annotations.get(AUTOUPDATE) == "false":
        return stored
    new = changes.copied(stored)
    if isinstance(default, rbac_pb2.ClusterRoleBinding | rbac_pb2.RoleBinding):
        assert isinstance(new, rbac_pb2.ClusterRoleBinding | rbac_pb2.RoleBinding)
        if new.roleRef != default.roleRef:
            return default
        new.subjects.extend(subject for subject in default.subjects if subject not in new.subjects)
    else:
        assert isinstance(new, rbac_pb2.ClusterRole | rbac_pb2.Role)
        kept = [each for each in new.rules if each not in RETIRED.get(default.metadata.name, ())]
        del new.rules[:]
        new.rules.extend(kept)
        _add_rules(new, default)
    for mine, theirs in (
        (new.metadata.labels, default.metadata.labels),
        (new.metadata.annotations, default.metadata.annotations),
    ):
        for key, value in theirs.items():
            mine.setdefault(key, value)
    return new


def _add_rules(new: _Role, default: _Role) -> None:
    if isinstance(new, rbac_pb2.Role) or isinstance(default, rbac_pb2.Role) or not default.HasField("aggregationRule"):
        new.rules.extend(missing_rules(new.rules, default.rules))
        return
    # The aggregation controller writes the rules.
    mine, theirs = new.aggregationRule.clusterRoleSelectors, default.aggregationRule.clusterRoleSelectors
    mine.extend(one for one in theirs if one not in mine)


@dataclass(frozen=True, slots=True)
class DefaultRoles:
    """Call `ensure` once before the server answers, and let `run` run until the server stops."""

    cache: Cache
    kinds: CurrentCatalog
    """Those that components may meet: what other API servers serve is among them."""
    clock: Callable[[], meta_pb2.Time] = times.now

    async def run(self) -> None:
        """Call `ensure` each time that the catalog of kinds changes, until the store is closed."""
        changed = asyncio.Event()
        self.kinds.follow(lambda _: changed.set())
        changed.clear()
        while True:
            await changed.wait()
            await asyncio.sleep(GATHERED_S)
            changed.clear()
            try:
                await self.ensure()
            except Closed:
                return
            except (ApiError, StoreError) as error:
                log.warning("cannot write the default roles: %s; again in %.0f s", error, AGAIN_S)
                asyncio.get_running_loop().call_later(AGAIN_S, changed.set)

    async def ensure(self) -> None:
        """Write what is missing, in as few commits as the store allows. Raises Conflict after _ATTEMPTS attempts."""
        for _ in range(_ATTEMPTS):
            await self.cache.reach(await self.cache.moments.now())
            puts = list(self._puts(defaults(self.kinds.catalog)))
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

    def _puts(self, objects: Iterable[Default]) -> Iterator[Put]:
        for default in objects:
            kind = kinds.of(default)
            key = keys.object_key(kind, default.metadata.namespace, default.metadata.name)
            entry = self.cache.get(kind, key)
            stored = entry.message_as(type(default)) if entry is not None else None
            reconciled_object = default if stored is None else reconciled(default, stored)
            if reconciled_object == stored:
                continue
            new = changes.copied(reconciled_object)
            if not new.metadata.uid:
                resource = self.cache.catalog.resource(kind)
                changes.begin(new, resource, str(uuid.uuid4()), self.clock())
                changes.set_defaults(new, resource)
            new.metadata.resourceVersion = ""
            yield Put(key, new.SerializeToString(), entry.revision if entry is not None else 0)
