"""Package files from an archive first, then from the host's package sources; only what we installed is removed."""

from __future__ import annotations

import fcntl
import io
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from podlab_testing.ansible_code import load

podlab_packages = load("podlab_packages")
Package = podlab_packages.Package


class Apt:
    """Stands for apt-get and dpkg: installs what the files or the sources hold, and writes down the calls."""

    def __init__(
        self, *, sources: tuple[str, ...] = (), update_fails: bool = False, needed: tuple[str, ...] = ()
    ) -> None:
        self.sources = sources
        self.update_fails = update_fails
        self.needed = needed
        self.recommends: dict[str, str] = {}  # as dpkg has it
        self.packages: dict[str, Any] = {}
        self.cannot_install = ""
        self.calls: list[str] = []

    def run(self, command: list[str], **environment: str) -> str:
        if command[0] == "dpkg-query":
            return "".join(f"{name}\tinstalled\t{self.recommends.get(name, '')}\n" for name in self.packages)
        if command[0] == "sync":
            return ""
        if command[0] == "dpkg":
            self.calls.append(" ".join(command[:2]))
            return ""
        (folder,) = [each.rpartition("=")[2] for each in command if "Dir::Cache::archives" in each] or [""]
        action, *what = [each for each in command[1:] if not each.startswith("-")]
        simulated = "--simulate" in command
        self.recommended_counts = not any("RecommendsImportant=false" in each for each in command)
        if not simulated:
            self.calls.append(" ".join([action, *what]) if action in ("purge", "auto") else action)
        return getattr(self, command[0].partition("-")[0] + "_" + action, self.apt_other)(what, folder, simulated)

    def apt_other(self, what: list[str], folder: str, simulated: bool) -> str:
        return ""

    def apt_update(self, what: list[str], folder: str, simulated: bool) -> str:
        if self.update_fails:
            raise podlab_packages.AptError("no route to the sources")
        return ""

    def apt_install(self, what: list[str], folder: str, simulated: bool) -> str:
        if self.cannot_install:
            raise podlab_packages.AptError(self.cannot_install)
        names = [Path(each).stem for each in what]
        if folder and not set(names) <= set(self.sources):
            raise podlab_packages.AptError("unable to locate package")
        for name in [] if simulated else names:
            if folder:
                (Path(folder) / f"{name}.deb").write_text(name)
            self.packages[name] = Package("installed")
        return "".join(f"Inst {name} (1.0 Debian:12 [amd64])\n" for name in names)

    def apt_autoremove(self, what: list[str], folder: str, simulated: bool) -> str:
        recommended = ", ".join(self.recommends.values()) if self.recommended_counts else ""
        return "".join(
            f"Purg {name} [1.0]\n" for name in self.packages if name not in self.needed and name not in recommended
        )

    def apt_purge(self, what: list[str], folder: str, simulated: bool) -> str:
        for name in [] if simulated else what:
            del self.packages[name]
        return "".join(f"Purg {name}:amd64 [1.0]\n" for name in what)

    def known(self) -> dict[str, Any]:
        return dict(self.packages)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def take(apt: Apt) -> Apt:
        monkeypatch.setattr(podlab_packages, "run", apt.run)
        monkeypatch.setattr(podlab_packages, "known", apt.known)
        monkeypatch.setattr(podlab_packages, "JOURNAL", tmp_path / "updates")
        monkeypatch.setattr(podlab_packages, "LOCK", tmp_path / "lock")
        (tmp_path / "updates").mkdir()
        return apt

    return take


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "installed"


def archive_of(path: Path, *names: str) -> Path:
    with tarfile.open(path, "w") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 3
            tar.addfile(member, io.BytesIO(b"deb"))
    return path


def test_files_at_hand_are_installed_without_asking_the_sources(tmp_path: Path, use: Any, record: Path) -> None:
    apt = use(Apt())
    archive = archive_of(tmp_path / "packages.tar", "containerd.deb", "runc.deb")
    assert podlab_packages.install(["containerd"], archive, record) == (False, "")
    assert apt.calls == ["install"]
    assert set(apt.packages) == {"containerd", "runc"}


