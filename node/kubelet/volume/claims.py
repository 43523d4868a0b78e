"""The persistent volumes of a pod's claims, read by name: a node may read those of its own pods and no others."""

from __future__ import annotations

from node.kubelet.pod import podspec
from node.kubelet.volume.local_path import LocalPathManager
from node.kubelet.volume.volume_manager import VolumeError
from podlab.api.pods import volumes
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.errors import Forbidden, NotFound


class ClaimReader:
    """Reads them whenever a pod's volumes are set up or refreshed."""

    def __init__(self, client: Client, local_path: LocalPathManager) -> None:
        self._client = client
        self._local_path = local_path

    async def read(self, pod: pod_pb2.Pod) -> dict[str, PersistentVolume]:
        """By the names of the pod's volumes. Raises VolumeError for a claim that cannot be mounted, and ApiError."""
        found: dict[str, PersistentVolume] = {}
        for volume in pod.spec.volumes:
            name = volumes.claim_name(pod, volume)
            if not name:
                continue
            try:
                found[volume.name] = await self.bound(pod, volume, name)
            except (NotFound, Forbidden) as error:
                raise _failed(pod, volume.name, name, f"failed to fetch PVC from API server: {error}") from error
            except VolumeError as error:
                raise _failed(pod, volume.name, name, str(error)) from error
            await self._local_path.set_up(found[volume.name])
        return found

    async def bound(self, pod: pod_pb2.Pod, pod_volume: pod_pb2.Volume, name: str) -> PersistentVolume:
        """The volume of the claim of that name. Raises VolumeError for one that the pod cannot use, and ApiError."""
        claim = await self._client.get(PersistentVolumeClaim, name, pod.metadata.namespace)
        if why := volumes.why_foreign(pod, pod_volume, claim):
            raise VolumeError(why)
        # A pod that runs keeps its claim: the deletion waits for the pod.
        if volumes.is_going(claim) and pod.status.phase in ("", "Pending"):
            raise VolumeError("PVC is being deleted")
        if claim.status.phase != "Bound" or not claim.spec.volumeName:
            raise VolumeError("PVC is not bound")
        if why := _misused(pod, pod_volume.name, claim.spec.volumeMode or "Filesystem"):
            raise VolumeError(why)
        volume = await self._client.get(PersistentVolume, claim.spec.volumeName)
        if volume.spec.claimRef.uid != claim.metadata.uid:
            bound_to = volume.spec.claimRef.uid
            message = f"PV {volume.metadata.name} is bound to PVC of uid {bound_to} and not to {claim.metadata.uid}"
            raise VolumeError(message)
        return volume


def _misused(pod: pod_pb2.Pod, volume: str, mode: str) -> str:
    """Why a volume of that mode is not what containers use it as; empty when it is."""
    field = "volumeMounts" if mode == "Block" else "volumeDevices"
    for container in podspec.all_containers(pod):
        if any(used.name == volume for used in getattr(container, field)):
            return f"volume {volume} has volumeMode {mode}, but is specified in {field}"
    return ""


def _failed(pod: pod_pb2.Pod, volume: str, claim: str, why: str) -> VolumeError:
    about = f"error processing PVC {pod.metadata.namespace}/{claim}"
    return VolumeError(f"Unable to attach or mount volumes: failed to process volumes=[{volume}]: {about}: {why}")
