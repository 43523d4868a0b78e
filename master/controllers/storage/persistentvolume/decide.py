"""What is to be done next about a claim, and about a volume.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/#lifecycle-of-a-volume-and-claim
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from master.controllers.objects.events import ObjectEvent
from podlab.api.pods import volumes
from podlab.api.pods.volumes import BIND_COMPLETED, BOUND_BY_CONTROLLER, PROVISIONED_BY, SELECTED_NODE
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.storage.v1.storageclass_pb2 import StorageClass


@dataclass(frozen=True)
class Bind:
    """Claim and volume belong together: what is missing on either side is to be written."""

    volume: PersistentVolume
    event: ObjectEvent | None = None


@dataclass(frozen=True)
class MarkLost:
    """The claim had a volume and has it no more."""

    event: ObjectEvent


@dataclass(frozen=True)
class StayPending:
    """The claim stays Pending; `event` says why, if there is anything to say."""

    event: ObjectEvent | None = None


@dataclass(frozen=True)
class Provision:
    """A volume is to be made for the claim."""

    provisioner: str
    event: ObjectEvent


ClaimStep = Bind | MarkLost | StayPending | Provision


@dataclass(frozen=True)
class ClaimContext:
    """What a claim is judged by: its volume if it names one, those it may get, its class, pods that wait for it."""

    named: PersistentVolume | None
    candidates: Sequence[PersistentVolume]
    storage_class: StorageClass | None
    pods: Sequence[str] = ()


def decide_claim(claim: PersistentVolumeClaim, context: ClaimContext) -> ClaimStep:
    """The claim's next step. It may be a Bind of what is bound already."""
    if BIND_COMPLETED in claim.metadata.annotations:
        return _keep(claim, context.named)
    return _fulfil(claim, context.named) if claim.spec.volumeName else _find(claim, context)


def _keep(claim: PersistentVolumeClaim, named: PersistentVolume | None) -> ClaimStep:
    if not claim.spec.volumeName:
        lost = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
        return MarkLost(ObjectEvent("Warning", "ClaimLost", lost))
    if named is None:
        return MarkLost(
            ObjectEvent(
                "Warning", "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
            )
        )
    if named.spec.HasField("claimRef") and named.spec.claimRef.uid != claim.metadata.uid:
        message = "Two claims are bound to the same volume, this one is bound incorrectly"
        return MarkLost(ObjectEvent("Warning", "ClaimMisbound", message))
    return Bind(named, _unmet(claim))


def _unmet(claim: PersistentVolumeClaim) -> ObjectEvent | None:
    """A claim that asks for more than it has got: whatever stands behind volumes here is not enlarged from here."""
    if claim.status.phase != "Bound" or volumes.size(claim.spec.resources.requests) <= volumes.size(
        claim.status.capacity
    ):
        return None
    message = (
        "Ignoring the PVC: didn't find a plugin capable of expanding the volume; waiting for an external controller to"
        " process this PVC."
    )
    return ObjectEvent("Warning", "ExternalExpanding", message)


def _fulfil(claim: PersistentVolumeClaim, named: PersistentVolume | None) -> ClaimStep:
    """A claim whose user, or whose provisioner, says which volume it wants."""
    if named is None:
        return StayPending()
    if named.spec.HasField("claimRef") and not volumes.is_kept_for(named, claim):
        message = f'volume "{named.metadata.name}" already bound to a different claim.'
        return StayPending(ObjectEvent("Warning", "FailedBinding", message))
    if not named.spec.HasField("claimRef") and (why := volumes.mismatch(named, claim)):
        message = f'Cannot bind to requested volume "{named.metadata.name}": {why}'
        return StayPending(ObjectEvent("Warning", "VolumeMismatch", message))
    return Bind(named)


def _find(claim: PersistentVolumeClaim, context: ClaimContext) -> ClaimStep:
    kept = volumes.kept_for(claim, context.candidates)
    if kept is not None:
        return Bind(kept)
    if is_delayed(claim, context.storage_class):
        return StayPending(_waiting(context.pods))
    found = volumes.smallest(volumes.free_for(claim, context.candidates))
    if found is not None:
        return Bind(found)
    name = claim.spec.storageClassName
    if not name:
        message = "no persistent volumes available for this claim and no storage class is set"
        return StayPending(ObjectEvent("Normal", "FailedBinding", message))
    if context.storage_class is None:
        message = f'storageclass.storage.k8s.io "{name}" not found'
        return StayPending(ObjectEvent("Warning", "ProvisioningFailed", message))
    return _provision(context.storage_class)