def test_of_an_archive_with_an_index_apt_takes_what_is_needed(tmp_path: Path, use: Any, record: Path) -> None:
    apt = use(Apt())
    archive = archive_of(tmp_path / "packages.tar", "Packages", "containerd.deb", "libc6.deb")
    assert podlab_packages.install(["containerd"], archive, record, offline=True) == (False, "")
    assert apt.calls == ["update", "install"]
    assert set(apt.packages) == {"containerd"}
    assert (tmp_path / "packages/sources.list").read_text() == f"deb [trusted=yes] file:{tmp_path}/packages ./\n"


def test_offline_what_the_files_lack_is_an_error_and_no_source_is_asked(tmp_path: Path, use: Any, record: Path) -> None:
    apt = use(Apt(sources=("containerd",)))
    with pytest.raises(podlab_packages.AptError, match="no package files for this host, which lacks containerd"):
        podlab_packages.install(["containerd"], tmp_path / "none.tar", record, offline=True)
    archive = archive_of(tmp_path / "packages.tar", "runc.deb")
    with pytest.raises(podlab_packages.AptError, match="do not do: they hold no containerd"):
        podlab_packages.install(["containerd"], archive, record, offline=True)
    assert "update" not in apt.calls


def test_files_that_do_not_do_are_told_and_the_sources_asked(tmp_path: Path, use: Any, record: Path) -> None:
    apt = use(Apt(sources=("containerd",)))
    archive = archive_of(tmp_path / "packages.tar", "runc.deb")
    downloaded, why = podlab_packages.install(["containerd"], archive, record)
    assert downloaded
    assert "they hold no containerd" in why
    assert apt.calls == ["install", "update", "install"]


def test_an_archive_that_was_cut_off_is_no_reason_to_fail(tmp_path: Path, use: Any, record: Path) -> None:
    use(Apt(sources=("containerd",)))
    archive = archive_of(tmp_path / "packages.tar", "containerd.deb", "runc.deb")
    archive.write_bytes(archive.read_bytes()[:700])
    downloaded, why = podlab_packages.install(["containerd"], archive, record)
    assert downloaded
    assert "no whole archive" in why


def test_what_was_downloaded_is_kept_for_other_hosts(tmp_path: Path, use: Any, record: Path) -> None:
    use(Apt(sources=("containerd",)))
    assert podlab_packages.install(["containerd"], tmp_path / "packages.tar", record) == (True, "")
    with tarfile.open(tmp_path / "packages.tar") as tar:
        assert tar.getnames() == ["containerd.deb"]


def test_sources_that_cannot_be_read_are_named_when_the_package_is_not_found(
    tmp_path: Path, use: Any, record: Path
) -> None:
    use(Apt(update_fails=True))
    with pytest.raises(podlab_packages.AptError, match=r"unable to locate package \(no route to the sources\)"):
        podlab_packages.install(["containerd"], tmp_path / "packages.tar", record)


def test_an_archive_writes_nowhere_but_into_its_folder(tmp_path: Path) -> None:
    podlab_packages.unpack(archive_of(tmp_path / "packages.tar", "../../outside.deb"), tmp_path / "deep/folder")
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*.deb")] == [Path("deep/folder/outside.deb")]


def test_what_is_new_is_written_down_and_what_was_there_is_not(tmp_path: Path, use: Any, record: Path) -> None:
    apt = use(Apt(sources=("containerd", "runc")))
    apt.packages["runc"] = Package("installed")
    podlab_packages.write_down(["iptables"], record)
    podlab_packages.install(["containerd", "runc"], tmp_path / "packages.tar", record)
    assert podlab_packages.recorded(record) == ["containerd", "iptables"]


def test_a_package_under_another_name_is_the_package(use: Any) -> None:
    """Docker's own containerd.io conflicts with Debian's containerd: installing that would remove Docker."""
    packages = {"containerd.io": Package("installed", provides=("containerd", "runc"))}
    assert podlab_packages.missing(["containerd", "containernetworking-plugins"], packages) == [
        "containernetworking-plugins"
    ]


