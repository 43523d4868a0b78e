"""A pod's volumes on the node's disk: made, refreshed, found for mounting, and removed.

Everything stands below `<root>/pods/<uid>`. All calls block on the disk for a short time; none touches the network.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from node.kubelet.containerconfig import dns
from node.kubelet.containerconfig.environment import ConfigError, expand_all
from node.kubelet.disk import file_tree, nofollow
from node.kubelet.volume import atomic_writer, fs_group, mounter, persistent_volume, projected, subpath
from node.kubelet.volume.mounter import MountError
from node.kubelet.volume.projected import Contents
from node.kubelet.volume.subpath import SubPathError
from node.kubelet.volume.volume_owners import Users
from podlab.api import quantity
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume
from podlab.foreign.cri.v1 import api_pb2 as cri

HOSTS = Path("/etc/hosts")
NOTHING_CLAIMED: Mapping[str, PersistentVolume] = {}
NO_VARIABLES: Mapping[str, str] = {}
SUB_PATHS = "volume-subpaths"
_PROPAGATIONS = {
    "": cri.PROPAGATION_PRIVATE,
    "None": cri.PROPAGATION_PRIVATE,
    "HostToContainer": cri.PROPAGATION_HOST_TO_CONTAINER,
    "Bidirectional": cri.PROPAGATION_BIDIRECTIONAL,
}


class VolumeError(Exception):
    """A volume cannot be made as its spec says; the message names it."""


class Volumes:
    """All pods' directories below one root."""

    def __init__(self, root: Path) -> None:
        self._pods = root / "pods"
        self._users = Users(self._pods)

    def uids(self) -> set[str]:
        """The pods that have something here."""
        return {path.name for path in self._pods.iterdir()} if self._pods.is_dir() else set()

    def claim(self, uid: str) -> None:
        """Makes the pod's directory, which says until `remove` that the node has something of the pod."""
        (self._pods / uid).mkdir(parents=True, exist_ok=True)

    def set_up(self, pod: pod_pb2.Pod, contents: Contents) -> list[str]:
        """Makes what is missing and refreshes files whose contents changed. Raises VolumeError.

        Returns what the pod's user should know of volumes that are shared with other pods.
        """
        told = []
        for volume in pod.spec.volumes:
            try:
                told.append(self._set_up(pod, volume, contents))
            except (OSError, ConfigError, MountError) as error:
                raise VolumeError(f'MountVolume.SetUp failed for volume "{volume.name}": {error}') from error
        return [words for words in told if words]

    def mounts(
        self,
        pod: pod_pb2.Pod,
        container: pod_pb2.Container,
        claimed: Mapping[str, PersistentVolume] = NOTHING_CLAIMED,
        environment: Mapping[str, str] = NO_VARIABLES,
    ) -> list[cri.Mount]:
        """Where the container's volumes are on the node; `claimed` are those behind its claims.

        Raises VolumeError, and ConfigError for a path with a variable that the environment lacks.
        """
        volumes = {volume.name: volume for volume in pod.spec.volumes}
        result: list[cri.Mount] = []
        for index, mount in enumerate(container.volumeMounts):
            if mount.name not in volumes:
                raise VolumeError(f'container "{container.name}" mounts volume "{mount.name}", which the pod lacks')
            origin, path = volumes[mount.name].volumeSource, self._path(pod, volumes[mount.name], claimed)
            fixed = projected.is_written(origin)
            if mount.name in claimed:
                fixed = persistent_volume.is_read_only(origin.persistentVolumeClaim, claimed[mount.name])
            if sub_path := expand_all(mount.subPathExpr, environment) or mount.subPath:
                own = self._pods / pod.metadata.uid / SUB_PATHS / mount.name / container.name / str(index)
                path = _sub_path(path, sub_path, mount.name, own)
            result.append(
                cri.Mount(
                    # The root of a container may be given without its slash.
                    container_path=mount.mountPath if mount.mountPath.startswith("/") else f"/{mount.mountPath}",
                    host_path=str(path),
                    readonly=mount.readOnly or fixed,
                    propagation=_PROPAGATIONS[mount.mountPropagation],
                )
            )
        return result

    def hosts_mount(self, pod: pod_pb2.Pod, ips: list[str]) -> cri.Mount:
        """The pod's hosts file, written anew."""
        path = self._pods / pod.metadata.uid / "etc-hosts"
        node_hosts = HOSTS.read_text(errors="surrogateescape") if pod.spec.hostNetwork and HOSTS.is_file() else ""
        nofollow.write(path, os.fsencode(dns.hosts_file(pod, ips, node_hosts)), 0o644)
        return cri.Mount(container_path="/etc/hosts", host_path=str(path))

    def message_mount(self, pod: pod_pb2.Pod, container: pod_pb2.Container, attempt: int) -> cri.Mount:
        """An empty file for the run's termination message."""
        path = self.message_file(pod.metadata.uid, container.name, attempt)
        nofollow.write(path, b"", 0o666)
        return cri.Mount(container_path=container.terminationMessagePath, host_path=str(path))

    def message_file(self, uid: str, name: str, attempt: int) -> Path:
        return self._pods / uid / "containers" / name / f"{attempt}.message"

    def on_disk(self, pod: pod_pb2.Pod) -> dict[str, Path]:
        """The directories that the pod's containers fill on the node's disk, by the volumes' names."""
        return {
            volume.name: self._path(pod, volume)
            for volume in pod.spec.volumes
            if volume.volumeSource.HasField("emptyDir") and volume.volumeSource.emptyDir.medium != "Memory"
        }

    def own_files(self, uid: str) -> Path:
        """Where the pod's hosts file and termination messages are, beside its volumes."""
        return self._pods / uid

    def release(self, uid: str) -> None:
        """The pod's containers have ended: its claims are others' to use."""
        self._users.end(uid)

    def remove(self, uid: str) -> None:
        """Everything of the pod. Success when there is nothing. Raises VolumeError."""
        directory = self._pods / uid
        try:
            mounter.unmount_below(directory)
            file_tree.remove(directory)
        except (OSError, MountError) as error:
            raise VolumeError(f"volumes of pod {uid} cannot be removed: {error}") from error

    def _path(
        self, pod: pod_pb2.Pod, volume: pod_pb2.Volume, claimed: Mapping[str, PersistentVolume] = NOTHING_CLAIMED
    ) -> Path:
        if volume.volumeSource.HasField("hostPath"):
            return Path(volume.volumeSource.hostPath.path)
        own = self._pods / pod.metadata.uid / "volumes" / volume.name
        return persistent_volume.place(claimed[volume.name], own) if volume.name in claimed else own

    def _set_up(self, pod: pod_pb2.Pod, volume: pod_pb2.Volume, contents: Contents) -> str:
        origin, path = volume.volumeSource, self._path(pod, volume, contents.claimed)
        if volume.name in contents.claimed:
            read_only = origin.persistentVolumeClaim.readOnly
            return self._set_up_claimed(pod, contents.claimed[volume.name], path, read_only=read_only)
        if origin.HasField("hostPath"):
            persistent_volume.host_path(path, origin.hostPath.type)
        elif projected.is_written(origin):
            files = projected.files(pod, origin, contents)
            if origin.HasField("secret") or origin.HasField("projected"):  # what is secret never reaches the disk
                mounter.tmpfs(path, None, 0o755)
            path.mkdir(parents=True, exist_ok=True)
            atomic_writer.write(path, files)
        else:
            _empty_dir(path, origin.emptyDir, fs_group.group_of(pod))
        return ""

    def _set_up_claimed(self, pod: pod_pb2.Pod, volume: PersistentVolume, path: Path, *, read_only: bool) -> str:
        """The first pod of the node that uses a volume gives it to its group; others take it as it is."""
        uid, name = pod.metadata.uid, volume.metadata.name
        told = ""
        if not self._users.uses(uid, name):
            shared = self._users.others(uid, name)
            if shared and persistent_volume.is_for_one_pod(volume):
                raise ConfigError("volume uses the ReadWriteOncePod access mode and is already in use by another pod")
            persistent_volume.set_up(volume, path)
            told = persistent_volume.give(volume, path, pod, read_only=read_only, shared=shared)
            self._users.begin(uid, name)
        else:
            persistent_volume.set_up(volume, path)
        return told


def _empty_dir(path: Path, source: pod_pb2.EmptyDirVolumeSource, group: int | None) -> None:
    fresh = not path.exists()
    if source.medium == "Memory":
        size = quantity.value(source.sizeLimit) if source.sizeLimit.string else None
        fresh = mounter.tmpfs(path, size, 0o777)
    else:
        path.mkdir(parents=True, exist_ok=True)
    if fresh:
        path.chmod(0o777)
        if group is not None:
            os.chown(path, -1, group)
            path.chmod(0o2777)


def _sub_path(volume: Path, sub_path: str, name: str, target: Path) -> Path:
    try:
        subpath.bind(volume, sub_path, target)
    except (SubPathError, MountError, OSError) as error:
        raise VolumeError(f'subPath "{sub_path}" of volume "{name}": {error}') from error
    return target
