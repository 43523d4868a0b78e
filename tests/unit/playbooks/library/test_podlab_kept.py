"""What a host had is put back whole, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from podlab_testing.ansible_code import load

podlab_kept = load("podlab_kept")
KUBELET, UNIT = "etc/podlab/kubelet.yaml", "etc/systemd/system/podlab-kubelet.service"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, KUBELET, "old")
    write(tmp_path, UNIT, "old unit")
    write(tmp_path, "etc/podlab/pki/kubelet.key", "key", 0o600)
    write(tmp_path, "etc/hosts", "not ours")
    for name in ("one", "two"):
        (tmp_path / "opt/podlab/releases" / name / "venv").mkdir(parents=True)
    use(tmp_path, "one")
    return tmp_path


def write(root: Path, name: str, content: str, mode: int = 0o644) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(content)
    (root / name).chmod(mode)


def use(root: Path, release: str) -> None:
    (root / "opt/podlab/venv").unlink(missing_ok=True)
    (root / "opt/podlab/venv").symlink_to(f"/opt/podlab/releases/{release}/venv")


def test_settings_units_and_release_come_back_and_what_is_new_goes(root: Path) -> None:
    podlab_kept.keep(root)
    assert (root / "opt/podlab/before").stat().st_mode & 0o777 == 0o700
    write(root, KUBELET, "new")
    write(root, "etc/podlab/new.yaml", "new")
    write(root, "etc/podlab/pki/kubelet.key", "key", 0o644)
    write(root, "etc/hosts", "still not ours")
    use(root, "two")
    changed = podlab_kept.restore(root)
    assert changed == {KUBELET, "etc/podlab/new.yaml", "etc/podlab/pki/kubelet.key", "opt/podlab/venv"}
    assert (root / KUBELET).read_text() == "old"
    assert (root / "etc/podlab/pki/kubelet.key").stat().st_mode & 0o777 == 0o600
    assert not (root / "etc/podlab/new.yaml").exists()
    assert podlab_kept.in_use(root) == "/opt/podlab/releases/one/venv"
    assert (root / "etc/hosts").read_text() == "still not ours"
    assert podlab_kept.restore(root) == set()


def test_what_a_run_that_was_cut_off_kept_is_not_lost(root: Path) -> None:
    podlab_kept.keep(root)
    use(root, "two")
    write(root, KUBELET, "half")
    podlab_kept.keep(root)
    podlab_kept.restore(root)
    assert (root / KUBELET).read_text() == "old"


def test_what_was_kept_of_a_release_that_is_gone_is_of_no_use(root: Path) -> None:
    podlab_kept.keep(root)
    use(root, "two")
    (root / "opt/podlab/releases/one/venv").rmdir()
    write(root, KUBELET, "newer")
    podlab_kept.keep(root)
    assert podlab_kept.restore(root) == set()
    assert (root / KUBELET).read_text() == "newer"


def test_nothing_is_put_back_of_what_was_not_kept_whole(root: Path) -> None:
    podlab_kept.keep(root)
    (root / "opt/podlab/before/kept.json").unlink()
    with pytest.raises(podlab_kept.RestoreError, match="holds nothing that was kept"):
        podlab_kept.restore(root)


def test_only_services_whose_files_came_back_start_again() -> None:
    units = {"podlab-kubelet": "active", "podlab-proxy": "active", "podlab-dns": "failed"}
    assert podlab_kept.touched({KUBELET}, units) == ["podlab-dns", "podlab-kubelet"]
    assert podlab_kept.touched(set(), units) == ["podlab-dns"]
    assert podlab_kept.touched({"etc/podlab/pki/ca.crt"}, units) == sorted(units)
    assert podlab_kept.touched({"opt/podlab/venv"}, units) == sorted(units)
