"""VolumeRestrictions: a claim with ReadWriteOncePod is not given to a second pod.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
"""

from __future__ import annotations

import numpy as np

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.plugins.protocol import Follows, Refusals, refuse

_ONE_POD = "ReadWriteOncePod"
_REASON = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"


class VolumeRestrictions:
    name = "VolumeRestrictions"
    follows = Follows.CLUSTER

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        storage = nodes.storage
        for name in info.shape.claims:
            claim = storage.claims.get((info.shape.namespace, name))
            if (
                claim is not None
                and _ONE_POD in claim.spec.accessModes
                and storage.is_used((info.shape.namespace, name))
            ):
                return refuse(np.ones(nodes.length(rows), np.bool_), _REASON, final=False)
        return None
