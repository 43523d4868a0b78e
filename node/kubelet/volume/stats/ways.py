"""In which way each of a pod's volumes is measured. Pure.

As Kubernetes' volume plugins do: what the kubelet makes for the pod by walking through it, local and NFS volumes by
their filesystem, those of drivers by asking the driver. A hostPath and an image have no figures.
"""

from __future__ import annotations

from enum import Enum

from node.kubelet.volume import persistent_volume, projected
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume


class Way(Enum):
    """How a volume is measured."""

    TREE = "tree"
    FILESYSTEM = "filesystem"
    DRIVER = "driver"


def of_own(volume: pod_pb2.Volume) -> Way | None:
    """Of one that is no claim's; None where there is nothing to measure."""
    source = volume.volumeSource
    if source.HasField("csi"):
        return Way.DRIVER
    return Way.TREE if source.HasField("emptyDir") or projected.is_projected(source) else None


def of_claim(volume: PersistentVolume) -> Way | None:
    """Of the volume of a claim; None where there is nothing to measure."""
    source = volume.spec.persistentVolumeSource
    if source.HasField("csi"):
        return Way.DRIVER
    measured = source.HasField("local") or source.HasField("nfs")
    return Way.FILESYSTEM if measured and not persistent_volume.is_block(volume) else None


def is_ephemeral(volume: pod_pb2.Volume) -> bool:
    """Whether what is in it counts as the pod's ephemeral storage."""
    source = volume.volumeSource
    return source.HasField("configMap") or (source.HasField("emptyDir") and source.emptyDir.medium == "")
