"""What a pod's worker knows beside the API and the runtime.

All of it may be lost: a restarted kubelet finds out anew.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from node.kubelet.cri.runtime import Container as Run
from podlab.core.v1 import pod_pb2

FOREVER = float("inf")


@dataclass(frozen=True)
class Hold:
    """Why a container (or, under the empty name, the pod's sandbox) cannot be started before a time (seconds since
    1970); FOREVER when something else ends the wait."""

    reason: str
    message: str
    until: float
    delay_s: int = 0


@dataclass(frozen=True)
class Doom:
    """Why a running container is to be stopped, and how long it is given when that is not the pod's own grace."""

    message: str
    grace_s: int | None = None


@dataclass
class Memory:
    """Keys are container ids, where not said otherwise."""

    # When this kubelet took the pod up, in seconds since 1970.
    accepted: float
    # By container name; empty for the sandbox.
    holds: dict[str, Hold] = field(default_factory=dict)
    # When each container that is being stopped will be killed.
    stopping: dict[str, float] = field(default_factory=dict)
    # When the pod's end began, in seconds since 1970; its containers share one grace period.
    ending_since: float | None = None
    # What its containers are given then, when that is not the pod's own grace.
    grace_s: int | None = None
    doomed: dict[str, Doom] = field(default_factory=dict)
    # Their postStart hook succeeded.
    hooked: set[str] = field(default_factory=set)
    # Why their postStart hook failed.
    hook_failures: dict[str, str] = field(default_factory=dict)
    # Startup probe passed, after the postStart hook.
    started: set[str] = field(default_factory=set)
    ready: dict[str, bool] = field(default_factory=dict)
    # What an ended container left at its terminationMessagePath.
    messages: dict[str, str] = field(default_factory=dict)
    # Ids of sandboxes whose network has been taken down.
    released: set[str] = field(default_factory=set)

    def release(self, reasons: Container[str]) -> None:
        """Ends the waits for these reasons. How long the next one takes is forgotten too."""
        self.holds = {name: hold for name, hold in self.holds.items() if hold.reason not in reasons}

    def is_up(self, spec: pod_pb2.Container, run: Run) -> bool:
        """Whether it runs and its postStart hook, if it has one, is done: only then it is started, probed and ready."""
        return run.alive and (not spec.lifecycle.HasField("postStart") or run.id in self.hooked)

    def forget(self, present: set[str]) -> None:
        """Drops what is known of containers that are gone."""
        for known in (self.stopping, self.doomed, self.ready, self.messages, self.hook_failures):
            for container_id in known.keys() - present:
                del known[container_id]
        self.started &= present
        self.hooked &= present
