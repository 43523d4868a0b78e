"""Persistent volumes, claims, and storage classes."""

from podlab.api.storageclasses import access_modes, is_default
from podlab.api.values import times
from podlab.cli.describe import layout
from podlab.cli.describe.basics import Related, events, heading, moment, quantities
from podlab.cli.describe.layout import Fields, LayoutField
from podlab.core.v1.topology_pb2 import TopologySelectorTerm
from podlab.core.v1.volume_pb2 import (
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimCondition,
    PersistentVolumeSource,
)
from podlab.storage.v1.storageclass_pb2 import StorageClass


def volume(found: PersistentVolume, related: Related) -> Fields:
    spec, claim = found.spec, found.spec.claimRef
    return [
        *heading(found.metadata, namespaced=False),
        layout.field("StorageClass", spec.storageClassName or layout.NONE),
        layout.field("Status", found.status.phase),
        *([layout.field("Reason", found.status.reason)] if found.status.reason else []),
        layout.field("Claim", f"{claim.namespace}/{claim.name}" if spec.HasField("claimRef") else layout.NONE),
        layout.field("Reclaim Policy", spec.persistentVolumeReclaimPolicy),
        layout.field("Access Modes", access_modes(spec.accessModes)),
        layout.field("VolumeMode", spec.volumeMode),
        quantities("Capacity", spec.capacity),
        layout.field("Node Affinity", _nodes(found)),
        layout.field("Mount Options", list(spec.mountOptions)),
        layout.field("Message", found.status.message or layout.NONE),
        _source(spec.persistentVolumeSource),
        events(related),
    ]


def claim(found: PersistentVolumeClaim, related: Related) -> Fields:
    spec = found.spec
    headers = ["Type", "Status", "LastProbeTime", "LastTransitionTime", "Reason", "Message"]
    conditions = [_condition(one) for one in found.status.conditions]
    return [
        *heading(found.metadata),
        layout.field("StorageClass", spec.storageClassName or layout.NONE),
        layout.field("Status", found.status.phase),
        layout.field("Volume", spec.volumeName or layout.NONE),
        layout.field("Access Modes", access_modes(found.status.accessModes) or layout.NONE),
        layout.field("VolumeMode", spec.volumeMode),
        quantities("Requests", spec.resources.requests),
        quantities("Capacity", found.status.capacity),
        *([layout.table("Conditions", headers, conditions)] if conditions else []),
        layout.field("Used By", [pod.metadata.name for pod in related.pods]),
        events(related),
    ]


def storage_class(found: StorageClass, related: Related) -> Fields:
    return [
        *heading(found.metadata, namespaced=False),
        layout.field("IsDefaultClass", "Yes" if is_default(found) else "No"),
        layout.field("Provisioner", found.provisioner),
        layout.field("Parameters", layout.pairs(found.parameters)),
        layout.field("AllowVolumeExpansion", str(found.allowVolumeExpansion).lower()),
        layout.field("MountOptions", list(found.mountOptions)),
        layout.field("ReclaimPolicy", found.reclaimPolicy),
        layout.field("VolumeBindingMode", found.volumeBindingMode),
        layout.field("AllowedTopologies", [_term(term) for term in found.allowedTopologies]),
        events(related),
    ]


def _nodes(found: PersistentVolume) -> list[str]:
    """A line for each alternative."""
    return [
        ", ".join(f"{one.key} {one.operator} [{', '.join(one.values)}]" for one in term.matchExpressions)
        for term in found.spec.nodeAffinity.required.nodeSelectorTerms
    ]


def _source(source: PersistentVolumeSource) -> LayoutField:
    details = [
        layout.field(field.name, str(value)) for _, inner in source.ListFields() for field, value in inner.ListFields()
    ]
    kind = next((field.name for field, _ in source.ListFields()), layout.NONE)
    return layout.group("Source", [layout.field("Type", kind), *details])


def _condition(one: PersistentVolumeClaimCondition) -> list[str]:
    probed = layout.NONE if times.is_zero(one.lastProbeTime) else moment(one.lastProbeTime)
    return [one.type, one.status, probed, moment(one.lastTransitionTime), one.reason, one.message]


def _term(term: TopologySelectorTerm) -> str:
    return ", ".join(f"{one.key} in [{', '.join(one.values)}]" for one in term.matchLabelExpressions)
