"""What becomes of an object that is to be deleted. Pure: nothing is written here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from master.apiserver.registry.strategies import namespaces
from master.apiserver.registry.strategies.table import Strategy
from podlab.api.podphase import is_terminal
from podlab.core.v1 import namespace_pb2, pod_pb2
from podlab.kinds.validation.instants import LAST_S
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
_DEFAULT_GRACE_S = 30


@dataclass(frozen=True, slots=True)
class Outcome:
    """Either the object goes now, or it stays as `message`."""

    message: Message
    removed: bool


def decide(current: Message, strategy: Strategy, request: apiserver_pb2.DeleteRequest, now: meta_pb2.Time) -> Outcome:
    """The outcome of a delete call on the object as it stands, which is not changed."""
    marked: Any = type(current)()
    marked.CopyFrom(current)
    _set_propagation(marked.metadata, request.propagation_policy, strategy)
    grace_s = min(_grace_s(current, strategy, request), LAST_S - now.seconds)
    _mark(marked.metadata, grace_s, now)
    if isinstance(marked, namespace_pb2.Namespace):
        marked.status.phase = namespaces.TERMINATING
    return Outcome(marked, is_finished(marked))


def is_finished(message: Any) -> bool:
    """Whether nothing holds a deleted object any more."""
    metadata: meta_pb2.ObjectMeta = message.metadata
    if not metadata.HasField("deletionTimestamp") or metadata.finalizers or metadata.deletionGracePeriodSeconds:
        return False
    return not (isinstance(message, namespace_pb2.Namespace) and message.spec.finalizers)


def _grace_s(current: Message, strategy: Strategy, request: apiserver_pb2.DeleteRequest) -> int:
    """How long the node has. Only a pod that may be running somewhere has anybody to wait for."""
    if not strategy.graceful or not isinstance(current, pod_pb2.Pod):
        return 0
    if not current.spec.nodeName or is_terminal(current):
        return 0
    if request.HasField("grace_period_seconds"):
        asked = request.grace_period_seconds
    elif current.spec.HasField("terminationGracePeriodSeconds"):
        asked = current.spec.terminationGracePeriodSeconds
    else:
        asked = _DEFAULT_GRACE_S
    return asked if asked >= 0 else 1  # as Kubernetes reads a negative one


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


def _set_propagation(metadata: meta_pb2.ObjectMeta, policy: int, strategy: Strategy) -> None:
    """Leave it to the garbage collector by finalizer; without a policy, what is there already stays."""
    if policy == apiserver_pb2.PROPAGATION_POLICY_UNSPECIFIED:
        if not strategy.orphans or FOREGROUND in metadata.finalizers or metadata.HasField("deletionTimestamp"):
            return
        policy = apiserver_pb2.PROPAGATION_POLICY_ORPHAN
    kept = [name for name in metadata.finalizers if name not in (FOREGROUND, ORPHAN)]
    if policy == apiserver_pb2.PROPAGATION_POLICY_FOREGROUND:
        kept.append(FOREGROUND)
    elif policy == apiserver_pb2.PROPAGATION_POLICY_ORPHAN:
        kept.append(ORPHAN)
    metadata.finalizers[:] = kept
