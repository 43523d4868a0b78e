"""A release is whole before it is in use, and takes the place of the last one but one."""

import subprocess
import sys
from pathlib import Path

import pytest
from podlab_testing.ansible_code import load
from podlab_testing.waiting import WITHIN_S

from podlab.deploy.release import environment

podlab_install = load("podlab_install")
PACKAGES = f"venv/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


@pytest.fixture
def archive(tmp_path: Path) -> str:
    packages = tmp_path / "tree" / PACKAGES
    (packages / "podlab-1.dist-info").mkdir(parents=True)
    (packages / "podlab.py").write_text("def main() -> None:\n    print('started')\n")
    entries = "[console_scripts]\npodlab-thing = podlab:main\n"
    (packages / "podlab-1.dist-info/entry_points.txt").write_text(entries)
    environment.pack(tmp_path / "tree", tmp_path / "release.tar")
    return str(tmp_path / "release.tar")


def test_the_release_in_use_starts_its_programs_with_its_own_packages(tmp_path: Path, archive: str) -> None:
    podlab_install.install(tmp_path, "one", [archive], compiled=False)
    done = subprocess.run(
        [tmp_path / "venv/bin/podlab-thing"], capture_output=True, text=True, check=True, timeout=WITHIN_S
    )
    assert done.stdout == "started\n"
    assert (tmp_path / "releases/one" / PACKAGES / "__pycache__").is_dir()
    assert (tmp_path / "venv/bin/podlab-thing").read_text().startswith(f"#!{tmp_path}/releases/one/venv/bin/python\n")


def test_the_last_release_stays_and_those_before_it_go(tmp_path: Path, archive: str) -> None:
    for name in ("one", "two", "three"):
        podlab_install.install(tmp_path, name, [archive], compiled=True)
        assert podlab_install.in_use(tmp_path / "venv") == name
    assert {path.name for path in (tmp_path / "releases").iterdir()} == {"two", "three"}


def test_a_release_that_was_cut_off_is_begun_anew(tmp_path: Path, archive: str) -> None:
    (tmp_path / "releases/one/venv").mkdir(parents=True)
    (tmp_path / "releases/one/venv/half").touch()
    podlab_install.install(tmp_path, "one", [archive], compiled=True)
    assert not (tmp_path / "releases/one/venv/half").exists()
    assert (tmp_path / "releases/one/complete").exists()


def test_a_release_that_cannot_be_unpacked_is_not_in_use(tmp_path: Path, archive: str) -> None:
    podlab_install.install(tmp_path, "one", [archive], compiled=True)
    (tmp_path / "broken.tar").write_bytes(b"no archive" * 100)
    with pytest.raises(podlab_install.InstallError, match=r"tar --extract .*: exit"):
        podlab_install.install(tmp_path, "two", [str(tmp_path / "broken.tar")], compiled=True)
    assert podlab_install.in_use(tmp_path / "venv") == "one"


def test_a_release_may_be_there_before_it_is_used(tmp_path: Path, archive: str) -> None:
    podlab_install.install(tmp_path, "one", [archive], compiled=True)
    podlab_install.stage(tmp_path, "two", [archive], compiled=True)
    assert podlab_install.in_use(tmp_path / "venv") == "one"
    podlab_install.install(tmp_path, "two", [], compiled=True)
    assert podlab_install.in_use(tmp_path / "venv") == "two"
    assert {path.name for path in (tmp_path / "releases").iterdir()} == {"one", "two"}


def test_a_release_that_is_not_there_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(podlab_install.InstallError, match="releases/one is not there, or not whole"):
        podlab_install.install(tmp_path, "one", [], compiled=True)
