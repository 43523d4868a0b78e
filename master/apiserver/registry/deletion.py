"""What becomes of an object that is to be deleted. Pure: nothing is written here."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from master.apiserver.admission.rules import eviction
from master.apiserver.admission.write import Deletion, Propagation
from master.apiserver.registry import changes
from podlab.api.objects import metadata as metadata_of
from podlab.api.objects import typed
from podlab.core.v1.pod_pb2 import Pod
from podlab.kinds.strategy import Strategy
from podlab.kinds.validation.instants import LAST_S
from podlab.meta.v1 import meta_pb2

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"


def decided(current: Message, strategy: Strategy, deletion: Deletion, now: meta_pb2.Time) -> Message:
    """What becomes of the object, which is not changed: it waits as this says, or goes when `is_finished`."""
    marked = changes.copied(current)
    metadata = metadata_of(marked)
    if deletion.disruption is not None and not metadata.HasField("deletionTimestamp"):
        eviction.mark(typed(marked, Pod), deletion.disruption.reason, deletion.disruption.message, now)
    _set_propagation(metadata, deletion.propagation, strategy)
    grace_s = min(strategy.grace_period_s(current, deletion.grace_period_s), LAST_S - now.seconds)
    _mark(metadata, grace_s, now)
    strategy.prepare_for_deletion(marked)
    return marked


def is_finished(message: Any, strategy: Strategy) -> bool:
    """Whether nothing holds a deleted object any more."""
    metadata: meta_pb2.ObjectMeta = message.metadata
    if not metadata.HasField("deletionTimestamp") or metadata.finalizers or metadata.deletionGracePeriodSeconds:
        return False
    return not strategy.is_held(message)


def _mark(metadata: meta_pb2.ObjectMeta, grace_s: int, now: meta_pb2.Time) -> None:
    """Set when the object is to go; a later call can only bring that forward."""
    if not metadata.HasField("deletionTimestamp"):
        metadata.deletionTimestamp.seconds = now.seconds + grace_s
        metadata.deletionGracePeriodSeconds = grace_s
        if metadata.generation:  # what it is asked to do has changed
            metadata.generation += 1
    elif grace_s < metadata.deletionGracePeriodSeconds:
        metadata.deletionTimestamp.seconds -= metadata.deletionGracePeriodSeconds - grace_s
        metadata.deletionGracePeriodSeconds = grace_s


def _set_propagation(metadata: meta_pb2.ObjectMeta, asked: Propagation | None, strategy: Strategy) -> None:
    """Leave it to the garbage collector by finalizer; when nothing is asked for, what is there already stays."""
    if asked is None:
        if not strategy.orphans or FOREGROUND in metadata.finalizers or metadata.HasField("deletionTimestamp"):
            return
        asked = Propagation.ORPHAN
    kept = [name for name in metadata.finalizers if name not in (FOREGROUND, ORPHAN)]
    if asked is Propagation.FOREGROUND:
        kept.append(FOREGROUND)
    elif asked is Propagation.ORPHAN:
        kept.append(ORPHAN)
    metadata.finalizers[:] = kept
