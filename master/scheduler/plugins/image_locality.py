"""ImageLocality: prefers nodes that have the pod's images, the larger the better.

An image counts by the share of nodes that have it, so that pods do not pile up on the only node that has it.
https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins
"""

from __future__ import annotations

import numpy as np

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.plugins.protocol import MAX_SCORE, Follows, Scores

_MEGABYTE = 1024 * 1024
SMALLEST_BYTES = 23 * _MEGABYTE
LARGEST_BYTES = 1000 * _MEGABYTE  # for each container


class ImageLocality:
    name = "ImageLocality"
    follows = Follows.NODE
    normalize = None

    def score(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Scores | None:
        images = info.shape.images
        found = [sizes for image in images if (sizes := nodes.image_states.sizes(image, nodes.size)) is not None]
        if not found:
            return None
        present = np.zeros(nodes.size, np.int64)
        for sizes in found:
            present += sizes * np.count_nonzero(sizes) // max(nodes.count, 1)
        largest = LARGEST_BYTES * len(images)
        clipped = np.clip(present[rows], SMALLEST_BYTES, largest)
        scores: Scores = MAX_SCORE * (clipped - SMALLEST_BYTES) // (largest - SMALLEST_BYTES)
        return scores
