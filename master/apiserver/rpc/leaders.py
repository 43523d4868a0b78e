"""Which of several schedulers is asked: the one that holds the Lease."""

from __future__ import annotations

from master.apiserver.egress.kubelet.target import Target
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds
from podlab.client.leaderelection.decide import ADDRESS, NAMESPACE
from podlab.coordination.v1.lease_pb2 import Lease

SCHEDULER_LEASE = "kube-scheduler"


def scheduler(cache: Cache, default: str) -> Target:
    """The scheduler that leads; where none does or it says no address, the one at `default`."""
    kind = kinds.of(Lease)
    entry = cache.get(kind, keys.object_key(kind, NAMESPACE, SCHEDULER_LEASE))
    if entry is None:
        return Target("the scheduler", default)
    lease = entry.message_as(Lease)
    address = lease.metadata.annotations.get(ADDRESS, "") if lease.spec.holderIdentity else ""
    return Target("the scheduler", address or default)
