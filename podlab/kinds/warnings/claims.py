"""Of claims and volumes."""

from __future__ import annotations

from collections.abc import Iterator

from podlab.api.values import quantity
from podlab.core.v1 import claim_pb2, volume_pb2
from podlab.kinds.warnings import labels

_CLASS = "volume.beta.kubernetes.io/storage-class"
_CLASS_TOLD = 'deprecated since v1.8; use "storageClassName" attribute instead'
_OPTIONS = "volume.beta.kubernetes.io/mount-options"


def of_claim(claim: volume_pb2.PersistentVolumeClaim) -> Iterator[str]:
    """A claim's."""
    if _CLASS in claim.metadata.annotations:
        yield f"metadata.annotations[{_CLASS}]: {_CLASS_TOLD}"
    yield from of_spec("spec", claim.spec)


def of_spec(field: str, spec: claim_pb2.PersistentVolumeClaimSpec) -> Iterator[str]:
    """Of what a claim, or a template of one, asks for."""
    asked = spec.resources.requests
    if "storage" in asked and quantity.parse(asked["storage"]).denominator != 1:
        text = asked["storage"].string
        yield f'{field}.resources.requests[storage]: fractional byte value "{text}" is invalid, must be an integer'


def of_volume(volume: volume_pb2.PersistentVolume) -> Iterator[str]:
    """A volume's."""
    if _CLASS in volume.metadata.annotations:
        yield f"metadata.annotations[{_CLASS}]: {_CLASS_TOLD}"
    if _OPTIONS in volume.metadata.annotations:
        yield f'metadata.annotations[{_OPTIONS}]: deprecated since v1.31; use "mountOptions" attribute instead'
    if volume.spec.persistentVolumeReclaimPolicy == "Recycle":
        yield (
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended "
            "approach is to use dynamic provisioning."
        )
    capacity = volume.spec.capacity
    if "storage" in capacity and quantity.parse(capacity["storage"]).denominator != 1:
        text = capacity["storage"].string
        yield f'spec.capacity[storage]: fractional byte value "{text}" is invalid, must be an integer'
    for index, term in enumerate(volume.spec.nodeAffinity.required.nodeSelectorTerms):
        yield from labels.of_term(f"spec.nodeAffinity.required.nodeSelectorTerms[{index}]", term)
