"""Wheels are downloaded and built once, whole or not at all."""

from pathlib import Path

import pytest

from podlab.deploy.release import sources, wheels
from podlab.deploy.release.wheels import WheelPlatform


def test_a_target_is_written_and_read_alike() -> None:
    assert WheelPlatform.parse("cp311-x86_64") == WheelPlatform("3.11", "x86_64")
    assert str(WheelPlatform("3.13", "aarch64")) == "cp313-aarch64"


@pytest.mark.parametrize("text", ["", "3.11", "cp311", "pypy-x86_64"])
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a target such as cp311-x86_64"):
        WheelPlatform.parse(text)


def test_hosts_need_what_they_run_depends_on() -> None:
    def names(*extras: str) -> set[str]:
        return {each.partition(">")[0] for each in wheels.requirements(sources.project_root(), extras)}

    both = names("master", "node")
    assert {"grpcio", "numpy", "psutil", "pyroute2"} <= both
    assert not {"ansible-core", "pytest", "mypy"} & both
    assert both == names("master") | names("node")
    assert "numpy" not in names("node")


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "a.whl").write_text("wheel")

    for _ in range(2):
        assert wheels.made_once(tmp_path / "wheels", make) == tmp_path / "wheels"
    assert len(made) == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["wheels", "a.whl"]


def test_a_failed_download_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half.whl").write_text("half")
        raise wheels.WheelError("no network")

    with pytest.raises(wheels.WheelError):
        wheels.made_once(tmp_path / "wheels", fail)
    assert list(tmp_path.iterdir()) == []


def test_when_two_make_the_same_folder_the_first_one_stays(tmp_path: Path) -> None:
    def make_while_another_does(folder: Path) -> None:
        (tmp_path / "wheels").mkdir()
        (tmp_path / "wheels" / "first.whl").write_text("first")
        (folder / "second.whl").write_text("second")

    made = wheels.made_once(tmp_path / "wheels", make_while_another_does)
    assert [path.name for path in made.iterdir()] == ["first.whl"]


def test_only_the_newest_builds_stay(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"podlab-{number}").mkdir()
    (tmp_path / "wheels-x").mkdir()
    wheels.forget_old(tmp_path, "podlab-*", keep=2)
    assert len(list(tmp_path.glob("podlab-*"))) == 2
    assert (tmp_path / "wheels-x").is_dir()
