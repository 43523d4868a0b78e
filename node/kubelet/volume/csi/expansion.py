"""Volumes that have grown: what their driver is to do on the node, and what their claims say then. Pure.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims
"""

from __future__ import annotations

from collections.abc import Mapping

from podlab.api.values import quantity
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.meta.v1.meta_pb2 import Quantity

_RESOURCE = "storage"
_IN_PROGRESS = frozenset({"Resizing", "FileSystemResizePending", "ControllerResizeError", "NodeResizeError"})


def missing_bytes(claim: PersistentVolumeClaim, volume: PersistentVolume) -> int:
    """How large the volume is to be on its node; 0 when the claim says that it is."""
    wanted, told = _bytes(volume.spec.capacity), _bytes(claim.status.capacity)
    return wanted if wanted > told else 0


def grown(claim: PersistentVolumeClaim, volume: PersistentVolume) -> PersistentVolumeClaim:
    """The claim, whose status says that all of the volume is there."""
    made = PersistentVolumeClaim()
    made.CopyFrom(claim)
    made.status.capacity[_RESOURCE].CopyFrom(volume.spec.capacity[_RESOURCE])
    made.status.allocatedResourceStatuses.pop(_RESOURCE, None)
    kept = [condition for condition in claim.status.conditions if condition.type not in _IN_PROGRESS]
    del made.status.conditions[:]
    made.status.conditions.extend(kept)
    return made


def _bytes(amounts: Mapping[str, Quantity]) -> int:
    return quantity.value(amounts[_RESOURCE]) if _RESOURCE in amounts else 0
