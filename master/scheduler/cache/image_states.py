"""The container images on each node, and their sizes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.pod_info import normalized_image
from podlab.core.v1.node_pb2 import Node


class ImageStates:
    """Images are known by name with tag. An image with several names is known by each of them."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[int, int]] = {}  # image name -> row -> bytes
        self._by_row: dict[int, dict[str, int]] = {}  # row -> image name -> bytes
        self._sizes: dict[str, NDArray[np.int64]] = {}  # a cache of `sizes`, by image name

    def set(self, row: int, node: Node | None) -> bool:
        """Takes in the node's images, or none for None. True when the row's images changed."""
        images = node.status.images if node is not None else ()
        found = {normalized_image(name): image.sizeBytes for image in images for name in image.names}
        if self._by_row.get(row, {}) == found:
            return False
        for name in self._by_row.pop(row, ()):
            rows = self._rows[name]
            rows.pop(row, None)
            self._sizes.pop(name, None)
            if not rows:
                del self._rows[name]
        for name, size in found.items():
            self._rows.setdefault(name, {})[row] = size
            self._sizes.pop(name, None)
        self._by_row[row] = found
        return True

    def sizes(self, name: str, size: int) -> NDArray[np.int64] | None:
        """The image's bytes on each of `size` rows, 0 where it is absent; None when no node has the image."""
        rows = self._rows.get(name)
        if rows is None:
            return None
        sizes = self._sizes.get(name)
        if sizes is None or len(sizes) < size:
            sizes = np.zeros(size, np.int64)
            sizes[list(rows)] = list(rows.values())
            self._sizes[name] = sizes
        return sizes[:size]
