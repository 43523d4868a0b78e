"""What an update takes over from the object it replaces.

A client that sends a manifest again says nothing about what the cluster has given.
"""

from typing import Any

_TIMES = ("creationTimestamp", "deletionTimestamp")


def inherit(new: Any, old: Any) -> None:
    """Fill `new`, before defaults are applied to it, with the metadata that only the cluster sets."""
    metadata, before = new.metadata, old.metadata
    metadata.uid = metadata.uid or before.uid
    metadata.generation = before.generation
    for name in _TIMES:
        if before.HasField(name):
            getattr(metadata, name).CopyFrom(getattr(before, name))
        elif metadata.HasField(name):
            metadata.ClearField(name)
    if before.HasField("deletionGracePeriodSeconds"):
        metadata.deletionGracePeriodSeconds = before.deletionGracePeriodSeconds
    else:
        metadata.ClearField("deletionGracePeriodSeconds")
