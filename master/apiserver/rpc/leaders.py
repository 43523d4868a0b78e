"""Which of several schedulers, or controllers, is asked: the one that holds the Lease."""

from __future__ import annotations

from master.apiserver.egress.kubelet.target import Target
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds
from podlab.client.leaderelection.decide import ADDRESS, NAMESPACE
from podlab.coordination.v1.lease_pb2 import Lease

SCHEDULER_LEASE, CONTROLLERS_LEASE = "kube-scheduler", "kube-controller-manager"


def scheduler(cache: Cache, default: str) -> Target:
    """The scheduler that leads; where none does or it says no address, the one at `default`."""
    return Target("the scheduler", _address(cache, SCHEDULER_LEASE) or default)


def controllers(cache: Cache, default: str) -> Target:
    """The same for the controllers."""
    return Target("the controllers", _address(cache, CONTROLLERS_LEASE) or default)


def _address(cache: Cache, lease_name: str) -> str:
    kind = kinds.of(Lease)
    entry = cache.get(kind, keys.object_key(kind, NAMESPACE, lease_name))
    if entry is None:
        return ""
    lease = entry.message_as(Lease)
    return lease.metadata.annotations.get(ADDRESS, "") if lease.spec.holderIdentity else ""
