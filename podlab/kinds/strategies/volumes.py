"""Volumes and claims: what they start with."""

from __future__ import annotations

from podlab.core.v1 import volume_pb2
from podlab.meta.v1 import meta_pb2

PENDING = "Pending"


def begin_volume(given: volume_pb2.PersistentVolume) -> None:
    """Nobody has looked for a claim yet."""
    given.status.phase = PENDING
    given.status.lastPhaseTransitionTime.CopyFrom(given.metadata.creationTimestamp)


def note_phase(new: volume_pb2.PersistentVolume, old: volume_pb2.PersistentVolume, now: meta_pb2.Time) -> None:
    """Whoever writes another phase need not say since when it is so."""
    told, known = new.status, old.status
    if told.phase != known.phase and told.lastPhaseTransitionTime == known.lastPhaseTransitionTime:
        told.lastPhaseTransitionTime.CopyFrom(now)
    elif not told.HasField("lastPhaseTransitionTime") and known.HasField("lastPhaseTransitionTime"):
        told.lastPhaseTransitionTime.CopyFrom(known.lastPhaseTransitionTime)


def begin_claim(given: volume_pb2.PersistentVolumeClaim) -> None:
    """Nobody has looked for a volume yet."""
    given.status.phase = PENDING
