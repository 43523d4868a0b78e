"""Volumes and claims: what they start with."""

from __future__ import annotations

from podlab.api import times
from podlab.api.volumes import CLAIM_PROTECTION, VOLUME_PROTECTION
from podlab.core.v1 import volume_pb2

PENDING = "Pending"


def begin_volume(given: volume_pb2.PersistentVolume) -> None:
    """Nobody has looked for a claim yet. It stays as long as a claim has it."""
    given.status.phase = PENDING
    given.status.lastPhaseTransitionTime.CopyFrom(given.metadata.creationTimestamp)
    if VOLUME_PROTECTION not in given.metadata.finalizers:
        given.metadata.finalizers.append(VOLUME_PROTECTION)


def note_phase(new: volume_pb2.PersistentVolume, old: volume_pb2.PersistentVolume) -> None:
    """Whoever writes another phase need not say since when it is so."""
    told, known = new.status, old.status
    if told.phase != known.phase and told.lastPhaseTransitionTime == known.lastPhaseTransitionTime:
        told.lastPhaseTransitionTime.CopyFrom(times.now())
    elif not told.HasField("lastPhaseTransitionTime") and known.HasField("lastPhaseTransitionTime"):
        told.lastPhaseTransitionTime.CopyFrom(known.lastPhaseTransitionTime)


def begin_claim(given: volume_pb2.PersistentVolumeClaim) -> None:
    """Nobody has looked for a volume yet. It stays as long as pods use it."""
    given.status.phase = PENDING
    if CLAIM_PROTECTION not in given.metadata.finalizers:
        given.metadata.finalizers.append(CLAIM_PROTECTION)
