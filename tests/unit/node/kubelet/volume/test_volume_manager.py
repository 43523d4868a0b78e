"""Volumes on the node's disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from podlab_testing import storage
from podlab_testing.kubelet_pods import MakePod

from node.kubelet.containerconfig.environment import ConfigError, ConfigReference
from node.kubelet.volume import atomic_writer
from node.kubelet.volume.atomic_writer import FileProjection
from node.kubelet.volume.projected import VolumeContents, config_references
from node.kubelet.volume.volume_manager import VolumeError, VolumeManager
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri

CONFIG = ConfigReference(config_pb2.ConfigMap, "settings")


def _settings(**data: str) -> dict[ConfigReference, config_pb2.ConfigMap | config_pb2.Secret | None]:
    return {CONFIG: config_pb2.ConfigMap(data=data)}


def _config_pod(pod: MakePod, **source: object) -> pod_pb2.Pod:
    return pod(
        volumes=[{"name": "v", "configMap": {"name": "settings", **source}}],
        containers=[{"name": "web", "image": "i", "volumeMounts": [{"name": "v", "mountPath": "/etc/app"}]}],
    )


def test_a_config_map_is_mounted_and_changes_all_at_once(pod: MakePod, tmp_path: Path) -> None:
    volumes, spec = VolumeManager(tmp_path), _config_pod(pod)
    volumes.set_up(spec, VolumeContents(_settings(one="1", two="2")))
    mount = volumes.mounts(spec, spec.spec.containers[0])[0]
    where = Path(mount.host_path)
    assert mount.container_path == "/etc/app"
    assert (where / "one").read_text() == "1"
    version = (where / atomic_writer.CURRENT).resolve()
    volumes.set_up(spec, VolumeContents(_settings(one="1", two="2")))
    assert (where / atomic_writer.CURRENT).resolve() == version, "unchanged data must not be rewritten"
    volumes.set_up(spec, VolumeContents(_settings(two="3", three="4")))
    assert sorted(path.name for path in where.iterdir() if not path.name.startswith("..")) == ["three", "two"]
    assert (where / "two").read_text() == "3"
    assert not version.exists()


def test_items_and_modes_are_as_the_spec_says(pod: MakePod, tmp_path: Path) -> None:
    volumes = VolumeManager(tmp_path)
    spec = _config_pod(pod, defaultMode=0o400, items=[
        {"key": "one", "path": "deep/er/one"}, {"key": "two", "path": "two", "mode": 0o755}
    ])  # fmt: skip
    volumes.set_up(spec, VolumeContents(_settings(one="1", two="2", three="3")))
    where = Path(volumes.mounts(spec, spec.spec.containers[0])[0].host_path)
    assert (where / "deep/er/one").stat().st_mode & 0o777 == 0o400
    assert (where / "two").stat().st_mode & 0o777 == 0o755
    assert not (where / "three").exists()


def test_a_missing_config_map_is_named_unless_it_is_optional(pod: MakePod, tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match='volume "v": configmap "settings" not found'):
        VolumeManager(tmp_path).set_up(_config_pod(pod), VolumeContents({CONFIG: None}))
    VolumeManager(tmp_path).set_up(_config_pod(pod, optional=True), VolumeContents({CONFIG: None}))


def test_a_missing_key_is_named() -> None:
    items = _items({"key": "gone", "path": "x"})
    with pytest.raises(ConfigError, match="non-existent key: gone"):
        atomic_writer.project_keys({"k": b""}, items, 0o644, optional=False, name="configmap")
    assert atomic_writer.project_keys({"k": b""}, items, 0o644, optional=True, name="configmap") == {}
    assert atomic_writer.project_keys({"k": b"v"}, [], 0o600, optional=False, name="configmap") == {
        "k": FileProjection(b"v", 0o600)
    }


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
def test_host_paths_are_checked(pod: MakePod, tmp_path: Path, kind: str, prepare: str, words: str) -> None:
    path = tmp_path / "there"
    if prepare == "file":
        path.touch()
    elif prepare == "directory":
        path.mkdir()
    spec = pod(volumes=[{"name": "v", "hostPath": {"path": str(path), "type": kind}}])
    if words:
        with pytest.raises(VolumeError, match=words):
            VolumeManager(tmp_path).set_up(spec, VolumeContents())
        return
    VolumeManager(tmp_path).set_up(spec, VolumeContents())
    assert path.exists() == (kind != "")


def test_an_empty_dir_is_open_to_all_and_outlives_a_second_set_up(pod: MakePod, tmp_path: Path) -> None:
    volumes = VolumeManager(tmp_path)
    spec = pod(
        volumes=[{"name": "v", "emptyDir": {}}],
        containers=[
            {"name": "web", "image": "i", "volumeMounts": [{"name": "v", "mountPath": "/d", "subPath": "a/b"}]}
        ],
    )
    volumes.set_up(spec, VolumeContents())
    where = tmp_path / "pods/u1/volumes/v"
    assert where.stat().st_mode & 0o777 == 0o777
    (where / "kept").touch()
    volumes.set_up(spec, VolumeContents())
    assert (where / "kept").exists()
    mounted = Path(volumes.mounts(spec, spec.spec.containers[0])[0].host_path)
    (mounted / "made").touch()
    assert (where / "a/b/made").exists()
    assert (where / "a").stat().st_mode & 0o777 == 0o777, "made as open as the volume is"
    volumes.remove("u1")
    assert volumes.uids() == set()
    volumes.remove("u1")


def test_a_sub_path_cannot_lead_out_of_its_volume(pod: MakePod, tmp_path: Path) -> None:
    volumes = VolumeManager(tmp_path)
    spec = pod(
        volumes=[{"name": "v", "emptyDir": {}}],
        containers=[
            {"name": "web", "image": "i", "volumeMounts": [{"name": "v", "mountPath": "/d", "subPath": "out"}]}
        ],
    )
    volumes.set_up(spec, VolumeContents())
    os.symlink("/etc", tmp_path / "pods/u1/volumes/v/out")
    with pytest.raises(VolumeError, match='subPath "out" of volume "v": leads out of the volume'):
        volumes.mounts(spec, spec.spec.containers[0])


def test_a_mount_of_a_volume_that_the_pod_lacks_is_named(pod: MakePod, tmp_path: Path) -> None:
    spec = pod(containers=[{"name": "web", "image": "i", "volumeMounts": [{"name": "x", "mountPath": "/d"}]}])
    with pytest.raises(VolumeError, match='mounts volume "x", which the pod lacks'):
        VolumeManager(tmp_path).mounts(spec, spec.spec.containers[0])


def test_what_a_pod_mounts_is_known(pod: MakePod) -> None:
    assert list(config_references(_config_pod(pod))) == [CONFIG]


def test_a_sub_path_may_be_made_of_variables_and_must_not_lack_one(pod: MakePod, tmp_path: Path) -> None:
    volumes = VolumeManager(tmp_path)
    mount = {"name": "v", "mountPath": "/d", "subPathExpr": "logs/$(POD)", "mountPropagation": "HostToContainer"}
    spec = pod(
        volumes=[{"name": "v", "emptyDir": {}}], containers=[{"name": "web", "image": "i", "volumeMounts": [mount]}]
    )
    volumes.set_up(spec, VolumeContents())
    with pytest.raises(ConfigError, match=r'failed to expand subPath "logs/\$\(POD\)": missing value for "POD"'):
        volumes.mounts(spec, spec.spec.containers[0])
    [mounted] = volumes.mounts(spec, spec.spec.containers[0], environment={"POD": "a-1"})
    assert os.path.samefile(mounted.host_path, tmp_path / "pods/u1/volumes/v/logs/a-1")
    assert mounted.propagation == cri.PROPAGATION_HOST_TO_CONTAINER
    volumes.remove("u1")


def _claiming(pod: MakePod, uid: str, group: int | None = 2000, **context: object) -> Any:
    context = {**context, "fsGroup": group} if group is not None else context
    source = {"persistentVolumeClaim": {"claimName": "data"}}
    return pod(meta={"uid": uid, "name": uid}, volumes=[{"name": "v", **source}], securityContext=context)


def _disk(tmp_path: Path, **spec: object) -> VolumeContents:
    path = tmp_path / "disk"
    path.mkdir(exist_ok=True)
    source = spec.pop("source", {"local": {"path": str(path)}})
    return VolumeContents(persistent_volumes={"v": storage.volume(**source, **spec)})


def test_the_first_pod_gives_a_local_volume_to_its_group_and_others_are_told(pod: MakePod, tmp_path: Path) -> None:
    volumes, contents = VolumeManager(tmp_path), _disk(tmp_path)
    (tmp_path / "disk/file").touch(0o600)
    assert volumes.set_up(_claiming(pod, "u1"), contents) == []
    found = (tmp_path / "disk/file").stat()
    assert (found.st_gid, found.st_mode & 0o777) == (2000, 0o660)
    assert volumes.set_up(_claiming(pod, "u2"), contents) == []
    told = "The requested fsGroup is 3000, but the volume disk has GID 2000. The volume may not be shareable."
    assert volumes.set_up(_claiming(pod, "u3", 3000), contents) == [told]
    for uid in ("u1", "u2", "u3"):
        volumes.release_claims(uid)
    assert volumes.set_up(_claiming(pod, "u4", 3000), contents) == []
    assert (tmp_path / "disk/file").stat().st_gid == 3000


@pytest.mark.parametrize("source", [{}, {"hostPath": {}}])
def test_a_path_of_the_node_stays_its_owners(pod: MakePod, tmp_path: Path, source: Any) -> None:
    (tmp_path / "disk").mkdir()
    given = {"hostPath": {"path": str(tmp_path / "disk"), "type": ""}}
    spec = _claiming(pod, "u1") if not source else pod(
        volumes=[{"name": "v", **given}], securityContext={"fsGroup": 2000}
    )  # fmt: skip
    VolumeManager(tmp_path).set_up(spec, _disk(tmp_path, source=given) if not source else VolumeContents())
    assert (tmp_path / "disk").stat().st_gid == 0


def test_a_volume_for_one_pod_is_refused_to_a_second_until_the_first_has_ended(pod: MakePod, tmp_path: Path) -> None:
    volumes, contents = VolumeManager(tmp_path), _disk(tmp_path, accessModes=["ReadWriteOncePod"])
    for _ in range(2):  # the second time it has it already
        volumes.set_up(_claiming(pod, "u1"), contents)
    why = "volume uses the ReadWriteOncePod access mode and is already in use by another pod"
    with pytest.raises(VolumeError, match=f'MountVolume.SetUp failed for volume "v": {why}'):
        VolumeManager(tmp_path).set_up(_claiming(pod, "u2"), contents)
    volumes.release_claims("u1")
    volumes.set_up(_claiming(pod, "u2"), contents)
