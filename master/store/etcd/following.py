"""What the answers of a watch tell: whole commits, in order, after the revision that was seen last. Pure."""

from __future__ import annotations

from master.store.contract import Change
from master.store.etcd.keyspace import Keyspace
from podlab.foreign.etcd.v3 import rpc_pb2 as rpc


class Following:
    """One stream of answers. etcd splits what is larger than a request may be, and marks all parts but the last."""

    def __init__(self, space: Keyspace, seen: int) -> None:
        self._space = space
        self.seen = seen
        """The last revision that was told of."""
        self._parts: list[rpc.Event] = []

    def taken(self, answer: rpc.WatchResponse) -> list[Change]:
        """The changes that are whole with this answer; none for one that is a part, or tells nothing new."""
        self._parts += answer.events
        if answer.fragment or not self._parts:
            return []
        changes = [self._change(event) for event in self._parts if event.kv.mod_revision > self.seen]
        self._parts = []
        if changes:
            self.seen = changes[-1].revision
        return changes

    def _change(self, event: rpc.Event) -> Change:
        kv = event.kv
        key = self._space.decoded(kv.key)
        if event.type == rpc.Event.DELETE:
            return Change(kv.mod_revision, key, None, event.prev_kv.create_revision)
        return Change(kv.mod_revision, key, kv.value, kv.create_revision)
