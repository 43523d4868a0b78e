"""What is behind a claim, where it is on the node, and what is told when it is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from podlab_testing import storage

from node.kubelet.containerconfig.environment import ConfigError
from node.kubelet.volume import persistent_volume
from node.kubelet.volume.mounter import MountError
from podlab.core.v1 import pod_pb2

NFS = {"nfs": {"server": "files.example", "path": "/exports/a"}}


@pytest.mark.parametrize(
    ("source", "where"),
    [({"hostPath": {"path": "/srv/a"}}, "/srv/a"), ({"local": {"path": "/mnt/a"}}, "/mnt/a"), (NFS, "/own")],
)
def test_only_what_is_mounted_for_the_pod_is_in_the_pods_directory(source: Any, where: str) -> None:
    assert persistent_volume.node_path(storage.volume(**source), Path("/own")) == Path(where)


@pytest.mark.parametrize(
    ("by_claim", "by_volume", "expected"), [(False, False, False), (True, False, True), (False, True, True)]
)
def test_claim_and_volume_can_both_forbid_writing(by_claim: bool, by_volume: bool, expected: bool) -> None:
    volume = storage.volume(nfs={**NFS["nfs"], "readOnly": by_volume})
    claim = pod_pb2.PersistentVolumeClaimVolumeSource(claimName="data", readOnly=by_claim)
    assert persistent_volume.is_read_only(claim, volume) is expected


def test_a_local_volume_must_be_there_and_a_directory(tmp_path: Path) -> None:
    path = tmp_path / "disk"
    volume = storage.volume(local={"path": str(path)})
    with pytest.raises(ConfigError, match=f'path "{path}" does not exist'):
        persistent_volume.set_up(volume, path)
    path.write_text("")
    with pytest.raises(ConfigError, match="is not a directory"):
        persistent_volume.set_up(volume, path)


def test_a_volume_of_a_driver_is_its_drivers_to_mount(tmp_path: Path) -> None:
    volume = storage.volume(csi={"driver": "disks.example", "volumeHandle": "a", "readOnly": True})
    persistent_volume.set_up(volume, tmp_path)
    assert not list(tmp_path.iterdir())
    assert persistent_volume.is_read_only(pod_pb2.PersistentVolumeClaimVolumeSource(), volume)


def test_a_node_without_the_program_that_mounts_nfs_says_so(tmp_path: Path) -> None:
    with pytest.raises(MountError, match=r"mount\.nfs is missing, install the package nfs-common"):
        persistent_volume.set_up(storage.volume(**NFS), tmp_path / "own", helpers=str(tmp_path))
    assert not (tmp_path / "own").exists()


def test_nfs_is_mounted_with_the_volumes_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mount.nfs").write_text("")
    (tmp_path / "mount.nfs").chmod(0o755)
    (tmp_path / "mount").write_text('#!/bin/sh\necho "$@" >&2\nexit 32\n')
    (tmp_path / "mount").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    volume = storage.volume(nfs={**NFS["nfs"], "readOnly": True}, mountOptions=["nfsvers=4.1", "soft"])
    told = rf"-t nfs -o nfsvers=4\.1,soft,ro files\.example:/exports/a {tmp_path}/own"
    with pytest.raises(MountError, match=told):
        persistent_volume.set_up(volume, tmp_path / "own", helpers=str(tmp_path))


def test_a_local_volume_of_mode_block_is_a_block_device(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, why in ((tmp_path / "absent", "does not exist"), (tmp_path / "file", "is not a block device")):
        volume = storage.volume(local={"path": str(path)}, volumeMode="Block")
        with pytest.raises(ConfigError, match=f'local volume: path "{path}" {why}'):
            persistent_volume.device(volume, tmp_path)
    nfs = storage.volume(**NFS, volumeMode="Block")
    with pytest.raises(ConfigError, match="has volumeMode Block, which only csi and local can be"):
        persistent_volume.device(nfs, tmp_path)
