from pathlib import Path

from podlab.lab.host import leftovers


def test_only_the_labs_own_propagation_directories_go(tmp_path: Path) -> None:
    for name in ("podlab.ci.n1", "podlab.ci-2.n1", "other"):
        (tmp_path / "propagate" / name).mkdir(parents=True)
    leftovers.remove_propagated("ci", runtime=tmp_path)
    assert sorted(entry.name for entry in (tmp_path / "propagate").iterdir()) == ["other", "podlab.ci-2.n1"]


def test_a_roots_lock_is_named_after_its_device_and_inode(tmp_path: Path) -> None:
    place = tmp_path.stat()
    assert leftovers.lock_of(tmp_path, Path("/run/x")) == Path(f"/run/x/locks/inode-{place.st_dev}:{place.st_ino}")
