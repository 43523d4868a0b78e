"""Pods' volumes on the node's disk: set up, refreshed, mounted, and removed.

Everything is below `<root>/pods/<uid>`. All calls block on the disk for a short time; none uses the network.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from node.kubelet.containerconfig import dns
from node.kubelet.containerconfig.environment import ConfigError, expand_all
from node.kubelet.disk import file_tree, nofollow
from node.kubelet.volume import atomic_writer, empty_dir, fs_group, mounter, persistent_volume, projected, subpath
from node.kubelet.volume.mounter import MountError
from node.kubelet.volume.projected import VolumeContents
from node.kubelet.volume.subpath import SubPathError
from node.kubelet.volume.volume_owners import VolumeOwners
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume
from podlab.foreign.cri.v1 import api_pb2 as cri

HOSTS = Path("/etc/hosts")
NO_PERSISTENT_VOLUMES: Mapping[str, PersistentVolume] = {}
NO_VARIABLES: Mapping[str, str] = {}
# As Kubernetes calls the place.
BLOCK_VOLUMES = "plugins/kubernetes.io/csi/volumeDevices"
SUB_PATHS = "volume-subpaths"
PODS = "pods"
"""Below the kubelet's directory: that of each pod, by its uid."""
_PROPAGATIONS = {
    "": cri.PROPAGATION_PRIVATE,
    "None": cri.PROPAGATION_PRIVATE,
    "HostToContainer": cri.PROPAGATION_HOST_TO_CONTAINER,
    "Bidirectional": cri.PROPAGATION_BIDIRECTIONAL,
}


class VolumeError(Exception):
    """A volume cannot be set up as its spec says. The message names the volume."""


