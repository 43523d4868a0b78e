"""Volumes of drivers that have to be attached to a node before they can be mounted there.

https://kubernetes-csi.github.io/docs/skip-attach.html
"""

from __future__ import annotations

import hashlib

from podlab.core.v1.volume_pb2 import PersistentVolume
from podlab.storage.v1.csi_pb2 import CSIDriver


def attachment_name(driver: str, handle: str, node: str) -> str:
    """What Kubernetes calls the VolumeAttachment of a driver's volume on a node."""
    return f"csi-{hashlib.sha256(f'{handle}{driver}{node}'.encode()).hexdigest()}"


def is_attached_by(driver: CSIDriver | None) -> bool:
    """Whether the driver's volumes have to be attached: those of a driver that says nothing have."""
    return driver is None or driver.spec.attachRequired or not driver.spec.HasField("attachRequired")


def driver_of(volume: PersistentVolume) -> str:
    """The driver that has the volume; empty where it is another kind of volume."""
    source = volume.spec.persistentVolumeSource
    return str(source.csi.driver) if source.HasField("csi") else ""
