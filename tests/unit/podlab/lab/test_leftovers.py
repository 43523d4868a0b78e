from pathlib import Path

from podlab.lab import leftovers


def test_only_the_labs_own_runtime_files_go(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for name in ("propagate/podlab.ci.n1", "propagate/podlab.ci-2.n1", "propagate/other", "locks"):
        (tmp_path / name).mkdir(parents=True)
    mine = tmp_path / f"locks/inode-{root.stat().st_dev}:{root.stat().st_ino}"
    mine.touch()
    (tmp_path / "locks/inode-1:1").touch()
    leftovers.remove("ci", [root], runtime=tmp_path)
    assert sorted(entry.name for entry in (tmp_path / "propagate").iterdir()) == ["other", "podlab.ci-2.n1"]
    assert [entry.name for entry in (tmp_path / "locks").iterdir()] == ["inode-1:1"]
