"""What a pod's worker knows beside the API and the runtime.

All of it may be lost: a restarted kubelet finds it out anew.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from node.kubelet.cri.runtime import Container
from podlab.core.v1 import pod_pb2

FOREVER = float("inf")
WHOLE_POD = ""


@dataclass(frozen=True)
class BlockedStart:
    """Why a container, or the pod's sandbox, cannot be started before a time (seconds since 1970).

    `until` is FOREVER when something else ends the wait. `delay_s` is the back-off that the next failure doubles.
    """

    reason: str
    message: str
    until: float
    delay_s: int = 0


@dataclass(frozen=True)
class KillReason:
    """Why a running container is to be stopped. `grace_s` is None when it is given the pod's own grace period."""

    message: str
    grace_s: int | None = None


@dataclass(frozen=True)
class PendingResize:
    """Why the pod keeps the resources that it has: Deferred until there is room, or Infeasible."""

    reason: str
    message: str


@dataclass
class PodNotes:
    """Keys are container ids, where not said otherwise. Times are seconds since 1970."""

    # When this kubelet took the pod up.
    accepted_at: float
    # By container name; the sandbox has the empty name.
    blocked_starts: dict[str, BlockedStart] = field(default_factory=dict)
    # When each container that is being stopped will be killed.
    stopping: dict[str, float] = field(default_factory=dict)
    # When the pod's termination began; its containers share one grace period.
    terminating_since: float | None = None
    # The grace period of that termination, when it is not the pod's own.
    grace_s: int | None = None
    to_kill: dict[str, KillReason] = field(default_factory=dict)
    # Containers whose postStart hook succeeded.
    post_start_done: set[str] = field(default_factory=set)
    # Why the postStart hook of a container failed.
    post_start_failures: dict[str, str] = field(default_factory=dict)
    # Containers whose startup probe passed, after the postStart hook.
    started: set[str] = field(default_factory=set)
    ready: dict[str, bool] = field(default_factory=dict)
    # What an ended container left at its terminationMessagePath.
    termination_messages: dict[str, str] = field(default_factory=dict)
    # Ids of sandboxes whose network has been taken down.
    stopped_sandboxes: set[str] = field(default_factory=set)
    # Whether ended containers, and their logs, are kept once the pod is over.
    keeps_ended: bool = True
    # None: the pod has what it asks for.
    pending_resize: PendingResize | None = None
    # Running containers that do not have yet what the node has set aside for them. The empty id: the pod as a whole.
    resizing: set[str] = field(default_factory=set)
    # Why they do not get it.
    resize_error: str = ""

    def unblock_starts(self, reasons: Collection[str]) -> None:
        """Ends the waits for these reasons, and forgets their back-off."""
        self.blocked_starts = {
            name: blocked for name, blocked in self.blocked_starts.items() if blocked.reason not in reasons
        }

    def post_start_finished(self, spec: pod_pb2.Container, run: Container) -> bool:
        """Whether the container runs and its postStart hook, if it has one, has succeeded.

        Only then is the container probed, and may be started and ready.
        """
        return run.alive and (not spec.lifecycle.HasField("postStart") or run.id in self.post_start_done)

    def forget_absent(self, present: set[str]) -> None:
        """Drops what is known of containers that are gone."""
        for known in (self.stopping, self.to_kill, self.ready, self.termination_messages, self.post_start_failures):
            for container_id in known.keys() - present:
                del known[container_id]
        self.started &= present
        self.post_start_done &= present
        self.resizing &= present | {WHOLE_POD}
