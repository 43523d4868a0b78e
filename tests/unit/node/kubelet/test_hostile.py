"""A hostile container against every path on the node that the kubelet walks, reads or writes for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from podlab_testing.kubelet_pods import MakePod

from node.kubelet.containerconfig.environment import ConfigReference
from node.kubelet.cri.runtime import MESSAGE_PATH, MESSAGE_POLICY, Container, ContainerState
from node.kubelet.disk import file_tree
from node.kubelet.logs import log_files, log_reader
from node.kubelet.volume import atomic_writer, fs_group, local_path, mounter
from node.kubelet.volume.atomic_writer import FileProjection
from node.kubelet.volume.projected import VolumeContents
from node.kubelet.volume.volume_manager import VolumeError, VolumeManager
from node.kubelet.worker.pod_worker import _remove_logs
from node.kubelet.worker.termination_message import MAX_BYTES, termination_message
from podlab.core.v1 import config_pb2

DEPTH = 1100


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Path]:
    """A directory of the container's."""
    made = tmp_path / "hostile"
    made.mkdir()
    yield made
    file_tree.remove(made)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """What the container may neither read nor change."""
    made = tmp_path / "secret"
    made.mkdir(mode=0o700)
    (made / "file").write_text("the node's own")
    (made / "file").chmod(0o600)
    return made


def devastate(root: Path, secret: Path) -> None:
    """Leaves there what has hurt programs that walk."""
    at = os.open(root, file_tree.DIRECTORY)
    for _ in range(DEPTH):
        os.mkdir("d" * 30, dir_fd=at)
        below = os.open("d" * 30, file_tree.DIRECTORY, dir_fd=at)
        os.close(at)
        at = below
    os.symlink(secret, "link", dir_fd=at)
    os.close(at)
    os.mkfifo(root / "fifo")
    (root / "loop").symlink_to("loop")
    (root / "secret").symlink_to(secret)
    (root / "secret-file").symlink_to(secret / "file")
    os.mkdir(os.fsencode(root) + b"/\xff")


def untouched(secret: Path) -> bool:
    found = [(path.stat().st_gid, path.stat().st_mode & 0o777) for path in (secret, secret / "file")]
    return found == [(0, 0o700), (0, 0o600)] and (secret / "file").read_text() == "the node's own"


def test_an_empty_dir_is_measured_and_removed(pod: MakePod, tmp_path: Path, secret: Path) -> None:
    volumes = VolumeManager(tmp_path)
    spec = pod(volumes=[{"name": "v", "emptyDir": {"sizeLimit": "1Mi"}}])
    volumes.set_up(spec, VolumeContents())
    devastate(tmp_path / "pods/u1/volumes/v", secret)
    assert file_tree.used_bytes(tmp_path / "pods/u1/volumes/v") > 1 << 20
    volumes.remove("u1")
    assert volumes.uids() == set()
    assert untouched(secret)


def test_a_volume_of_a_claim_is_given_to_a_group_and_removed(hostile: Path, secret: Path) -> None:
    devastate(hostile, secret)
    fs_group.set_group(hostile, 2000, only_if_root_differs=False)
    assert hostile.stat().st_gid == 2000
    assert (hostile / "fifo").stat().st_gid == 2000
    local_path._remove(hostile)
    assert not hostile.exists()
    assert untouched(secret)


@pytest.mark.parametrize("name", ["fifo", "secret-file", "secret", "loop"])
def test_a_termination_message_is_read_from_a_file_alone(
    pod: MakePod, tmp_path: Path, hostile: Path, secret: Path, name: str
) -> None:
    devastate(hostile, secret)
    volumes, run = VolumeManager(tmp_path), _ended(hostile / "0.log")
    file = volumes.termination_message_file("u1", "web", 0)
    file.parent.mkdir(parents=True)
    (hostile / name).rename(file)
    assert termination_message(run, volumes, "u1").startswith(f"Error on reading termination log {file}: ")
    with pytest.raises(OSError, match=r"symbolic links|No such device"):
        volumes.termination_message_mount(pod(), pod().spec.containers[0], 0)
    assert untouched(secret)


def test_a_container_that_left_no_message_has_none(tmp_path: Path) -> None:
    assert termination_message(_ended(tmp_path / "0.log"), VolumeManager(tmp_path), "u1") == ""


def test_a_termination_message_is_no_longer_than_it_may_be(tmp_path: Path) -> None:
    volumes = VolumeManager(tmp_path)
    file = volumes.termination_message_file("u1", "web", 0)
    file.parent.mkdir(parents=True)
    file.touch()
    os.truncate(file, 1 << 40)
    assert len(termination_message(_ended(tmp_path / "0.log"), volumes, "u1")) == MAX_BYTES


def test_the_end_of_a_log_without_lines_is_found_in_little_time(tmp_path: Path) -> None:
    (tmp_path / "0.log").write_bytes(b"2026-11-29T10:00:00.0Z stdout P " + b"x" * 10 * 1024 * 1024)
    (tmp_path / "0.log.1").write_bytes(b"2026-11-29T10:00:00.0Z stdout P x\n" * 300_000)
    assert len(log_reader.tail(tmp_path / "0.log", 80, 2048)) <= 2048


