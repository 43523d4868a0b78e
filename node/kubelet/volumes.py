"""A pod's volumes on the node's disk: made, refreshed, found for mounting, and removed.

Everything stands below `<root>/pods/<uid>`. All calls block on the disk for a short time; none touches the network.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

from node.kubelet import dns, payload, projected
from node.kubelet.env import ConfigError
from node.kubelet.projected import Contents
from podlab.api import quantity
from podlab.core.v1 import pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri

HOSTS = Path("/etc/hosts")
_COMMAND_TIMEOUT_S = 30
_TYPE_CHECKS = {
    "Directory": (stat.S_ISDIR, "a directory"),
    "File": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


class VolumeError(Exception):
    """A volume cannot be made as its spec says; the message names it."""


class Volumes:
    """All pods' directories below one root."""

    def __init__(self, root: Path) -> None:
        self._pods = root / "pods"

    def uids(self) -> set[str]:
        """The pods that have something here."""
        return {path.name for path in self._pods.iterdir()} if self._pods.is_dir() else set()

    def claim(self, uid: str) -> None:
        """Makes the pod's directory, which says until `remove` that the node has something of the pod."""
        (self._pods / uid).mkdir(parents=True, exist_ok=True)

    def set_up(self, pod: pod_pb2.Pod, contents: Contents) -> None:
        """Makes what is missing and refreshes files whose contents changed. Raises VolumeError."""
        for volume in pod.spec.volumes:
            try:
                self._set_up(pod, volume, contents)
            except (OSError, ConfigError, subprocess.SubprocessError) as error:
                raise VolumeError(f'MountVolume.SetUp failed for volume "{volume.name}": {error}') from error

    def mounts(self, pod: pod_pb2.Pod, container: pod_pb2.Container) -> list[cri.Mount]:
        """Where the container's volumes are on the node. Raises VolumeError."""
        volumes = {volume.name: volume for volume in pod.spec.volumes}
        result: list[cri.Mount] = []
        for mount in container.volumeMounts:
            if mount.name not in volumes:
                raise VolumeError(f'container "{container.name}" mounts volume "{mount.name}", which the pod lacks')
            origin, path = volumes[mount.name].volumeSource, self._path(pod, volumes[mount.name])
            ours = projected.is_written(origin)
            if mount.subPath:
                path = _sub_path(path, mount.subPath, mount.name)
            # The root of a container may be given without its slash.
            target = mount.mountPath if mount.mountPath.startswith("/") else f"/{mount.mountPath}"
            result.append(cri.Mount(container_path=target, host_path=str(path), readonly=mount.readOnly or ours))
        return result

    def hosts_mount(self, pod: pod_pb2.Pod, ips: list[str]) -> cri.Mount:
        """The pod's hosts file, written anew."""
        path = self._pods / pod.metadata.uid / "etc-hosts"
        path.parent.mkdir(parents=True, exist_ok=True)
        node_hosts = HOSTS.read_text() if pod.spec.hostNetwork and HOSTS.is_file() else ""
        path.write_text(dns.hosts_file(pod, ips, node_hosts))
        path.chmod(0o644)
        return cri.Mount(container_path="/etc/hosts", host_path=str(path))

    def message_mount(self, pod: pod_pb2.Pod, container: pod_pb2.Container, attempt: int) -> cri.Mount:
        """An empty file for the run's termination message."""
        path = self.message_file(pod.metadata.uid, container.name, attempt)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        path.chmod(0o666)
        return cri.Mount(container_path=container.terminationMessagePath, host_path=str(path))

    def message_file(self, uid: str, name: str, attempt: int) -> Path:
        return self._pods / uid / "containers" / name / f"{attempt}.message"

    def has_limits(self, pod: pod_pb2.Pod) -> bool:
        """Whether a volume on the node's disk may not grow beyond a size. (In memory the kernel sees to that.)"""
        return any(_limited(volume) for volume in pod.spec.volumes)

    def exceeded(self, pod: pod_pb2.Pod) -> str:
        """Which volume has outgrown its limit, as users are told; empty when none has."""
        for volume in pod.spec.volumes:
            limit = volume.volumeSource.emptyDir.sizeLimit.string
            if _limited(volume) and _used_bytes(self._path(pod, volume)) > quantity.value(limit):
                return f'Usage of EmptyDir volume "{volume.name}" exceeds the limit "{limit}".'
        return ""

    def remove(self, uid: str) -> None:
        """Everything of the pod. Success when there is nothing. Raises VolumeError."""
        directory = self._pods / uid
        try:
            for mounted in sorted(_mounted_below(directory), reverse=True):
                _run(["umount", str(mounted)])
            if directory.exists():
                shutil.rmtree(directory)
        except (OSError, subprocess.SubprocessError) as error:
            raise VolumeError(f"volumes of pod {uid} cannot be removed: {error}") from error

    def _path(self, pod: pod_pb2.Pod, volume: pod_pb2.Volume) -> Path:
        if volume.volumeSource.HasField("hostPath"):
            return Path(volume.volumeSource.hostPath.path)
        return self._pods / pod.metadata.uid / "volumes" / volume.name

    def _set_up(self, pod: pod_pb2.Pod, volume: pod_pb2.Volume, contents: Contents) -> None:
        origin, path = volume.volumeSource, self._path(pod, volume)
        group = pod.spec.securityContext.fsGroup if pod.spec.securityContext.HasField("fsGroup") else None
        if origin.HasField("hostPath"):
            _host_path(path, origin.hostPath.type)
        elif origin.HasField("persistentVolumeClaim"):
            claim = origin.persistentVolumeClaim
            told = f"claim {claim.claimName!r}{' (read-only)' if claim.readOnly else ''}"
            raise ConfigError(f"this kubelet does not mount persistent volumes yet: {told}")
        elif projected.is_written(origin):
            files = projected.files(pod, origin, contents)
            if origin.HasField("secret") or origin.HasField("projected"):  # what is secret never reaches the disk
                _tmpfs(path, None, 0o755)
            path.mkdir(parents=True, exist_ok=True)
            payload.write(path, files)
        else:
            _empty_dir(path, origin.emptyDir, group)


