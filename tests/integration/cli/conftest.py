"""The command line of a running API server's administrator."""

from __future__ import annotations

from pathlib import Path

import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.command_line import Podlab, configure


@pytest.fixture
def podlab(tmp_path: Path, cluster: Cluster) -> Podlab:
    """The command line of a running API server's administrator."""
    directory = tmp_path / "user"
    directory.mkdir()
    return configure(directory, cluster.server, cluster.authority.tls())
