"""When all pods of the runtime are listed again. Pure: who asks has the clock."""

from __future__ import annotations

from collections.abc import Collection

from node.kubelet.cri.runtime import ContainerState, ObservedPod

# How often all pods of the runtime are listed, with its exit events and without them.
RELIST_S, RELIST_WITHOUT_EVENTS_S = 5.0, 1.0
# The runtime shows an exit in its lists a moment after the event: nearly always within the first time, on a busy
# machine after seconds. Each look in vain doubles the pause, up to the longest.
SETTLE_S, MAX_SETTLE_S = 0.05, 0.4
# Some exits are never shown, as of what has not started; the calm looks see whatever comes later.
GIVE_UP_S = 10.0


class Relisting:
    """Which exits the runtime has told and not shown yet, and how long to pause because of them."""

    def __init__(self) -> None:
        self.has_events = False
        self._unseen: dict[str, float] = {}
        """By id of container or sandbox: until when it is looked for."""
        self._settle_s = SETTLE_S

    def ended(self, identifier: str, now: float) -> None:
        """The runtime has told that this container or sandbox ended."""
        self.has_events = True
        self._unseen[identifier] = now + GIVE_UP_S
        self._settle_s = SETTLE_S

    def listed(self, pods: Collection[ObservedPod], now: float) -> None:
        """What the runtime shows."""
        shown = {sandbox.id for pod in pods for sandbox in pod.sandboxes if sandbox.ready}
        shown |= {run.id for pod in pods for run in pod.containers if run.state is not ContainerState.EXITED}
        self._unseen = {at: until for at, until in self._unseen.items() if at in shown and now < until}

    def pause_s(self) -> float:
        """Until the next list, if nothing else happens."""
        if not self._unseen:
            return RELIST_S if self.has_events else RELIST_WITHOUT_EVENTS_S
        pause_s, self._settle_s = self._settle_s, min(2 * self._settle_s, MAX_SETTLE_S)
        return pause_s