@pytest.mark.parametrize(
    ("needed", "kept", "going"),
    [
        ((), [], ["containerd", "runc"]),
        # Docker has come since, and needs both.
        (("docker.io", "containerd", "runc"), [], []),
        # Somebody's containers are in it, and it needs the other one.
        (("runc",), ["containerd"], []),
    ],
)
def test_only_what_we_installed_goes_and_only_what_nobody_needs(
    use: Any, record: Path, needed: tuple[str, ...], kept: list[str], going: list[str]
) -> None:
    apt = use(Apt(needed=needed))
    apt.packages = {name: Package("installed") for name in ("containerd", "runc", "tree", "docker.io")}
    podlab_packages.write_down(["containerd", "runc", "gone-since"], record)
    candidates = podlab_packages.ours(record, kept, apt.known())
    assert podlab_packages.purge(candidates, record) == going
    assert set(apt.packages) == {"containerd", "runc", "tree", "docker.io"} - set(going)


@pytest.mark.parametrize(("came", "going"), [("before", ["nftables"]), ("since", [])])
def test_what_is_only_recommended_goes_unless_its_recommender_came_since(
    tmp_path: Path, use: Any, record: Path, came: str, going: list[str]
) -> None:
    """iptables recommends nftables; a minimal host has it without."""
    apt = use(Apt(sources=("nftables",), needed=("iptables",)))
    if came == "before":
        apt.packages["iptables"] = Package("installed")
    podlab_packages.present(["nftables"], tmp_path / "packages.tar", record)
    apt.packages["iptables"] = Package("installed")
    apt.recommends["iptables"] = "nftables (>= 1.0) | other, more"
    assert podlab_packages.purge(podlab_packages.ours(record, [], apt.known()), record) == going


def test_what_was_cut_off_is_finished_before_anything_else(tmp_path: Path, use: Any, record: Path) -> None:
    apt = use(Apt(sources=("containerd",)))
    (tmp_path / "updates/0000").touch()
    podlab_packages.present(["containerd"], tmp_path / "packages.tar", record)
    assert apt.calls == ["dpkg --configure", "update", "install"]


def test_what_may_have_been_installed_by_name_only_is_installed_again(tmp_path: Path, use: Any, record: Path) -> None:
    """The power was cut off after dpkg and before the disk."""
    apt = use(Apt(sources=("containerd", "runc")))
    apt.packages |= {"containerd": Package("installed"), "runc": Package("installed")}
    podlab_packages.write_down(["runc"], podlab_packages.unsynced_file(record))
    podlab_packages.present(["containerd"], tmp_path / "packages.tar", record)
    assert apt.calls == ["update", "install"]
    assert podlab_packages.not_on_disk(record) == []
    podlab_packages.present(["containerd"], tmp_path / "packages.tar", record)
    assert apt.calls == ["update", "install"]


def test_what_others_left_half_done_and_cannot_be_finished_is_named(use: Any) -> None:
    apt = use(Apt())
    apt.packages = {name: Package("half-installed", damaged=True) for name in ("vim", "runc")}
    apt.cannot_install = "I can't find an archive for it"
    with pytest.raises(podlab_packages.AptError, match=r"^vim: half done"):
        podlab_packages.repair({"runc"})


def test_a_lock_that_is_held_is_waited_for_and_its_holder_named(tmp_path: Path) -> None:

    lock = tmp_path / "lock"
    hold = "import fcntl,sys; f=open(sys.argv[1],'a'); fcntl.lockf(f,fcntl.LOCK_EX); print('held',flush=True); input()"
    command = [sys.executable, "-c", hold, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        told = pytest.raises(podlab_packages.AptError, match=rf"held by python\S* \(process {other.pid}\)")
        with told, podlab_packages.locked(lock, within_s=0):
            pass
        other.communicate("\n")
    with podlab_packages.locked(lock, within_s=0), lock.open("a") as again:
        fcntl.lockf(again, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a process does not stand in its own way
