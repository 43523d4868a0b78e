"""Nodes that somebody deleted: what was signed for such a node before is believed no longer.

A mark is written in the commit that removes the Node, and stays: a node that comes back under the name is believed by
a certificate that was made since, which a run of site.yml brings it. So neither the host that left nor a copy of its
disk gets in again.
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
    """What has to be committed when the Node goes."""
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
