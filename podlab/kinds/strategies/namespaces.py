"""Namespaces: their phase, and the finalizer that keeps them until they are empty."""

from __future__ import annotations

from podlab.core.v1 import namespace_pb2
from podlab.meta.v1 import meta_pb2

FINALIZER = "kubernetes"
ACTIVE, TERMINATING = "Active", "Terminating"


def begin(namespace: namespace_pb2.Namespace) -> None:
    """A new Namespace is active, and stays until the namespace controller has emptied it."""
    namespace.status.phase = ACTIVE
    if FINALIZER not in namespace.spec.finalizers:
        namespace.spec.finalizers.append(FINALIZER)


def keep_finalizers(new: namespace_pb2.Namespace, old: namespace_pb2.Namespace) -> None:
    """Only a terminating Namespace lets go of finalizers, and none ever takes new ones."""
    terminating = old.metadata.HasField("deletionTimestamp")
    kept = [name for name in old.spec.finalizers if not terminating or name in new.spec.finalizers]
    new.spec.finalizers[:] = kept


def keep_phase(new: namespace_pb2.Namespace, old: namespace_pb2.Namespace, _: meta_pb2.Time) -> None:
    """Whoever writes conditions may have read the phase before the deletion."""
    new.status.phase = TERMINATING if old.metadata.HasField("deletionTimestamp") else ACTIVE


def terminate(namespace: namespace_pb2.Namespace) -> None:
    """A Namespace that is deleted says so in its phase."""
    namespace.status.phase = TERMINATING


def is_held(namespace: namespace_pb2.Namespace) -> bool:
    """It stays as long as somebody has not emptied it."""
    return bool(namespace.spec.finalizers)
