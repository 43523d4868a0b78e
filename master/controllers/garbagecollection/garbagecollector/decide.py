"""What becomes of an object, given what became of its owners.

https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, auto

from podlab.api.objects import ApiObject
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"


class OwnerState(IntEnum):
    """How an owner stands towards one object; the first is the one most worth keeping it for."""

    THERE = auto()
    # It is being deleted in the foreground: what it owns goes, whether it waits for that or not.
    WAITING = auto()
    GONE = auto()


@dataclass(frozen=True)
class Keep:
    """Nothing to do."""


@dataclass(frozen=True)
class DropOwners:
    """Others still own it: only the references to these uids go."""

    uids: frozenset[str]


@dataclass(frozen=True)
class Delete:
    """`unbound`: its owners must stop to wait for it first, or it and they would wait for each other."""

    policy: apiserver_pb2.PropagationPolicy.ValueType
    unbound: bool = False


Action = Keep | DropOwners | Delete


def decide(obj: ApiObject, owners: Mapping[str, OwnerState], dependents: Iterable[ApiObject]) -> Action:
    """`owners` are its owners by uid; `dependents` are the objects that it owns."""
    if not owners or obj.metadata.HasField("deletionTimestamp"):
        return Keep()
    lost = frozenset(uid for uid, state in owners.items() if state is not OwnerState.THERE)
    if len(lost) < len(owners):
        return DropOwners(lost) if lost else Keep()
    owned = [dependent for dependent in dependents if dependent.metadata.uid != obj.metadata.uid]
    if OwnerState.WAITING in owners.values() and owned:
        unbound = any(is_waiting(dependent.metadata, FOREGROUND) for dependent in owned)
        return Delete(apiserver_pb2.PROPAGATION_POLICY_FOREGROUND, unbound)
    if ORPHAN in obj.metadata.finalizers:
        return Delete(apiserver_pb2.PROPAGATION_POLICY_ORPHAN)
    if FOREGROUND in obj.metadata.finalizers:
        return Delete(apiserver_pb2.PROPAGATION_POLICY_FOREGROUND)
    return Delete(apiserver_pb2.PROPAGATION_POLICY_BACKGROUND)


def is_waiting(metadata: meta_pb2.ObjectMeta, finalizer: str) -> bool:
    """It is being deleted, and that finalizer holds it."""
    return metadata.HasField("deletionTimestamp") and finalizer in metadata.finalizers


def blocks(dependent: ApiObject, owner: ApiObject) -> bool:
    """The owner's foreground deletion waits for the dependent. Nothing waits for itself."""
    return dependent.metadata.uid != owner.metadata.uid and any(
        reference.uid == owner.metadata.uid and reference.blockOwnerDeletion
        for reference in dependent.metadata.ownerReferences
    )
