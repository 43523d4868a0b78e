"""What controllers ask of pods."""

from __future__ import annotations

from collections.abc import Iterable

from podlab.api.objects import condition
from podlab.api.pods.podphase import is_terminal
from podlab.core.v1 import pod_pb2

# After it was made, at the earliest.
REPLACED_AFTER_S = 1.0


def is_being_deleted(pod: pod_pb2.Pod) -> bool:
    """Its deletion was asked for."""
    return pod.metadata.HasField("deletionTimestamp")


def is_active(pod: pod_pb2.Pod) -> bool:
    """Counts as a replica: neither ended nor going."""
    return not is_terminal(pod) and not is_being_deleted(pod)


def replacement_delay_s(pod: pod_pb2.Pod, now: float) -> float:
    """How long a pod that has ended holds up its successor, 0 when it does not.

    A node may refuse pod after pod as fast as they are made.
    """
    if not is_terminal(pod):
        return 0.0
    return max(0.0, pod.metadata.creationTimestamp.seconds + REPLACED_AFTER_S - now)


def ready_since(pod: pod_pb2.Pod) -> int | None:
    """The second (Unix time) since which it is ready, 0 when that is not known, None when it is not ready."""
    ready = condition(pod.status.conditions, "Ready")
    if ready is None or ready.status != "True":
        return None
    return ready.lastTransitionTime.seconds


def is_ready(pod: pod_pb2.Pod) -> bool:
    return ready_since(pod) is not None


def available_in_s(pod: pod_pb2.Pod, min_ready_s: int, now: float) -> float | None:
    """Seconds until the pod has been ready for long enough, 0 when it has, None when it is not ready."""
    since = ready_since(pod)
    if since is None:
        return None
    if min_ready_s == 0:
        return 0.0
    return max(0.0, since + min_ready_s - now) if since else float(min_ready_s)


def next_availability_s(pods: Iterable[pod_pb2.Pod], min_ready_s: int, now: float) -> float | None:
    """Seconds until the next active pod has been ready for long enough; None when none is on its way."""
    waits = (available_in_s(pod, min_ready_s, now) for pod in pods if is_active(pod))
    return min((wait for wait in waits if wait), default=None)
