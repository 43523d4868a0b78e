"""The phases of pods, under Kubernetes' names."""

from __future__ import annotations

from podlab.core.v1 import pod_pb2

PENDING, RUNNING, SUCCEEDED, FAILED = "Pending", "Running", "Succeeded", "Failed"
TERMINAL = frozenset({SUCCEEDED, FAILED})
"""The last ones: no container runs, and none will start again."""


def is_terminal(pod: pod_pb2.Pod) -> bool:
    """Its containers ended and will not start again, so that it needs nothing any more."""
    return pod.status.phase in TERMINAL
