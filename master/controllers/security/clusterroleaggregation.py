"""Writes into each ClusterRole that has an aggregationRule the rules of those that it selects."""

from __future__ import annotations

import logging
from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from podlab.api.aggregation import aggregated
from podlab.api.objects import Key, key
from podlab.client.client import Client
from podlab.client.informer import Change, Informer
from podlab.rbac.v1 import rbac_pb2

log = logging.getLogger(__name__)


class ClusterRoleAggregationController:
    """Keys are those of ClusterRoles with an aggregationRule."""

    name: Final = "clusterrole_aggregation"

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._roles: Informer[rbac_pb2.ClusterRole] = informers.of(rbac_pb2.ClusterRole)
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        self._roles.on_change(self._role_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        role = self._roles.store.get(at)
        if role is None or not role.HasField("aggregationRule") or role.metadata.HasField("deletionTimestamp"):
            return
        rules = aggregated(role, self._roles.store.values())
        if rules == list(role.rules):
            return
        changed = rbac_pb2.ClusterRole()
        changed.CopyFrom(role)
        del changed.rules[:]
        changed.rules.extend(rules)
        await self._client.update(changed)
        log.info("%s: has %d rules, gathered from others", at, len(rules))

    def _role_changed(self, _: Change[rbac_pb2.ClusterRole]) -> None:
        """Which roles gather the one that changed depends on its labels before and after: all of them look."""
        for role in self._roles.store.values():
            if role.HasField("aggregationRule"):
                self._loop.queue.add(key(role))
