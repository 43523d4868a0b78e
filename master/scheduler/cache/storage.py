"""Claims, volumes and storage classes, and what is reserved for pods that are being bound.

A reservation lasts from the decision until the pod is bound or the binding fails.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from master.scheduler.cache.pod_info import PodShape
from podlab.api.pods import volumes
from podlab.api.pods.volumes import SELECTED_NODE
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.storage.v1.csi_pb2 import CSINode
from podlab.storage.v1.storageclass_pb2 import StorageClass

K = TypeVar("K")
V = TypeVar("V")
ClaimName = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True)
class PodVolumes:
    """What is to be done for a pod's claims before it is bound to the node.

    `static_bindings` are claims with the volumes they get; `dynamic_provisions` are claims whose volume is to be made.
    """

    node: str
    static_bindings: tuple[tuple[ClaimName, str], ...] = ()
    dynamic_provisions: tuple[ClaimName, ...] = ()

    @property
    def claims(self) -> tuple[ClaimName, ...]:
        return (*(claim for claim, _ in self.static_bindings), *self.dynamic_provisions)


@dataclass(frozen=True)
class PodVolumeClaims:
    """The volumes of a pod's bound claims, its claims that wait for a node, or why the pod fits on no node."""

    bound: tuple[PersistentVolume, ...] = ()
    unbound: tuple[PersistentVolumeClaim, ...] = ()
    refusal: str = ""


class Storage:
    """Only the scheduler's loop writes; plugins read. `changes` counts what was taken in."""

    def __init__(self) -> None:
        self.claims: dict[ClaimName, PersistentVolumeClaim] = {}
        self.volumes: dict[str, PersistentVolume] = {}
        self.classes: dict[str, StorageClass] = {}
        self.limits: dict[str, dict[str, int]] = {}
        """By node and driver: how many volumes of the driver the node takes, where it says so."""
        self._free: defaultdict[str, dict[str, None]] = defaultdict(dict)  # by class: volumes without claim
        self._users: Counter[ClaimName] = Counter()
        self._reserved: dict[str, PodVolumes] = {}
        self.changes = 0

    def set_claim(self, name: ClaimName, claim: PersistentVolumeClaim | None) -> None:
        """Takes in a claim; None when it is gone."""
        self.changes += 1
        _put(self.claims, name, claim)

    def set_volume(self, name: str, volume: PersistentVolume | None) -> None:
        """Takes in a volume; None when it is gone."""
        self.changes += 1
        if (old := self.volumes.get(name)) is not None:
            self._free[old.spec.storageClassName].pop(name, None)
        if volume is not None and not volume.spec.HasField("claimRef"):
            self._free[volume.spec.storageClassName][name] = None
        _put(self.volumes, name, volume)

    def set_class(self, name: str, storage_class: StorageClass | None) -> None:
        """Takes in a storage class; None when it is gone."""
        self.changes += 1
        _put(self.classes, name, storage_class)

    def set_drivers(self, node: str, drivers: CSINode | None) -> None:
        """Takes in the drivers of a node; None when it has none any more."""
        self.changes += 1
        told = drivers.spec.drivers if drivers is not None else ()
        limits = {each.name: each.allocatable.count for each in told if each.allocatable.HasField("count")}
        _put(self.limits, node, limits or None)

    def count_users(self, shape: PodShape, sign: int) -> None:
        """Counts a pod that came to a node; `sign` -1 for one that left."""
        for name in shape.claims:
            self._users[shape.namespace, name] += sign

    def is_used(self, claim: ClaimName) -> bool:
        """Whether a pod on a node uses the claim."""
        return self._users[claim] > 0

    def reserve(self, uid: str, planned: PodVolumes) -> None:
        """No other pod gets these volumes until `unreserve`. Nothing is remembered for a pod without claims to bind."""
        if planned.claims:
            self._reserved[uid] = planned

    def unreserve(self, uid: str) -> None:
        self._reserved.pop(uid, None)

    def reserved_for(self, uid: str) -> PodVolumes | None:
        return self._reserved.get(uid)

    def node_of(self, claim: PersistentVolumeClaim) -> str:
        """The node that was chosen for the unbound claim; empty when none was."""
        name = claim.metadata.namespace, claim.metadata.name
        reserved = next((each.node for each in self._reserved.values() if name in each.claims), "")
        return reserved or claim.metadata.annotations.get(SELECTED_NODE, "")

    def free_for(self, claim: PersistentVolumeClaim) -> list[PersistentVolume]:
        """The free volumes that suit the claim, the smallest first."""
        taken = {name for each in self._reserved.values() for _, name in each.static_bindings}
        of_class: Iterable[str] = self._free.get(claim.spec.storageClassName, ())
        candidates = (self.volumes[name] for name in of_class if name not in taken)
        found = volumes.free_for(claim, candidates)
        return sorted(found, key=lambda one: (volumes.size(one.spec.capacity), one.metadata.name))

    def claims_of(self, shape: PodShape) -> PodVolumeClaims:
        """The state of the claims of the shape's pods."""
        bound: list[PersistentVolume] = []
        unbound: list[PersistentVolumeClaim] = []
        refusal = ""
        for volume in shape.pod.spec.volumes:
            name = volumes.claim_name(shape.pod, volume)
            claim = self.claims.get((shape.namespace, name))
            if claim is None:
                return PodVolumeClaims(refusal=_missing(name, volume))
            if why := _unusable(claim) or volumes.why_foreign(shape.pod, volume, claim):
                return PodVolumeClaims(refusal=why)
            if not volumes.is_bound(claim):
                refusal = refusal or self._why_bound_first(claim)
                unbound.append(claim)
            elif (found := self.volumes.get(claim.spec.volumeName)) is not None:
                bound.append(found)
            else:
                return PodVolumeClaims(
                    refusal="node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
                )
        return PodVolumeClaims(tuple(bound), tuple(unbound), refusal)

    def _why_bound_first(self, claim: PersistentVolumeClaim) -> str:
        """Why the claim has to be bound before a node is chosen; empty when it waits for a node.

        The class need not exist: its name alone may match claims with volumes that were made by hand.
        """
        found = self.classes.get(claim.spec.storageClassName)
        waits = found is not None and found.volumeBindingMode == "WaitForFirstConsumer" and not claim.spec.volumeName
        return "" if waits else "pod has unbound immediate PersistentVolumeClaims"


def _missing(name: str, volume: pod_pb2.Volume) -> str:
    if volume.volumeSource.HasField("ephemeral"):
        return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
    return f'persistentvolumeclaim "{name}" not found'


def _unusable(claim: PersistentVolumeClaim) -> str:
    about = f'persistentvolumeclaim "{claim.metadata.name}"'
    if claim.status.phase == "Lost":
        return f'{about} bound to non-existent persistentvolume "{claim.spec.volumeName}"'
    return f"{about} is being deleted" if volumes.is_going(claim) else ""


def _put(into: dict[K, V], name: K, value: V | None) -> None:
    if value is None:
        into.pop(name, None)
    else:
        into[name] = value
