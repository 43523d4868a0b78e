"""Volumes and claims: what they start with."""

from __future__ import annotations

from podlab.core.v1 import volume_pb2

PENDING = "Pending"


def begin(given: volume_pb2.PersistentVolume | volume_pb2.PersistentVolumeClaim) -> None:
    """Nobody has looked for a partner yet."""
    given.status.phase = PENDING
