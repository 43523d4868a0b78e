"""What breaks masters: on a lab of its own, which is gone at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from podlab_testing.own_clusters import MakeCluster, cluster_maker


@pytest.fixture(scope="module")
def make_cluster() -> Iterator[MakeCluster]:
    if os.geteuid() != 0:
        pytest.skip("lab hosts need root")
    yield from cluster_maker("c")
