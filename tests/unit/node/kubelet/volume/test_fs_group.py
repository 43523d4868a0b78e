"""What a volume looks like once it was given to a pod's group."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from node.kubelet.volume import fs_group


def modes(root: Path) -> dict[str, tuple[int, str]]:
    found = {path.name: path.lstat() for path in (root, *root.rglob("*"))}
    return {name: (status.st_gid, oct(status.st_mode & 0o7777)) for name, status in found.items()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    (made / "deep").mkdir(parents=True)
    for path, mode in ((made, 0o755), (made / "deep", 0o700)):
        path.chmod(mode)
    (made / "deep/file").touch()
    (made / "deep/file").chmod(0o604)
    return made


def test_all_is_the_groups_to_read_and_write_and_no_right_is_taken_away(root: Path) -> None:
    fs_group.set_group(root, 2000, only_if_root_differs=False)
    assert modes(root) == {"root": (2000, "0o2775"), "deep": (2000, "0o2770"), "file": (2000, "0o664")}


@pytest.mark.parametrize(("only_if_root_differs", "again"), [(True, (0, "0o600")), (False, (2000, "0o660"))])
def test_a_root_that_is_the_groups_may_stand_for_all(
    root: Path, only_if_root_differs: bool, again: tuple[int, str]
) -> None:
    fs_group.set_group(root, 2000, only_if_root_differs=only_if_root_differs)
    (root / "late").touch(0o600)
    os.chown(root / "late", 0, 0)
    fs_group.set_group(root, 2000, only_if_root_differs=only_if_root_differs)
    assert modes(root)["late"] == again


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_a_root_without_the_rights_stands_for_nothing(root: Path, mode: int) -> None:
    os.chown(root, -1, 2000)
    root.chmod(mode)
    fs_group.set_group(root, 2000, only_if_root_differs=True)
    assert modes(root)["file"] == (2000, "0o664")


def test_what_a_link_leads_to_is_left_alone(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir(mode=0o700)
    (tmp_path / "outside/file").touch(0o600)
    for name in ("outside", "outside/file"):
        (root / name.replace("/", "-")).symlink_to(tmp_path / name)
    fs_group.set_group(root, 2000, only_if_root_differs=False)
    assert modes(tmp_path / "outside") == {"outside": (0, "0o700"), "file": (0, "0o600")}
    assert (root / "outside").lstat().st_gid == 2000