def _empty_dir(path: Path, source: pod_pb2.EmptyDirVolumeSource, group: int | None) -> None:
    fresh = not path.exists()
    if source.medium == "Memory":
        size = quantity.value(source.sizeLimit) if source.sizeLimit.string else None
        fresh = _tmpfs(path, size, 0o777)
    else:
        path.mkdir(parents=True, exist_ok=True)
    if fresh:
        path.chmod(0o777)
        if group is not None:
            os.chown(path, -1, group)
            path.chmod(0o2777)


def _limited(volume: pod_pb2.Volume) -> bool:
    source = volume.volumeSource.emptyDir
    return bool(source.sizeLimit.string) and source.medium != "Memory"


def _used_bytes(path: Path) -> int:
    """On the disk, whose blocks have 512 bytes for stat(2)."""
    return sum((Path(root) / name).lstat().st_blocks * 512 for root, _, names in os.walk(path) for name in names)


def _tmpfs(path: Path, size_bytes: int | None, mode: int) -> bool:
    """Mounts one there, unless one is; True when it did."""
    path.mkdir(parents=True, exist_ok=True)
    if path.is_mount():
        return False
    options = f"mode={mode:o}" + (f",size={size_bytes}" if size_bytes else "")
    _run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)])
    return True


def _host_path(path: Path, kind: str) -> None:
    if kind == "DirectoryOrCreate":
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
    elif kind == "FileOrCreate":
        path.touch(mode=0o644, exist_ok=True)
    wanted = kind.removesuffix("OrCreate")
    if wanted not in _TYPE_CHECKS:
        return
    check, told = _TYPE_CHECKS[wanted]
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise ConfigError(f"hostPath type check failed: {path} does not exist on the node") from None
    if not check(mode):
        raise ConfigError(f"hostPath type check failed: {path} is not {told}")


def _sub_path(volume: Path, sub_path: str, name: str) -> Path:
    """The path within the volume; nothing in it, links included, may lead outside."""
    root = volume.resolve()
    path = (root / sub_path).resolve()
    if not path.is_relative_to(root):
        raise VolumeError(f'subPath "{sub_path}" leads out of volume "{name}"')
    if not path.exists():
        path.mkdir(parents=True)
        path.chmod(0o777)
    return path


def _mounted_below(directory: Path) -> list[Path]:
    # Fields of /proc/self/mounts are separated by blanks; the kernel writes a blank within a path as \040.
    lines = Path("/proc/self/mounts").read_text().splitlines()
    paths = [Path(line.split(" ")[1].replace("\\040", " ")) for line in lines]
    return [path for path in paths if path.is_relative_to(directory)]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip() or f'exit code {done.returncode}'}")
