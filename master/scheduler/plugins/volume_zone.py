"""VolumeZone: refuses nodes that are not in the zones and regions of a volume's labels.

https://kubernetes.io/docs/reference/labels-annotations-taints/#topologykubernetesiozone
"""

from __future__ import annotations

import numpy as np

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.plugins.protocol import Follows, Refusals, refuse
from podlab.api.selection.labels import LEGACY_REGION_LABEL, LEGACY_ZONE_LABEL, REGION_LABEL, ZONE_LABEL
from podlab.core.v1 import pod_pb2

LABELS = (ZONE_LABEL, REGION_LABEL, LEGACY_ZONE_LABEL, LEGACY_REGION_LABEL)
# A volume that is in several zones names them so.
_SEPARATOR = "__"


class VolumeZone:
    name = "VolumeZone"
    follows = Follows.CLUSTER

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        bound = nodes.storage.claims_of(info.shape).bound if info.shape.claims else ()
        labels = [volume.metadata.labels for volume in bound]
        wanted = [(label, each[label]) for each in labels for label in LABELS if label in each]
        if not wanted:
            return None
        fits = np.ones(nodes.size, np.bool_)
        for label, value in wanted:
            values = value.split(_SEPARATOR)
            requirement = pod_pb2.NodeSelectorRequirement(key=label, operator="In", values=values)
            fits &= nodes.labels.column(label).matches(requirement)[: nodes.size]
        in_a_zone = np.zeros(nodes.size, np.bool_)
        for label in LABELS:  # a node without zone or region fits all volumes
            anything = pod_pb2.NodeSelectorRequirement(key=label, operator="Exists")
            in_a_zone |= nodes.labels.column(label).matches(anything)[: nodes.size]
        return refuse((in_a_zone & ~fits)[rows], "node(s) had no available volume zone", final=True)
