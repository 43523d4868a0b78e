"""Real control groups of this machine, below one of the test's own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.kubelet.cgroups import groups, removal
from node.kubelet.cgroups.groups import Groups, Hierarchy


@pytest.fixture
def hierarchies() -> Iterator[tuple[Hierarchy, ...]]:
    """As they are mounted here, each from a group of the test's own on."""
    own = f"podlab-test-{uuid.uuid4().hex[:8]}"
    whole = groups.mounted()
    assert whole, "no control groups are mounted"
    made = tuple(Hierarchy(each.path / own, each.unified) for each in whole)
    for each in made:
        each.path.mkdir()
    yield made
    Groups(whole).remove(own)
    assert not any(each.path.exists() for each in made)


@pytest.fixture
def unified() -> Iterator[Path]:
    """A group of v2 of the test's own. Kernels that have their controllers in v1 have the hierarchy beside those."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mounted, kind, *_ = line.split()
        if kind == "cgroup2":
            group = Path(mounted) / f"podlab-test-{uuid.uuid4().hex[:8]}"
            group.mkdir()
            yield group
            removal.remove(group)
            return
    pytest.fail("no cgroup v2 is mounted: mount -t cgroup2 none /sys/fs/cgroup/unified")
