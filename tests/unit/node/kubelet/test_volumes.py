"""Volumes on the node's disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from node.kubelet import payload
from node.kubelet.env import ConfigError, Source
from node.kubelet.payload import File
from node.kubelet.projected import Contents, sources
from node.kubelet.volumes import VolumeError, Volumes
from podlab.core.v1 import config_pb2, pod_pb2

Make = Callable[..., Any]
CONFIG = Source(config_pb2.ConfigMap, "settings")


def _settings(**data: str) -> dict[Source, Any]:
    return {CONFIG: config_pb2.ConfigMap(data=data)}


def _config_pod(pod: Make, **source: Any) -> Any:
    return pod(
        volumes=[{"name": "v", "configMap": {"name": "settings", **source}}],
        containers=[{"name": "web", "image": "i", "volumeMounts": [{"name": "v", "mountPath": "/etc/app"}]}],
    )


def test_a_config_map_is_mounted_and_changes_all_at_once(pod: Make, tmp_path: Path) -> None:
    volumes, spec = Volumes(tmp_path), _config_pod(pod)
    volumes.set_up(spec, Contents(_settings(one="1", two="2")))
    mount = volumes.mounts(spec, spec.spec.containers[0])[0]
    where = Path(mount.host_path)
    assert mount.container_path == "/etc/app"
    assert (where / "one").read_text() == "1"
    version = (where / payload.CURRENT).resolve()
    volumes.set_up(spec, Contents(_settings(one="1", two="2")))
    assert (where / payload.CURRENT).resolve() == version, "unchanged data must not be rewritten"
    volumes.set_up(spec, Contents(_settings(two="3", three="4")))
    assert sorted(path.name for path in where.iterdir() if not path.name.startswith("..")) == ["three", "two"]
    assert (where / "two").read_text() == "3"
    assert not version.exists()


def test_items_and_modes_are_as_the_spec_says(pod: Make, tmp_path: Path) -> None:
    volumes = Volumes(tmp_path)
    spec = _config_pod(pod, defaultMode=0o400, items=[
        {"key": "one", "path": "deep/er/one"}, {"key": "two", "path": "two", "mode": 0o755}
    ])  # fmt: skip
    volumes.set_up(spec, Contents(_settings(one="1", two="2", three="3")))
    where = Path(volumes.mounts(spec, spec.spec.containers[0])[0].host_path)
    assert (where / "deep/er/one").stat().st_mode & 0o777 == 0o400
    assert (where / "two").stat().st_mode & 0o777 == 0o755
    assert not (where / "three").exists()


def test_a_missing_config_map_is_named_unless_it_is_optional(pod: Make, tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match='volume "v": configmap "settings" not found'):
        Volumes(tmp_path).set_up(_config_pod(pod), Contents({CONFIG: None}))
    Volumes(tmp_path).set_up(_config_pod(pod, optional=True), Contents({CONFIG: None}))


def test_a_missing_key_is_named() -> None:
    items = _items({"key": "gone", "path": "x"})
    with pytest.raises(ConfigError, match="non-existent key: gone"):
        payload.project({"k": b""}, items, 0o644, False, "configmap")
    assert payload.project({"k": b""}, items, 0o644, True, "configmap") == {}
    assert payload.project({"k": b"v"}, [], 0o600, False, "configmap") == {"k": File(b"v", 0o600)}


def _items(*items: dict[str, str]) -> Any:
    return [pod_pb2.KeyToPath(**item) for item in items]


@pytest.mark.parametrize(
    ("kind", "prepare", "words"),
    [
        ("Directory", "nothing", "does not exist"),
        ("Directory", "file", "is not a directory"),
        ("File", "directory", "is not a file"),
        ("Socket", "file", "is not a socket"),
        ("DirectoryOrCreate", "nothing", ""),
        ("FileOrCreate", "nothing", ""),
        ("", "nothing", ""),
        ("File", "file", ""),
    ],
)
def test_host_paths_are_checked(pod: Make, tmp_path: Path, kind: str, prepare: str, words: str) -> None:
    path = tmp_path / "there"
    if prepare == "file":
        path.touch()
    elif prepare == "directory":
        path.mkdir()
    spec = pod(volumes=[{"name": "v", "hostPath": {"path": str(path), "type": kind}}])
    if words:
        with pytest.raises(VolumeError, match=words):
            Volumes(tmp_path).set_up(spec, Contents())
        return
    Volumes(tmp_path).set_up(spec, Contents())
    assert path.exists() == (kind != "")


def test_an_empty_dir_is_open_to_all_and_outlives_a_second_set_up(pod: Make, tmp_path: Path) -> None:
    volumes = Volumes(tmp_path)
    spec = pod(
        volumes=[{"name": "v", "emptyDir": {}}],
        containers=[
            {"name": "web", "image": "i", "volumeMounts": [{"name": "v", "mountPath": "/d", "subPath": "a/b"}]}
        ],
    )
    volumes.set_up(spec, Contents())
    where = tmp_path / "pods/u1/volumes/v"
    assert where.stat().st_mode & 0o777 == 0o777
    (where / "kept").touch()
    volumes.set_up(spec, Contents())
    assert (where / "kept").exists()
    assert volumes.mounts(spec, spec.spec.containers[0])[0].host_path == str(where / "a/b")
    volumes.remove("u1")
    assert volumes.uids() == set()
    volumes.remove("u1")


def test_a_sub_path_cannot_lead_out_of_its_volume(pod: Make, tmp_path: Path) -> None:
    volumes = Volumes(tmp_path)
    spec = pod(
        volumes=[{"name": "v", "emptyDir": {}}],
        containers=[
            {"name": "web", "image": "i", "volumeMounts": [{"name": "v", "mountPath": "/d", "subPath": "out"}]}
        ],
    )
    volumes.set_up(spec, Contents())
    os.symlink("/etc", tmp_path / "pods/u1/volumes/v/out")
    with pytest.raises(VolumeError, match='subPath "out" leads out of volume "v"'):
        volumes.mounts(spec, spec.spec.containers[0])


def test_a_mount_of_a_volume_that_the_pod_lacks_is_named(pod: Make, tmp_path: Path) -> None:
    spec = pod(containers=[{"name": "web", "image": "i", "volumeMounts": [{"name": "x", "mountPath": "/d"}]}])
    with pytest.raises(VolumeError, match='mounts volume "x", which the pod lacks'):
        Volumes(tmp_path).mounts(spec, spec.spec.containers[0])


def test_what_a_pod_mounts_is_known(pod: Make) -> None:
    assert list(sources(_config_pod(pod))) == [CONFIG]


def test_an_empty_dir_that_outgrows_its_limit_is_named(pod: Make, tmp_path: Path) -> None:
    volumes = Volumes(tmp_path)
    spec = pod(volumes=[{"name": "v", "emptyDir": {"sizeLimit": "64Ki"}}, {"name": "w", "emptyDir": {}}])
    volumes.set_up(spec, Contents())
    assert volumes.has_limits(spec)
    assert volumes.exceeded(spec) == ""
    (tmp_path / "pods/u1/volumes/w/large").write_bytes(b"x" * 200_000)
    assert volumes.exceeded(spec) == ""
    (tmp_path / "pods/u1/volumes/v/large").write_bytes(b"x" * 200_000)
    assert volumes.exceeded(spec) == 'Usage of EmptyDir volume "v" exceeds the limit "64Ki".'
    assert not volumes.has_limits(pod())
