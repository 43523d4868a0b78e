"""Which nodes have which images, and how large these are there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.pod_info import normalized_image
from podlab.core.v1.node_pb2 import Node


class Images:
    """By name with a tag; an image under several names is there under each."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[int, int]] = {}  # image name -> row -> bytes
        self._of: dict[int, dict[str, int]] = {}  # row -> image name -> bytes
        self._sizes: dict[str, NDArray[np.int64]] = {}  # those that were asked for since they changed

    def set(self, row: int, node: Node | None) -> bool:
        """True when the row's images are others than before; None takes them all away."""
        images = node.status.images if node is not None else ()
        found = {normalized_image(name): image.sizeBytes for image in images for name in image.names}
        if self._of.get(row, {}) == found:
            return False
        for name in self._of.pop(row, ()):
            rows = self._rows[name]
            rows.pop(row, None)
            self._sizes.pop(name, None)
            if not rows:
                del self._rows[name]
        for name, size in found.items():
            self._rows.setdefault(name, {})[row] = size
            self._sizes.pop(name, None)
        self._of[row] = found
        return True

    def sizes(self, name: str, size: int) -> NDArray[np.int64] | None:
        """For each of so many rows the bytes of the image there, 0 where it is not; None when no node has it."""
        rows = self._rows.get(name)
        if rows is None:
            return None
        sizes = self._sizes.get(name)
        if sizes is None or len(sizes) < size:
            sizes = np.zeros(size, np.int64)
            sizes[list(rows)] = list(rows.values())
            self._sizes[name] = sizes
        return sizes[:size]
