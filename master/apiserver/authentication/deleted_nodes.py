"""Deleted nodes: certificates that were signed for such a node before its deletion are refused.

The commit that removes the Node writes a mark, which stays. A node that comes back under the same name needs a newer
certificate, which a run of site.yml gives it. So the removed host does not get in again, nor does a copy of its disk.
"""

from __future__ import annotations

from datetime import UTC, datetime

from master.apiserver.authentication.user import User
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from master.store.contract import Put
from podlab.errors import Unauthorized
from podlab.meta.v1 import meta_pb2

POOL = "departedNodes"


def departing(name: str, now: meta_pb2.Time) -> list[Put]:
    """What must be committed together with the deletion of the Node."""
    return [Put(keys.claim_key(POOL, name), str(now.seconds).encode(), None)]


def check(user: User, cache: Cache) -> None:
    """Raises Unauthorized, about the node, for a certificate that was made before its node was deleted."""
    certified = user.certified
    for name in certified.nodes if certified is not None else ():
        mark = cache.claims.get(keys.claim_key(POOL, name))
        if certified is not None and mark is not None and certified.made_at <= int(mark):
            when = datetime.fromtimestamp(int(mark), UTC)
            raise Unauthorized(
                f"node {name} was removed from the cluster on {when:%Y-%m-%d at %H:%M:%S} UTC, and this certificate is "
                "older: a run of site.yml brings the node back, if it is in the inventory",
                kind="nodes",
                name=name,
            )
