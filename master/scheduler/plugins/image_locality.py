"""ImageLocality: prefers nodes that have the pod's images, the larger the better.

An image that many nodes have counts for more, so that pods do not pile up on the one node that has it.
https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from master.scheduler.plugins.protocol import MAX_SCORE, Scores
from master.scheduler.podinfo import PodInfo
from master.scheduler.snapshot import Snapshot

_MEGABYTE = 1024 * 1024
SMALLEST_BYTES = 23 * _MEGABYTE
LARGEST_BYTES = 1000 * _MEGABYTE  # for each container


class ImageLocality:
    name = "ImageLocality"
    weight = 1

    def score(self, info: PodInfo, nodes: Snapshot, rows: NDArray[np.int64]) -> Scores | None:
        present = np.zeros(nodes.size, np.int64)
        for image in info.images:
            sizes = nodes.image_sizes(image)
            if sizes is not None:
                present += sizes * np.count_nonzero(sizes) // max(nodes.count, 1)
        largest = LARGEST_BYTES * max(len(info.images), 1)
        clipped = np.clip(present[rows], SMALLEST_BYTES, largest)
        scores: Scores = MAX_SCORE * (clipped - SMALLEST_BYTES) // (largest - SMALLEST_BYTES)
        return scores