def is_delayed(claim: PersistentVolumeClaim, storage_class: StorageClass | None) -> bool:
    """Whether nothing is chosen before the scheduler has chosen a node."""
    waits = storage_class is not None and storage_class.volumeBindingMode == "WaitForFirstConsumer"
    return waits and SELECTED_NODE not in claim.metadata.annotations


def _waiting(pods: Sequence[str]) -> ObjectEvent:
    if not pods:
        return ObjectEvent("Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding")
    noun = "pod" if len(pods) == 1 else "pods"
    return ObjectEvent("Normal", "WaitForPodScheduled", f"waiting for {noun} {','.join(sorted(pods))} to be scheduled")


def _provision(storage_class: StorageClass) -> ClaimStep:
    provisioner = storage_class.provisioner
    if provisioner == volumes.NO_PROVISIONER:
        message = "no persistent volumes available for this claim and no provisioner makes volumes of its class"
        return StayPending(ObjectEvent("Normal", "FailedBinding", message))
    message = (
        f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the"
        " system administrator. If volume creation is delayed, please verify that the provisioner is running and"
        " correctly registered."
    )
    return Provision(provisioner, ObjectEvent("Normal", "ExternalProvisioning", message))


@dataclass(frozen=True)
class VolumeStep:
    """The volume's phase; `unbind` lets its claim go, `event` is an Event of it."""

    phase: str
    message: str = ""
    unbind: bool = False
    event: ObjectEvent | None = None


def decide_volume(volume: PersistentVolume, claim: PersistentVolumeClaim | None) -> VolumeStep:
    """How the volume stands; `claim` is the one that it refers to, None when that one is gone."""
    if not volume.spec.claimRef.uid:  # nobody's, or set aside for a claim that has not come
        return VolumeStep("Available")
    if claim is None:
        return _release(volume)
    if claim.spec.volumeName == volume.metadata.name:
        return VolumeStep("Bound")
    if not claim.spec.volumeName:  # the claim will say so next
        return VolumeStep(volume.status.phase)
    if volume.metadata.annotations.get(PROVISIONED_BY) and volume.spec.persistentVolumeReclaimPolicy == "Delete":
        return _release(volume)  # made for a claim that found another one meanwhile
    return VolumeStep("Available", unbind=True)


def _release(volume: PersistentVolume) -> VolumeStep:
    """The claim is gone. Who made the volume removes it; nobody removes what was made by hand."""
    policy, name = volume.spec.persistentVolumeReclaimPolicy, volume.metadata.name
    if policy == "Recycle":
        event = ObjectEvent("Warning", "VolumeFailedRecycle", "No recycler plugin found for the volume!")
        return VolumeStep("Failed", event.message, event=event)
    if policy == "Delete" and PROVISIONED_BY not in volume.metadata.annotations:
        why = f'error getting deleter volume plugin for volume "{name}": no deletable volume plugin matched'
        return VolumeStep("Failed", why, event=ObjectEvent("Warning", "VolumeFailedDelete", why))
    return VolumeStep("Released")


def unbound(volume: PersistentVolume) -> PersistentVolume:
    """The volume without its claim; one that its user has set aside stays so for a claim of that name."""
    result = PersistentVolume()
    result.CopyFrom(volume)
    if BOUND_BY_CONTROLLER in result.metadata.annotations:
        del result.metadata.annotations[BOUND_BY_CONTROLLER]
        result.spec.ClearField("claimRef")
    else:
        result.spec.claimRef.ClearField("uid")
    return result


def bound_claim(claim: PersistentVolumeClaim, volume: PersistentVolume) -> PersistentVolumeClaim:
    """The claim with its volume written down."""
    result = PersistentVolumeClaim()
    result.CopyFrom(claim)
    if not result.spec.volumeName:
        result.spec.volumeName = volume.metadata.name
        result.metadata.annotations[BOUND_BY_CONTROLLER] = "yes"
    result.metadata.annotations[BIND_COMPLETED] = "yes"
    return result


def claim_status(claim: PersistentVolumeClaim, phase: str, volume: PersistentVolume | None) -> PersistentVolumeClaim:
    """The claim with that phase, and with what the volume can do when it has one."""
    result = PersistentVolumeClaim()
    result.CopyFrom(claim)
    result.status.phase = phase
    result.status.ClearField("accessModes")
    result.status.ClearField("capacity")
    if volume is not None:
        result.status.accessModes.extend(volume.spec.accessModes)
        result.status.capacity["storage"].CopyFrom(volume.spec.capacity["storage"])
    return result
