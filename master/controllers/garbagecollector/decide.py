"""What becomes of an object, given what became of its owners.

https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from podlab.api.objects import ApiObject
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"


class Owner(Enum):
    """How an owner stands towards one object."""

    THERE = auto()
    # It is being deleted in the foreground, and this object is what it waits for.
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
    policy: apiserver_pb2.PropagationPolicy.ValueType


Action = Keep | DropOwners | Delete


def decide(obj: ApiObject, owners: Mapping[str, Owner], dependents: Iterable[ApiObject]) -> Action:
    """`owners` are its owners by uid; `dependents` are the objects that it owns."""
    if not owners or obj.metadata.HasField("deletionTimestamp"):
        return Keep()
    lost = frozenset(uid for uid, state in owners.items() if state is not Owner.THERE)
    if len(lost) < len(owners):
        return DropOwners(lost) if lost else Keep()
    if Owner.WAITING in owners.values() and any(blocks(dependent, obj) for dependent in dependents):
        return Delete(apiserver_pb2.PROPAGATION_POLICY_FOREGROUND)
    if ORPHAN in obj.metadata.finalizers:
        return Delete(apiserver_pb2.PROPAGATION_POLICY_ORPHAN)
    if FOREGROUND in obj.metadata.finalizers:
        return Delete(apiserver_pb2.PROPAGATION_POLICY_FOREGROUND)
    return Delete(apiserver_pb2.PROPAGATION_POLICY_BACKGROUND)


def is_waiting(metadata: meta_pb2.ObjectMeta, finalizer: str) -> bool:
    """It is being deleted, and that finalizer holds it."""
    return metadata.HasField("deletionTimestamp") and finalizer in metadata.finalizers


def blocks(dependent: ApiObject, owner: ApiObject) -> bool:
    """The owner's foreground deletion waits for the dependent."""
    return any(
        reference.uid == owner.metadata.uid and reference.blockOwnerDeletion
        for reference in dependent.metadata.ownerReferences
    )