class VolumeManager:
    """The volumes of all pods of the node."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._pods = root / PODS
        self._owners = VolumeOwners(self._pods)

    def uids(self) -> set[str]:
        """The pods that have a directory here."""
        return {path.name for path in self._pods.iterdir()} if self._pods.is_dir() else set()

    def create_pod_directory(self, uid: str) -> None:
        """The directory shows, until `remove`, that the node has something of the pod."""
        (self._pods / uid).mkdir(parents=True, exist_ok=True)

    def own_path(self, pod: pod_pb2.Pod, volume: str) -> Path:
        """Where the pod's volume of that name is, unless it is elsewhere on the node."""
        return self._pods / pod.metadata.uid / "volumes" / volume

    def set_up(self, pod: pod_pb2.Pod, contents: VolumeContents) -> list[str]:
        """Makes what is missing and refreshes files whose contents changed. Raises VolumeError.

        Returns warnings about volumes that are shared with other pods.
        """
        warnings = []
        for volume in pod.spec.volumes:
            try:
                warnings.append(self._set_up(pod, volume, contents))
            except (OSError, ConfigError, MountError) as error:
                raise VolumeError(f'MountVolume.SetUp failed for volume "{volume.name}": {error}') from error
        return [warning for warning in warnings if warning]

    def mounts(
        self,
        pod: pod_pb2.Pod,
        container: pod_pb2.Container,
        persistent_volumes: Mapping[str, PersistentVolume] = NO_PERSISTENT_VOLUMES,
        environment: Mapping[str, str] = NO_VARIABLES,
    ) -> list[cri.Mount]:
        """The container's mounts; `persistent_volumes` are those of the pod's claims, by the names of its volumes.

        Raises VolumeError, and ConfigError for a path with a variable that the environment lacks.
        """
        volumes = {volume.name: volume for volume in pod.spec.volumes}
        result: list[cri.Mount] = []
        for index, mount in enumerate(container.volumeMounts):
            if mount.name not in volumes:
                raise VolumeError(f'container "{container.name}" mounts volume "{mount.name}", which the pod lacks')
            source, path = volumes[mount.name].volumeSource, self._path(pod, volumes[mount.name], persistent_volumes)
            read_only = projected.is_projected(source) or source.csi.readOnly or source.HasField("image")
            if mount.name in persistent_volumes:
                read_only = persistent_volume.is_read_only(source.persistentVolumeClaim, persistent_volumes[mount.name])
            if sub_path := expand_all(mount.subPathExpr, environment) or mount.subPath:
                target = self._pods / pod.metadata.uid / SUB_PATHS / mount.name / container.name / str(index)
                path = _bind_sub_path(path, sub_path, mount.name, target)
            result.append(
                cri.Mount(
                    # The API takes a mountPath without a leading slash.
                    container_path=mount.mountPath if mount.mountPath.startswith("/") else f"/{mount.mountPath}",
                    host_path=str(path),
                    readonly=mount.readOnly or read_only,
                    propagation=_PROPAGATIONS[mount.mountPropagation],
                )
            )
        return result

    def device_path(self, pod: pod_pb2.Pod, persistent_volume: str) -> Path:
        """Where a driver shows the device of a volume of volumeMode Block to the pod."""
        return self._root / BLOCK_VOLUMES / "publish" / persistent_volume / pod.metadata.uid

    def devices(
        self, pod: pod_pb2.Pod, container: pod_pb2.Container, persistent_volumes: Mapping[str, PersistentVolume]
    ) -> list[cri.Device]:
        """The volumes that the container sees as devices. Raises VolumeError."""
        claims = {volume.name: volume.volumeSource.persistentVolumeClaim for volume in pod.spec.volumes}
        result = []
        for asked in container.volumeDevices:
            volume = persistent_volumes[asked.name]
            read_only = persistent_volume.is_read_only(claims[asked.name], volume)
            try:
                path = persistent_volume.device(volume, self.device_path(pod, volume.metadata.name))
            except (ConfigError, OSError) as error:
                raise VolumeError(f'MapVolume.SetUp failed for volume "{asked.name}" : {error}') from error
            permissions = "mr" if read_only else "mrw"
            result.append(cri.Device(container_path=asked.devicePath, host_path=str(path), permissions=permissions))
        return result

    def hosts_mount(self, pod: pod_pb2.Pod, ips: list[str]) -> cri.Mount:
        """The pod's hosts file, written anew."""
        path = self._pods / pod.metadata.uid / "etc-hosts"
        node_hosts = HOSTS.read_text(errors="surrogateescape") if pod.spec.hostNetwork and HOSTS.is_file() else ""
        nofollow.write(path, os.fsencode(dns.hosts_file(pod, ips, node_hosts)), 0o644)
        return cri.Mount(container_path="/etc/hosts", host_path=str(path))

    def termination_message_mount(self, pod: pod_pb2.Pod, container: pod_pb2.Container, attempt: int) -> cri.Mount:
        """An empty file for the run's termination message."""
        path = self.termination_message_file(pod.metadata.uid, container.name, attempt)
        nofollow.write(path, b"", 0o666)
        return cri.Mount(container_path=container.terminationMessagePath, host_path=str(path))

    def termination_message_file(self, uid: str, name: str, attempt: int) -> Path:
        return self._pods / uid / "containers" / name / f"{attempt}.message"

    def disk_directories(self, pod: pod_pb2.Pod) -> dict[str, Path]:
        """The emptyDirs that are on the node's disk, by the volumes' names."""
        return {
            volume.name: self._path(pod, volume)
            for volume in pod.spec.volumes
            if volume.volumeSource.HasField("emptyDir") and not volume.volumeSource.emptyDir.medium
        }

    def pod_directory(self, uid: str) -> Path:
        """Where the pod's hosts file, termination messages and volumes are."""
        return self._pods / uid

    def release_claims(self, uid: str) -> None:
        """The pod's containers have ended: other pods may use the volumes of its claims."""
        self._owners.remove_pod(uid)

    def remove_volumes(self, uid: str) -> None:
        """The pod has ended and is kept in the API: what it had in its own volumes is nobody's. Raises VolumeError."""
        self._remove(uid, self._pods / uid / "volumes")

    def remove(self, uid: str) -> None:
        """Everything of the pod. Success when there is nothing. Raises VolumeError."""
        self._remove(uid, self._pods / uid)

    def _remove(self, uid: str, directory: Path) -> None:
        try:
            mounter.unmount_below(self._pods / uid)
            file_tree.remove(directory)
        except (OSError, MountError) as error:
            raise VolumeError(f"volumes of pod {uid} cannot be removed: {error}") from error

    def _path(
        self,
        pod: pod_pb2.Pod,
        volume: pod_pb2.Volume,
        persistent_volumes: Mapping[str, PersistentVolume] = NO_PERSISTENT_VOLUMES,
    ) -> Path:
        if volume.volumeSource.HasField("hostPath"):
            return Path(volume.volumeSource.hostPath.path)
        own_path = self.own_path(pod, volume.name)
        return (
            persistent_volume.node_path(persistent_volumes[volume.name], own_path)
            if volume.name in persistent_volumes
            else own_path
        )

    def _set_up(self, pod: pod_pb2.Pod, volume: pod_pb2.Volume, contents: VolumeContents) -> str:
        source, path = volume.volumeSource, self._path(pod, volume, contents.persistent_volumes)
        if volume.name in contents.persistent_volumes:
            read_only = source.persistentVolumeClaim.readOnly
            return self._set_up_persistent(pod, contents.persistent_volumes[volume.name], path, read_only=read_only)
        if source.HasField("hostPath"):
            persistent_volume.check_host_path(path, source.hostPath.type)
        elif source.HasField("csi") or source.HasField("image"):
            pass  # its driver has mounted it; an image is mounted when a container needs it
        elif projected.is_projected(source):
            files = projected.files(pod, source, contents)
            if source.HasField("secret") or source.HasField("projected"):  # secrets never reach the disk
                mounter.tmpfs(path, None, 0o755)
            path.mkdir(parents=True, exist_ok=True)
            atomic_writer.write_files(path, files)
        else:
            empty_dir.set_up(path, pod, source.emptyDir, fs_group.group_of(pod))
        return ""

    def _set_up_persistent(self, pod: pod_pb2.Pod, volume: PersistentVolume, path: Path, *, read_only: bool) -> str:
        """The first pod of the node that uses a volume sets its group. Returns a warning, or an empty text."""
        uid, name = pod.metadata.uid, volume.metadata.name
        warning = ""
        if not self._owners.has(uid, name):
            shared = self._owners.has_others(uid, name)
            if shared and persistent_volume.is_for_one_pod(volume):
                raise ConfigError("volume uses the ReadWriteOncePod access mode and is already in use by another pod")
            persistent_volume.set_up(volume, path)
            warning = persistent_volume.apply_fs_group(volume, path, pod, read_only=read_only, shared=shared)
            self._owners.add(uid, name)
        else:
            persistent_volume.set_up(volume, path)
        return warning


def _bind_sub_path(volume: Path, sub_path: str, name: str, target: Path) -> Path:
    try:
        subpath.bind(volume, sub_path, target)
    except (SubPathError, MountError, OSError) as error:
        raise VolumeError(f'subPath "{sub_path}" of volume "{name}": {error}') from error
    return target
