"""Claims, volumes and classes as plugins see them, and what is reserved for pods that are being bound. Pure.

A reservation stands from the verdict until the pod is bound or given up: the API shows only later what was promised.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from master.scheduler.cache.pod_info import Shape
from podlab.api import volumes
from podlab.api.objects import Key
from podlab.api.volumes import SELECTED_NODE
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.storage.v1.storageclass_pb2 import StorageClass

ClaimName = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True)
class Plan:
    """What is to be done before a pod is bound to the node: volumes kept for claims, and claims told of the node."""

    node: str
    kept: tuple[tuple[ClaimName, str], ...] = ()
    asked: tuple[ClaimName, ...] = ()

    @property
    def claims(self) -> tuple[ClaimName, ...]:
        return (*(claim for claim, _ in self.kept), *self.asked)


@dataclass(frozen=True)
class Found:
    """A pod's claims, sorted: volumes that they have, those that wait for a node; or why the pod fits nowhere."""

    bound: tuple[PersistentVolume, ...] = ()
    waiting: tuple[PersistentVolumeClaim, ...] = ()
    refusal: str = ""


class Storage:
    """Only the scheduler's loop writes; plugins read. `changes` counts what was taken in."""

    def __init__(self) -> None:
        self.claims: dict[ClaimName, PersistentVolumeClaim] = {}
        self.volumes: dict[str, PersistentVolume] = {}
        self.classes: dict[str, StorageClass] = {}
        self._free: defaultdict[str, dict[str, None]] = defaultdict(dict)  # by class, those that are nobody's
        self._users: Counter[ClaimName] = Counter()
        self._plans: dict[str, Plan] = {}
        self.changes = 0

    def set(self, at: Key, obj: Any) -> None:
        """Takes in a claim, volume or class; None when it is gone."""
        self.changes += 1
        if at.kind == "PersistentVolume":
            self._set_volume(at.name, obj)
        elif at.kind == "PersistentVolumeClaim":
            _put(self.claims, (at.namespace, at.name), obj)
        else:
            _put(self.classes, at.name, obj)

    def count(self, shape: Shape, sign: int) -> None:
        """A pod with claims has come to a node, or left it."""
        for name in shape.claims:
            self._users[shape.namespace, name] += sign

    def is_used(self, claim: ClaimName) -> bool:
        """Whether a pod on a node mounts it."""
        return self._users[claim] > 0

    def reserve(self, uid: str, plan: Plan) -> None:
        """What the plan promises to the pod is nobody else's. A plan of nothing is not remembered."""
        if plan.claims:
            self._plans[uid] = plan

    def unreserve(self, uid: str) -> None:
        self._plans.pop(uid, None)

    def plan_of(self, uid: str) -> Plan | None:
        return self._plans.get(uid)

    def node_of(self, claim: PersistentVolumeClaim) -> str:
        """The node that was chosen for a claim without a volume; empty when none was."""
        name = claim.metadata.namespace, claim.metadata.name
        reserved = next((plan.node for plan in self._plans.values() if name in plan.claims), "")
        return reserved or claim.metadata.annotations.get(SELECTED_NODE, "")

    def free_for(self, claim: PersistentVolumeClaim) -> list[PersistentVolume]:
        """The volumes that the claim could have, those that waste least first."""
        reserved = {name for plan in self._plans.values() for _, name in plan.kept}
        of_class: Iterable[str] = self._free.get(claim.spec.storageClassName, ())
        candidates = (self.volumes[name] for name in of_class if name not in reserved)
        found = volumes.free_for(claim, candidates)
        return sorted(found, key=lambda one: (volumes.size(one.spec.capacity), one.metadata.name))

    def find(self, shape: Shape) -> Found:
        """How the claims of the shape's pods stand."""
        bound: list[PersistentVolume] = []
        waiting: list[PersistentVolumeClaim] = []
        unbound = ""
        for volume in shape.pod.spec.volumes:
            name = volumes.claim_name(shape.pod, volume)
            claim = self.claims.get((shape.namespace, name))
            if claim is None:
                return Found(refusal=_missing(name, volume))
            if why := _unusable(claim) or volumes.why_foreign(shape.pod, volume, claim):
                return Found(refusal=why)
            if not volumes.is_bound(claim):
                unbound = unbound or self._immediate(claim)
                waiting.append(claim)
            elif (found := self.volumes.get(claim.spec.volumeName)) is not None:
                bound.append(found)
            else:
                return Found(refusal="node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)")
        return Found(tuple(bound), tuple(waiting), unbound)

    def _immediate(self, claim: PersistentVolumeClaim) -> str:
        """Why no node is to be chosen before the claim has its volume; empty when it waits for one.

        A class that does not exist may only be a word that binds claims to volumes made by hand.
        """
        found = self.classes.get(claim.spec.storageClassName)
        waits = found is not None and found.volumeBindingMode == "WaitForFirstConsumer" and not claim.spec.volumeName
        return "" if waits else "pod has unbound immediate PersistentVolumeClaims"

    def _set_volume(self, name: str, new: PersistentVolume | None) -> None:
        if (old := self.volumes.get(name)) is not None:
            self._free[old.spec.storageClassName].pop(name, None)
        if new is not None and not new.spec.HasField("claimRef"):
            self._free[new.spec.storageClassName][name] = None
        _put(self.volumes, name, new)


def _missing(name: str, volume: pod_pb2.Volume) -> str:
    if volume.volumeSource.HasField("ephemeral"):
        return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
    return f'persistentvolumeclaim "{name}" not found'


def _unusable(claim: PersistentVolumeClaim) -> str:
    about = f'persistentvolumeclaim "{claim.metadata.name}"'
    if claim.status.phase == "Lost":
        return f'{about} bound to non-existent persistentvolume "{claim.spec.volumeName}"'
    return f"{about} is being deleted" if volumes.is_going(claim) else ""


def _put(into: dict[Any, Any], at: Any, obj: Any) -> None:
    if obj is None:
        into.pop(at, None)
    else:
        into[at] = obj