@pytest.mark.parametrize("name", ["fifo", "secret-file", "loop"])
async def test_a_log_is_read_from_a_file_alone_and_rotated_so(hostile: Path, secret: Path, name: str) -> None:
    devastate(hostile, secret)
    path = (hostile / name).rename(hostile / "0.log")

    async def running() -> bool:
        return False

    for follow in (False, True):
        assert [piece async for piece in log_reader.read(path, log_reader.LogOptions(follow=follow), running)] == []
    assert log_reader.tail(path, 10, 100) == b""
    assert not log_files.rotate(path, 1, 5)
    log_files.remove(path)
    assert untouched(secret)


def test_a_pods_logs_are_removed_whatever_stands_there(
    tmp_path: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "LOG_ROOT", tmp_path / "logs")
    (tmp_path / "logs/default_web_u1/web").mkdir(parents=True)
    devastate(tmp_path / "logs/default_web_u1/web", secret)
    (tmp_path / "logs/link_u1").symlink_to(secret)
    _remove_logs("u1")
    assert list((tmp_path / "logs").iterdir()) == []
    assert untouched(secret)


def test_a_hosts_file_is_written_to_a_file_alone(pod: MakePod, tmp_path: Path, secret: Path) -> None:
    (tmp_path / "pods/u1").mkdir(parents=True)
    (tmp_path / "pods/u1/etc-hosts").symlink_to(secret / "file")
    with pytest.raises(OSError, match="symbolic links"):
        VolumeManager(tmp_path).hosts_mount(pod(), ["10.244.0.9"])
    assert untouched(secret)


def test_a_volume_of_files_leaves_alone_what_its_links_were_made_to_lead_to(tmp_path: Path, secret: Path) -> None:
    where = tmp_path / "v"
    where.mkdir()
    for target in (str(secret), "../secret", "..", "."):
        atomic_writer.write_files(where, {"a": FileProjection(b"1", 0o644), "d/b": FileProjection(b"2", 0o644)})
        (where / atomic_writer.CURRENT).unlink()
        (where / atomic_writer.CURRENT).symlink_to(target)
        (where / "a").unlink()
        (where / "a").symlink_to(secret / "file")
        assert atomic_writer.write_files(
            where, {"a": FileProjection(b"3", 0o666, group=7), "file": FileProjection(b"", 0o644)}
        )
        assert (where / "a").read_text() == "3"
        assert untouched(secret)
    devastate((where / atomic_writer.CURRENT).resolve(), secret)
    atomic_writer.write_files(where, {})
    assert [path.name for path in where.iterdir() if path.name != atomic_writer.CURRENT] == [
        os.readlink(where / atomic_writer.CURRENT)
    ]
    assert untouched(secret)


PATHS = [
    (["a", "a/b"], "path 'a' is to be a file, and a directory for 'a/b'"),
    (["a/b/c", "./a//b"], "path 'a/b' is to be a file"),
    (["..data"], "invalid path '..data'"),
    (["./..data/x"], "invalid path './..data/x'"),
    (["a/../../x"], "invalid path"),
    (["/etc/passwd"], "invalid path"),
    (["."], "invalid path"),
    (["a\0b"], "none of them zero"),
    (["a/" + "n" * 256], "at most 255 bytes"),
    (["n" * 253], ""),
    (["a/..data", "a/..b"], ""),
    (["./a", "a"], ""),
    (["d/" * 1600 + "f"], ""),
]


@pytest.mark.parametrize(("paths", "why"), PATHS)
def test_paths_of_items_stand_side_by_side_or_are_told(
    pod: MakePod, tmp_path: Path, secret: Path, paths: list[str], why: str
) -> None:
    items = [{"key": "k", "path": path} for path in paths]
    spec = pod(volumes=[{"name": "v", "configMap": {"name": "settings", "items": items}}])
    found = {ConfigReference(config_pb2.ConfigMap, "settings"): config_pb2.ConfigMap(data={"k": "value"})}
    volumes = VolumeManager(tmp_path)
    if why:
        with pytest.raises(VolumeError, match=f'MountVolume.SetUp failed for volume "v": .*{why}'):
            volumes.set_up(spec, VolumeContents(found))
    else:
        for _ in range(2):
            volumes.set_up(spec, VolumeContents(found))
        at = os.open(tmp_path / "pods/u1/volumes/v", file_tree.DIRECTORY)
        assert sum(entry.name.startswith("..") for entry in os.scandir(at)) == 2, "one version, and the link to it"
        os.close(at)
    volumes.remove("u1")
    assert untouched(secret)


def test_names_of_other_mounts_may_be_of_any_bytes(tmp_path: Path) -> None:
    """A privileged container's mounts are in the node's table too."""
    odd = tmp_path / os.fsdecode(b"new\nline tab\there \xff back\\slash")
    mounter.tmpfs(odd, 1 << 20, 0o755)
    assert mounter.mounted_below(tmp_path) == [odd]
    mounter.unmount_below(tmp_path)
    assert mounter.mounted_below(tmp_path) == []


def _ended(log: Path) -> Container:
    annotations = {MESSAGE_PATH: "/dev/termination-log", MESSAGE_POLICY: "FallbackToLogsOnError"}
    return Container(
        "c1", "s1", "web", 0, ContainerState.EXITED, 1, exit_code=1, log_path=str(log), annotations=annotations
    )
