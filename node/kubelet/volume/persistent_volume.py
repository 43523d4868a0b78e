"""Persistent volumes on the node: directories that are there, and NFS that is mounted for the pod. What drivers mount
is in the room csi."""

from __future__ import annotations

import stat
from pathlib import Path

from node.kubelet.containerconfig.environment import ConfigError
from node.kubelet.volume import fs_group, mounter
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume

_TYPE_CHECKS = {
    "Directory": (stat.S_ISDIR, "a directory"),
    "File": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


def node_path(volume: PersistentVolume, own: Path) -> Path:
    """The volume's path on the node; `own` is the pod's directory, where NFS is mounted."""
    source = volume.spec.persistentVolumeSource
    if source.HasField("hostPath"):
        return Path(source.hostPath.path)
    return Path(source.local.path) if source.HasField("local") else own


def is_block(volume: PersistentVolume) -> bool:
    """Whether containers see it as a device."""
    return volume.spec.volumeMode == "Block"


def device(volume: PersistentVolume, published: Path) -> Path:
    """The volume's device on the node; `published` is where a driver shows it. Raises ConfigError, OSError."""
    source = volume.spec.persistentVolumeSource
    if source.HasField("csi"):
        return published
    if not source.HasField("local"):
        raise ConfigError(f'volume "{volume.metadata.name}" has volumeMode Block, which only csi and local can be')
    path = Path(source.local.path)
    if not path.exists():
        raise ConfigError(f'local volume: path "{path}" does not exist')
    if not path.is_block_device():
        raise ConfigError(f'local volume: path "{path}" is not a block device')
    return path.resolve()


def set_up(volume: PersistentVolume, path: Path, *, helpers: str = mounter.HELPERS) -> None:
    """Checks that the volume is there, or mounts it, see `mounter.nfs`; a driver has mounted its own already.

    Raises ConfigError, MountError, OSError."""
    source = volume.spec.persistentVolumeSource
    if is_block(volume):
        return  # its device is looked at when a container needs it
    if source.HasField("hostPath"):
        check_host_path(path, source.hostPath.type)
    elif source.HasField("local"):
        if not path.exists():
            raise ConfigError(f'local volume: path "{path}" does not exist')
        if not path.is_dir():
            raise ConfigError(f'local volume: path "{path}" is not a directory')
    elif source.HasField("nfs"):
        read_only = ["ro"] if source.nfs.readOnly else []
        options = [*volume.spec.mountOptions, *read_only]
        mounter.nfs(path, source.nfs.server, source.nfs.path, options, helpers=helpers)


def is_for_one_pod(volume: PersistentVolume) -> bool:
    """Whether only one pod may use it at a time."""
    return list(volume.spec.accessModes) == ["ReadWriteOncePod"]


def apply_fs_group(volume: PersistentVolume, path: Path, pod: pod_pb2.Pod, *, read_only: bool, shared: bool) -> str:
    """Gives a local volume to the pod's fsGroup, unless other pods use it too. hostPath and NFS keep their groups.

    Returns a warning about a shared volume that has another group. Raises OSError.
    """
    group = fs_group.group_of(pod)
    if group is None or is_block(volume) or not volume.spec.persistentVolumeSource.HasField("local"):
        return ""
    if shared:
        gid = path.stat().st_gid
        message = f"The requested fsGroup is {group}, but the volume {volume.metadata.name} has GID {gid}."
        return "" if gid == group else f"{message} The volume may not be shareable."
    if not read_only:
        policy = pod.spec.securityContext.fsGroupChangePolicy
        fs_group.set_group(path, group, only_if_root_differs=policy == "OnRootMismatch")
    return ""


def is_read_only(claim: pod_pb2.PersistentVolumeClaimVolumeSource, volume: PersistentVolume) -> bool:
    """Whether no container may write to it, whatever its volumeMount says."""
    source = volume.spec.persistentVolumeSource
    return claim.readOnly or source.nfs.readOnly or source.csi.readOnly


def check_host_path(path: Path, kind: str) -> None:
    """Makes the path where the volume's type says so, and checks that it has that type. Raises ConfigError, OSError."""
    if kind == "DirectoryOrCreate":
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
    elif kind == "FileOrCreate":
        path.touch(mode=0o644, exist_ok=True)
    wanted = kind.removesuffix("OrCreate")
    if wanted not in _TYPE_CHECKS:
        return
    check, type_name = _TYPE_CHECKS[wanted]
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise ConfigError(f"hostPath type check failed: {path} does not exist on the node") from None
    if not check(mode):
        raise ConfigError(f"hostPath type check failed: {path} is not {type_name}")
