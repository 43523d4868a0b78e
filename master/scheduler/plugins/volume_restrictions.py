"""VolumeRestrictions: a claim that only one pod may use is not given to a second one.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
"""

from __future__ import annotations

import numpy as np

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.plugins.protocol import Follows, Refusals, refuse

_ALONE = "ReadWriteOncePod"
_REASON = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"


class VolumeRestrictions:
    name = "VolumeRestrictions"
    follows = Follows.CLUSTER

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        storage = nodes.storage
        for name in info.shape.claims:
            claim = storage.claims.get((info.shape.namespace, name))
            if claim is not None and _ALONE in claim.spec.accessModes and storage.is_used((info.shape.namespace, name)):
                return refuse(np.ones(nodes.length(rows), np.bool_), _REASON, final=False)
        return None
