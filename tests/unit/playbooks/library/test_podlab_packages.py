"""Package files from an archive first, and from the host's package sources when they do not do."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible_code import load

podlab_packages = load("podlab_packages")


class Apt:
    """Stands for apt-get and dpkg: installs what the files or the sources hold, and writes down the calls."""

    def __init__(self, *, sources: tuple[str, ...] = (), update_fails: bool = False) -> None:
        self.sources = sources
        self.update_fails = update_fails
        self.installed: set[str] = set()
        self.calls: list[str] = []

    def run(self, command: list[str]) -> None:
        (folder,) = [each.rpartition("=")[2] for each in command if "Dir::Cache::archives" in each] or [""]
        action, *what = [each for each in command[1:] if not each.startswith("--")]
        self.calls.append(action)
        if action == "update" and self.update_fails:
            raise podlab_packages.AptError("no route to the sources")
        names = [Path(each).stem for each in what]
        if folder and not set(names) <= set(self.sources):
            raise podlab_packages.AptError("unable to locate package")
        for name in names:
            if folder:
                (Path(folder) / f"{name}.deb").write_text(name)
            self.installed.add(name)

    def known(self, names: list[str]) -> dict[str, str]:
        return {name: "installed" for name in names if name in self.installed}


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    def take(apt: Apt) -> Apt:
        monkeypatch.setattr(podlab_packages, "run", apt.run)
        monkeypatch.setattr(podlab_packages, "known", apt.known)
        return apt

    return take


def archive_of(path: Path, *names: str) -> Path:
    with tarfile.open(path, "w") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 3
            tar.addfile(member, io.BytesIO(b"deb"))
    return path


def test_files_at_hand_are_installed_without_asking_the_sources(tmp_path: Path, use: Any) -> None:
    apt = use(Apt())
    archive = archive_of(tmp_path / "packages.tar", "containerd.deb", "runc.deb")
    assert podlab_packages.install(["containerd"], archive) == (False, "")
    assert apt.calls == ["install"]
    assert apt.installed == {"containerd", "runc"}


def test_files_that_do_not_do_are_told_and_the_sources_asked(tmp_path: Path, use: Any) -> None:
    apt = use(Apt(sources=("containerd",)))
    downloaded, why = podlab_packages.install(["containerd"], archive_of(tmp_path / "packages.tar", "runc.deb"))
    assert downloaded
    assert "they hold no containerd" in why
    assert apt.calls == ["install", "update", "install"]


def test_what_was_downloaded_is_kept_for_other_hosts(tmp_path: Path, use: Any) -> None:
    use(Apt(sources=("containerd",)))
    assert podlab_packages.install(["containerd"], tmp_path / "packages.tar") == (True, "")
    with tarfile.open(tmp_path / "packages.tar") as tar:
        assert tar.getnames() == ["containerd.deb"]


def test_sources_that_cannot_be_read_are_named_when_the_package_is_not_found(tmp_path: Path, use: Any) -> None:
    use(Apt(update_fails=True))
    with pytest.raises(podlab_packages.AptError, match=r"unable to locate package \(no route to the sources\)"):
        podlab_packages.install(["containerd"], tmp_path / "packages.tar")


def test_an_archive_writes_nowhere_but_into_its_folder(tmp_path: Path) -> None:
    podlab_packages.unpack(archive_of(tmp_path / "packages.tar", "../../outside.deb"), tmp_path / "deep/folder")
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*.deb")] == [Path("deep/folder/outside.deb")]
