"""Who manages what: which objects a controller's selector makes its own, takes in, or lets go.

The rules are those of Kubernetes' controller references
(https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.objects import ApiObject, controller_of
from podlab.api.selection.selectors import Selector
from podlab.meta.v1 import meta_pb2

A = TypeVar("A", bound=ApiObject)


@dataclass(frozen=True)
class ClaimedObjects(Generic[A]):
    """`owned` stays; `adopt` matches and has no controller; `release` is ours and matches no longer."""

    owned: list[A]
    adopt: list[A]
    release: list[A]


def claim(owner: meta_pb2.ObjectMeta, selector: Selector, candidates: Iterable[A]) -> ClaimedObjects[A]:
    """Sorts candidates; those of other controllers are in none of the lists. An owner that goes takes in nothing."""
    result: ClaimedObjects[A] = ClaimedObjects([], [], [])
    going = owner.HasField("deletionTimestamp")
    for candidate in candidates:
        metadata = candidate.metadata
        controller = controller_of(metadata)
        matches = selector.matches(metadata.labels)
        if controller is not None and controller.uid == owner.uid:
            if matches or going:
                result.owned.append(candidate)
            elif not metadata.HasField("deletionTimestamp"):
                result.release.append(candidate)
        elif controller is None and matches and not going and not metadata.HasField("deletionTimestamp"):
            result.adopt.append(candidate)
    return result


def reference_to(owner: Message) -> meta_pb2.OwnerReference:
    """The reference by which `owner` manages an object."""
    kind = kinds.of(owner)
    metadata: meta_pb2.ObjectMeta = owner.metadata  # type: ignore[attr-defined]
    return meta_pb2.OwnerReference(
        apiVersion=kind.api_version,
        kind=kind.name,
        name=metadata.name,
        uid=metadata.uid,
        controller=True,
        blockOwnerDeletion=True,
    )


def without_owner(metadata: meta_pb2.ObjectMeta, uids: frozenset[str]) -> None:
    """Takes those owners out of the object's references."""
    kept = [owner for owner in metadata.ownerReferences if owner.uid not in uids]
    del metadata.ownerReferences[:]
    metadata.ownerReferences.extend(kept)
