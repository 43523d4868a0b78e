"""On the kernel itself, where tests may mount."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.kubelet.volume import mounter
from node.kubelet.volume.mounter import MountError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "pods" / "volume"
    while mounted := mounter.mounted_below(tmp_path):
        subprocess.run(["umount", str(mounted[-1])], check=True)


def test_what_is_in_memory_has_its_mode_and_size_and_is_mounted_once(place: Path) -> None:
    assert mounter.tmpfs(place, 1 << 20, 0o777)
    assert not mounter.tmpfs(place, 1 << 20, 0o777)
    assert mounter.mounted_below(place.parent) == [place]
    assert stat.S_IMODE(place.stat().st_mode) == 0o777
    size = os.statvfs(place)
    assert size.f_blocks * size.f_frsize == 1 << 20


def test_whatever_is_mounted_is_unmounted_the_innermost_and_newest_first(place: Path) -> None:
    mounter.tmpfs(place, None, 0o755)
    inner = place / "with blank\r"
    inner.mkdir()
    subprocess.run(["mount", "--bind", "/usr", str(inner)], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", str(inner)], check=True)
    assert mounter.mounted_below(place) == [place, inner, inner]
    mounter.unmount_below(place)
    assert mounter.mounted_below(place) == []


def test_what_lies_beside_stays(place: Path) -> None:
    beside = place.with_name("volume-2")
    mounter.tmpfs(place, None, 0o755)
    mounter.tmpfs(beside, None, 0o755)
    mounter.unmount_below(place)
    assert mounter.mounted_below(place.parent) == [beside]


def test_what_is_in_use_says_so(place: Path) -> None:
    mounter.tmpfs(place, None, 0o755)
    with (place / "open").open("w"), pytest.raises(MountError, match=f"umount {place}: Device or resource busy"):
        mounter.unmount_below(place)
