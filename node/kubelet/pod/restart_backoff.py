"""How long a container waits before it is started again.

As Kubernetes has it (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy): the first
restart is immediate, the following wait 10 s, 20 s, ... 300 s; a run of ten minutes resets the back-off. An annotation
of each run has the delay that follows it, so that a restarted kubelet knows it.
"""

from __future__ import annotations

from node.kubelet.cri.runtime import NEXT_BACKOFF, Container

FIRST_S = 10
LIMIT_S = 300
RESET_AFTER_S = 600
# Containerd's reason for a container that ended while containerd was down, usually with the whole node.
LOST = "Unknown"


def delay_s(run: Container) -> int:
    """How long after the end of this run the next one may start."""
    if run.reason == LOST or _ran_s(run) >= RESET_AFTER_S:
        return 0
    return int(run.annotations.get(NEXT_BACKOFF, "0"))


def due(run: Container) -> float:
    """When the next run may start, in seconds since 1970."""
    return run.finished_ns / 1e9 + delay_s(run)


def following_s(previous: Container | None) -> int:
    """The delay that is kept with the run after `previous`."""
    if previous is None:
        return 0
    return longer_s(delay_s(previous))


def longer_s(delay_s: int) -> int:
    """The next longer delay."""
    return min(LIMIT_S, delay_s * 2) if delay_s else FIRST_S


def _ran_s(run: Container) -> float:
    return (run.finished_ns - run.started_ns) / 1e9 if run.started_ns else 0.0
