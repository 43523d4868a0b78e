"""Keeps the revisions of one kind's owners: makes what is missing, and deletes what is too old."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from master.controllers.framework.adoption import adopt_and_release
from master.controllers.framework.informers import Informers
from master.controllers.objects.ownership import claim
from master.controllers.workloads.controllerrevisions.decide import (
    Revision,
    find,
    new_revision,
    next_number,
    ordered,
    outdated,
    renumbered,
)
from podlab.api import kinds
from podlab.api.objects import Key, controller_of, key, owner_kind
from podlab.api.selection import selectors
from podlab.apps.v1 import daemonset_pb2, statefulset_pb2
from podlab.client.client import Client
from podlab.client.informer import Change
from podlab.client.workqueue import WorkQueue
from podlab.errors import AlreadyExists, NotFound

O = TypeVar("O", daemonset_pb2.DaemonSet, statefulset_pb2.StatefulSet)  # noqa: E741
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KnownRevisions:
    """An owner's revisions, oldest first; `newest` has its present template. `collisions` goes into its status."""

    revisions: Sequence[Revision]
    newest: Revision
    collisions: int


class RevisionHistory(Generic[O]):
    """The revisions of all owners of one kind. Adds an owner's key to `queue` when one of its revisions changes."""

    def __init__(self, kind: type[O], client: Client, informers: Informers, queue: WorkQueue[Key]) -> None:
        self._kind = kinds.of(kind).group_kind
        self._client = client
        self._informers = informers
        self._queue = queue
        informers.revisions.on_change(self._changed)

    async def known(self, owner: O) -> KnownRevisions:
        """Makes the revision of the present template where it is missing. Raises Conflict on a stale view."""
        candidates = [
            *self._informers.revisions_by_controller.get(owner.metadata.uid),
            *self._informers.orphan_revisions.get(owner.metadata.namespace),
        ]
        claimed = claim(owner.metadata, selectors.from_message(owner.spec.selector), candidates)
        revisions = ordered(await adopt_and_release(self._client, owner, claimed))
        collisions = owner.status.collisionCount
        newest, last = find(owner, revisions), next_number(revisions) - 1
        if newest is None:
            newest, collisions = await self._create(owner, last + 1)
        elif newest.revision < last:
            newest = await self._client.update(renumbered(newest, last + 1))
            log.info("%s goes back to %s, now revision %d", key(owner), key(newest), newest.revision)
        others: list[Revision] = [one for one in revisions if one.metadata.uid != newest.metadata.uid]
        return KnownRevisions([*others, newest], newest, collisions)

    async def prune(self, owner: O, known: KnownRevisions, in_use: Iterable[str]) -> None:
        """Deletes what the history limit has no room for. `in_use` are names of revisions that pods still have."""
        limit = owner.spec.revisionHistoryLimit
        for old in outdated(known.revisions, {known.newest.metadata.name, *in_use}, limit):
            try:
                await self._client.delete(Revision, old.metadata.name, old.metadata.namespace, uid=old.metadata.uid)
            except NotFound:
                continue
            log.info("%s deleted %s, which its history limit has no room for", key(owner), key(old))

    async def _create(self, owner: O, number: int) -> tuple[Revision, int]:
        """The revision, and how many names were met that another template has."""
        collisions = owner.status.collisionCount
        while True:
            wanted = new_revision(owner, number, collisions)
            try:
                made = await self._client.create(wanted)
            except AlreadyExists:
                found = await self._client.get(Revision, wanted.metadata.name, wanted.metadata.namespace)
                controller = controller_of(found.metadata)
                if controller is not None and controller.uid == owner.metadata.uid and find(owner, [found]):
                    return found, collisions
                log.warning("%s: the name %s is taken by another revision", key(owner), wanted.metadata.name)
                collisions += 1
            else:
                log.info("%s created %s, revision %d", key(owner), key(made), number)
                return made, collisions

    def _changed(self, change: Change[Revision]) -> None:
        for revision in (change.old, change.new):
            controller = controller_of(revision.metadata) if revision is not None else None
            if controller is not None and owner_kind(controller) == self._kind:
                self._queue.add(Key(self._kind, change.key.namespace, controller.name))
