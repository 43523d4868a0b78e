"""NodeVolumeLimits: no node gets more volumes of a driver than the driver says that it takes.

https://kubernetes.io/docs/concepts/storage/storage-limits/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from master.scheduler.cache.pod_info import PodInfo, PodShape
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.cache.storage import Storage
from master.scheduler.plugins.protocol import Follows, Refusals, refuse
from podlab.api.pods.attachments import driver_of

_REASON = "node(s) exceed max volume count"


class NodeVolumeLimits:
    name = "NodeVolumeLimits"
    follows = Follows.CLUSTER

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        storage = nodes.storage
        wanted = _volumes([info.shape], storage) if storage.limits else {}
        if not wanted:
            return None
        names = nodes.names
        numbers = range(nodes.size) if isinstance(rows, slice) else rows.tolist()
        full = [self._is_full(names[row], wanted, nodes) for row in numbers]
        return refuse(np.array(full, np.bool_), _REASON, final=False) if any(full) else None

    def _is_full(self, node: str, wanted: dict[str, set[str]], nodes: Snapshot) -> bool:
        limits = nodes.storage.limits.get(node)
        if not limits or not limits.keys() & wanted.keys():
            return False
        there = _volumes((each.shape for each in nodes.pods_on(node)), nodes.storage)
        return any(
            handles - there[driver] and len(handles | there[driver]) > limits[driver]
            for driver, handles in wanted.items()
            if driver in limits
        )


def _volumes(shapes: Iterable[PodShape], storage: Storage) -> defaultdict[str, set[str]]:
    """The volumes that the pods' claims have, by driver. A claim whose volume is to be made counts as one, too."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for shape in shapes:
        for name in shape.claims:
            claim = storage.claims.get((shape.namespace, name))
            volume = storage.volumes.get(claim.spec.volumeName) if claim is not None else None
            if volume is not None and (driver := driver_of(volume)):
                found[driver].add(volume.spec.persistentVolumeSource.csi.volumeHandle)
            elif claim is not None and not claim.spec.volumeName and claim.spec.storageClassName in storage.classes:
                found[storage.classes[claim.spec.storageClassName].provisioner].add(f"{shape.namespace}/{name}")
    return found
